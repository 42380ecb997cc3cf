"""Reads the bytes of one message."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator

from ..errors import UpstreamViolation

_SLICE = 65536
"""Bytes that are inflated at a time; zlib copies those for which there was no room."""


class Source:
    """Bytes that are read from their beginning to their end.

    Attributes:
        at: how many were read.
    """

    __slots__ = ("_data", "at")

    def __init__(self, data: bytes | bytearray, at: int = 0) -> None:
        self._data = memoryview(data)
        self.at = at

    def since(self, start: int) -> memoryview:
        """Return what was read since `at` was so many, without a copy."""
        return self._data[start : self.at]

    def peek(self, size: int) -> bytes:
        """Return the next bytes, or fewer at the end, and leave them to be read."""
        return self._data[self.at : self.at + size].tobytes()

    def take(self, size: int) -> bytes:
        """Return the next bytes.

        Raises:
            UpstreamViolation: there are fewer.
        """
        return self.view(size).tobytes()

    def view(self, size: int) -> memoryview:
        """Return the next bytes without a copy.

        Raises:
            UpstreamViolation: there are fewer.
        """
        end = self.at + size
        if end > len(self._data):
            raise UpstreamViolation(f"{len(self._data) - self.at} bytes, expected {size}")
        data = self._data[self.at : end]
        self.at = end
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
        return self.take(len(self._data) - self.at)


class Inflating:
    """A zlib stream that goes on from rectangle to rectangle."""

    __slots__ = ("_stream",)

    def __init__(self) -> None:
        self._stream = zlib.decompressobj()

    def parts(self, data: memoryview, sizes: list[int]) -> Iterator[bytes]:
        """Yield what data are when inflated, in parts of given sizes, one in memory at a time.

        Raises:
            UpstreamViolation: they are more or fewer bytes, or no zlib stream.
        """
        pieces = [data[at : at + _SLICE] for at in range(0, len(data), _SLICE)][::-1]
        for size in sizes:
            part = bytearray()
            while len(part) < size:
                found = self._next(pieces, size - len(part))
                if not found and (not pieces or self._stream.eof):
                    raise UpstreamViolation(f"{len(part)} inflated bytes, expected {size}")
                part += found
            yield bytes(part)
        more = self._next(pieces, 1)
        while not more and pieces and not self._stream.eof:
            more = self._next(pieces, 1)
        if more:
            raise UpstreamViolation(f"more than {sum(sizes)} inflated bytes")

    def _next(self, pieces: list[memoryview], most: int) -> bytes:
        """Inflate the last of the pieces, and put back what there was no room for."""
        try:
            found = self._stream.decompress(pieces.pop() if pieces else b"", most)
        except zlib.error as e:
            raise UpstreamViolation(f"zlib: {e}") from e
        if tail := self._stream.unconsumed_tail:
            pieces.append(memoryview(tail))
        return found

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
