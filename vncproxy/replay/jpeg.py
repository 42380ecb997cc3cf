"""JPEG images that every browser decodes, to the same pixels (ITU T.81 annex B)."""

from __future__ import annotations

import struct
from functools import lru_cache
from typing import Final

_FRAME: Final = struct.Struct(">BHHB")
_SAMPLINGS: Final = ((0x11,), (0x11, 0x21, 0x22, 0x41, 0x12))
"""Of an image of grey, and of the first of three components; the others have 1 x 1."""

_START, _END = b"\xff\xd8", b"\xff\xd9"
_SOF0, _DHT, _SOS, _DQT, _DRI, _APP0, _COMMENT = 0xC0, 0xC4, 0xDA, 0xDB, 0xDD, 0xE0, 0xFE
_WHOLE_SPECTRUM = bytes((0, 63, 0))
_MOST_TABLES = 4
_LARGEST_DC = 15
_LONGEST_CODE = 16


def is_plain_jpeg(data: bytes, width: int, height: int) -> bool:
    """Return whether data are a baseline image of this size that no browser fails to decode.

    It has one scan, all tables that the scan needs, and neither a colour profile nor an
    orientation, which browsers apply and other decoders do not.
    """
    if data[:2] != _START or data[-2:] != _END:
        return False
    try:
        return _Image(data).is_plain(width, height)
    except (IndexError, struct.error, _NotPlain):
        return False


class _NotPlain(Exception):
    """The image is of a kind that browsers may show differently, or malformed."""


class _Image:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._quantisation: set[int] = set()
        self._codes: set[int] = set()
        self._components: list[tuple[int, int, int]] = []
        self._size = 0, 0

    def is_plain(self, width: int, height: int) -> bool:
        """Look at the segments up to the scan."""
        data, at = self._data, 2
        while data[at] == 0xFF:
            marker, length = data[at + 1], int.from_bytes(data[at + 2 : at + 4], "big")
            segment = data[at + 4 : at + 2 + length]
            if length < 2 or len(segment) != length - 2:
                return False
            if marker == _SOS:
                return self._size == (width, height) and self._is_whole_scan(segment)
            self._take(marker, segment)
            at += 2 + length
        return False

    def _take(self, marker: int, segment: bytes) -> None:
        if marker == _DQT:
            self._quantisation |= _quantisation_tables(segment)
        elif marker == _DHT:
            self._codes |= _code_tables(segment)
        elif marker == _SOF0 and not self._components:
            self._take_frame(segment)
        elif marker not in (_DRI, _APP0, _COMMENT) or (marker == _DRI and len(segment) != 2):
            raise _NotPlain

    def _take_frame(self, segment: bytes) -> None:
        precision, height, width, count = _FRAME.unpack_from(segment)
        rest = segment[_FRAME.size :]
        if precision != 8 or count not in (1, 3) or len(rest) != 3 * count:
            raise _NotPlain
        self._size = width, height
        self._components = [(rest[i], rest[i + 1], rest[i + 2]) for i in range(0, 3 * count, 3)]
        first, others = self._components[0], self._components[1:]
        if first[1] not in _SAMPLINGS[count == 3] or any(each[1] != 0x11 for each in others):
            raise _NotPlain

    def _is_whole_scan(self, segment: bytes) -> bool:
        count = len(self._components)
        if not count or segment[0] != count or segment[1 + 2 * count :] != _WHOLE_SPECTRUM:
            return False
        for number, (name, _, quantisation) in enumerate(self._components):
            tables = segment[2 + 2 * number]
            needed = {tables >> 4, 0x10 | tables & 15}
            if segment[1 + 2 * number] != name or quantisation not in self._quantisation:
                return False
            if tables & 15 >= _MOST_TABLES or not needed <= self._codes:
                return False
        return len({name for name, _, _ in self._components}) == count


@lru_cache(maxsize=64)
def _quantisation_tables(segment: bytes) -> frozenset[int]:
    """Return the numbers of the tables in a segment; servers send the same ones in each image."""
    at, found = 0, set()
    while at < len(segment):
        wide, number = segment[at] >> 4, segment[at] & 15
        at += 1 + 64
        if wide or number >= _MOST_TABLES or at > len(segment):
            raise _NotPlain
        found.add(number)
    return frozenset(found)


@lru_cache(maxsize=64)
def _code_tables(segment: bytes) -> frozenset[int]:
    """Return the numbers of the tables in a segment, those for DC first."""
    at, found = 0, set()
    while at < len(segment):
        number, counts = segment[at], segment[at + 1 : at + 1 + _LONGEST_CODE]
        symbols = segment[at + 1 + _LONGEST_CODE :][: sum(counts)]
        at += 1 + _LONGEST_CODE + sum(counts)
        if at > len(segment) or number & 0xEF >= _MOST_TABLES or not _are_codes(counts):
            raise _NotPlain
        if number < _MOST_TABLES and max(symbols, default=0) > _LARGEST_DC:
            raise _NotPlain
        found.add(number)
    return frozenset(found)


def _are_codes(counts: bytes) -> bool:
    """Return whether so many codes of each length can exist; that of ones alone is no code."""
    code = 0
    for length, count in enumerate(counts, 1):
        code += count
        if count and code >= 1 << length:
            return False
        code <<= 1
    return len(counts) == _LONGEST_CODE and sum(counts) <= 256
