"""Reads the bytes of one message."""

from __future__ import annotations

import struct
import zlib

from ..errors import UpstreamViolation


class Source:
    """Bytes that are read from their beginning to their end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes, at: int = 0) -> None:
        self._data = data
        self._at = at

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            UpstreamViolation: there are fewer.
        """
        end = self._at + size
        if end > len(self._data):
            raise UpstreamViolation(f"{len(self._data) - self._at} bytes, expected {size}")
        data = self._data[self._at : end]
        self._at = end
        return data

    def byte(self) -> int:
        """Return the next byte."""
        return self.take(1)[0]

    def number(self, size: int = 4) -> int:
        """Return a number, most significant byte first."""
        return int.from_bytes(self.take(size), "big")

    def unpack(self, layout: struct.Struct) -> tuple[int, ...]:
        """Return the numbers of a layout."""
        return layout.unpack(self.take(layout.size))

    def rest(self) -> bytes:
        """Return all that is left."""
        return self.take(len(self._data) - self._at)


class Inflating:
    """A zlib stream that goes on from rectangle to rectangle."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def inflate(self, data: bytes, most: int) -> bytes:
        """Return what data are when inflated.

        Args:
            most: bytes; a security limit.

        Raises:
            UpstreamViolation: they are more, or no zlib stream.
        """
        try:
            found = self._stream.decompress(data, most + 1)
        except zlib.error as e:
            raise UpstreamViolation(f"zlib: {e}") from e
        if len(found) > most or self._stream.unconsumed_tail:
            raise UpstreamViolation(f"more than {most} inflated bytes")
        return found
