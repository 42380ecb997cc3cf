"""Objects of a bucket as seekable files, read in ranges."""

from __future__ import annotations

import io
import os
from typing import BinaryIO, Final, cast

from typing_extensions import Buffer

from .bucket import Bucket

AHEAD: Final = 1 << 20
"""Bytes that are read at once, at least."""

_PIECE: Final = 8 << 20


def open_object(bucket: Bucket, name: str, size: int) -> BinaryIO:
    """Return an object as a file that is open for reading; nothing is read yet.

    Args:
        size: of the object.
    """
    return cast(BinaryIO, io.BufferedReader(_Object(bucket, name, size), AHEAD))


class _Object(io.RawIOBase):
    def __init__(self, bucket: Bucket, name: str, size: int) -> None:
        self._bucket = bucket
        self._name = name
        self._size = size
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at, os.SEEK_END: self._size}[whence]
        self._at = max(0, start + offset)
        return self._at

    def tell(self) -> int:
        return self._at

    def readinto(self, buffer: Buffer) -> int:
        view = memoryview(buffer).cast("B")
        data = self._bucket.read(self._name, self._at, min(len(view), self._size - self._at))
        view[: len(data)] = data
        self._at += len(data)
        return len(data)

    def readall(self) -> bytes:
        pieces = []
        while data := self._bucket.read(self._name, self._at, min(_PIECE, self._size - self._at)):
            self._at += len(data)
            pieces.append(data)
        return b"".join(pieces)
