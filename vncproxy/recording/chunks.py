"""The parts of a file, each with the hash of all before it, so that no change goes unseen."""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterator
from enum import IntEnum
from typing import Final, NamedTuple

from .sealing import TAG_SIZE, Seal

MAGIC: Final = b"\x89VNCR\r\n\x01"
"""The first bytes of a file; the last of them is its version."""

HEAD: Final = struct.Struct(">IBB2x")
"""Bytes of the body, kind, and whether it is sealed."""

LONGEST_BODY: Final = 16 << 20
"""Bytes of a body; a security limit of readers."""

HASH_SIZE: Final = 32

Body = bytes | memoryview


class Kind(IntEnum):
    """What the body of a chunk is.

    Attributes:
        ABOUT: JSON about the session: the first chunk, and never sealed.
        EVENTS: as `vncproxy.recording.events` has them.
        END: JSON: why and when the recording ended; the last chunk.
    """

    ABOUT = 1
    EVENTS = 2
    END = 3


_KINDS: Final = frozenset(map(int, Kind))


class Chunk(NamedTuple):
    """A part of a file.

    Attributes:
        number: from 0.
        head: its first bytes.
        body: as it is, where it is not sealed.
        hash: of the file up to here.
    """

    number: int
    kind: Kind
    is_sealed: bool
    head: bytes
    body: bytes
    hash: bytes


class Mark(NamedTuple):
    """The end of a file while it is written, as `ChunkWriter` has it."""

    hash: bytes
    size: int
    number: int


class ChunkWriter:
    """Makes chunks.

    Args:
        seal: encrypts all bodies but the first; None for none.

    Attributes:
        hash: of all that was made.
        size: bytes of all that was made.
    """

    def __init__(self, seal: Seal | None = None) -> None:
        self.hash = hashlib.sha256(MAGIC).digest()
        self.size = len(MAGIC)
        self._seal = seal
        self._number = 0

    def chunk(self, kind: Kind, body: bytes, sealed: bool = True) -> bytes:
        """Return the bytes of the next chunk, which is written behind all before it."""
        return b"".join(self.parts(kind, body, sealed))

    def parts(self, kind: Kind, body: Body, sealed: bool = True) -> tuple[bytes, Body, bytes]:
        """Return the next chunk in parts, of which the body is not copied."""
        seal = self._seal if sealed and kind is not Kind.ABOUT else None
        head = HEAD.pack(len(body) + (TAG_SIZE if seal else 0), kind, seal is not None)
        if seal is not None:
            body = seal.close(self._number, head, body)
        hashing = hashlib.sha256(self.hash + head)
        hashing.update(body)
        self.hash = hashing.digest()
        self._number += 1
        self.size += len(head) + len(body) + HASH_SIZE
        return head, body, self.hash

    def mark(self) -> Mark:
        """Return where the file ends now."""
        return Mark(self.hash, self.size, self._number)

    def go_back(self, mark: Mark) -> None:
        """Take back the chunks behind a mark, which were not written as a whole.

        Nothing is sealed from then on: their numbers have been used.
        """
        self.hash, self.size, self._number = mark
        self._seal = None


class Damaged(ValueError):
    """A file that was changed.

    Attributes:
        chunk: the number of the first chunk that is not as it was written.
    """

    def __init__(self, chunk: int, why: str) -> None:
        super().__init__(f"chunk {chunk}: {why}")
        self.chunk = chunk


class ChunkReader:
    """Takes chunks apart, in pieces of any size."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._begun = False
        self._hash = hashlib.sha256(MAGIC).digest()
        self._number = 0

    @property
    def held(self) -> int:
        """Bytes of a chunk that is not whole."""
        return len(self._data)

    def forget(self) -> int:
        """Forget the bytes of a chunk that is not whole; returns how many they were."""
        count = len(self._data)
        self._data.clear()
        return count

    def receive(self, data: bytes) -> Iterator[Chunk]:
        """Yield the chunks that bytes complete; all of them are to be taken.

        Raises:
            Damaged: they are no recording, or not as they were written.
        """
        self._data += data
        if not self._begun and len(self._data) >= len(MAGIC):
            if bytes(self._data[: len(MAGIC)]) != MAGIC:
                raise Damaged(0, "this is no recording, or one of another version")
            del self._data[: len(MAGIC)]
            self._begun = True
        while self._begun and (chunk := self._next()):
            yield chunk

    def _next(self) -> Chunk | None:
        if len(self._data) < HEAD.size:
            return None
        size, kind, sealed = HEAD.unpack_from(self._data)
        if size > LONGEST_BODY or kind not in _KINDS or sealed > 1:
            raise Damaged(self._number, "it has an impossible head")
        end = HEAD.size + size
        if len(self._data) < end + HASH_SIZE:
            return None
        self._hash = hashlib.sha256(self._hash + self._data[:end]).digest()
        if self._hash != bytes(self._data[end : end + HASH_SIZE]):
            raise Damaged(self._number, "it was changed, or what precedes it")
        head, body = bytes(self._data[: HEAD.size]), bytes(self._data[HEAD.size : end])
        del self._data[: end + HASH_SIZE]
        self._number += 1
        return Chunk(self._number - 1, Kind(kind), bool(sealed), head, body, self._hash)
