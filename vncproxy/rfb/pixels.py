"""Pixel formats (RFC 6143 section 7.4)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """The layout of one pixel; 16 bytes on the wire.

    Attributes:
        bits_per_pixel: 8, 16 or 32; 8 without true colour, where servers differ about others: QEMU
            sends 8 whatever was asked for.
        depth: how many of those bits are used.
        big_endian: whether the most significant byte comes first.
        true_colour: False means that pixels are indices of a colour map, and that the six fields
            below have no meaning.
        red_max: the largest red, one less than a power of two; likewise the others.
        red_shift: how far red is shifted to the left in the pixel's number; likewise the others.
    """

    SIZE: ClassVar[int] = 16
    _LAYOUT: ClassVar[struct.Struct] = struct.Struct(">BB??HHHBBB3x")

    bits_per_pixel: int = 32
    depth: int = 24
    big_endian: bool = False
    true_colour: bool = True
    red_max: int = 255
    green_max: int = 255
    blue_max: int = 255
    red_shift: int = 16
    green_shift: int = 8
    blue_shift: int = 0

    def __post_init__(self) -> None:
        if self.bits_per_pixel not in (8, 16, 32):
            raise ValueError(f"{self.bits_per_pixel} bits per pixel, expected 8, 16 or 32")
        if not 1 <= self.depth <= self.bits_per_pixel:
            raise ValueError(f"depth {self.depth} of {self.bits_per_pixel} bits per pixel")
        if self.true_colour:
            self._check_channels()
        elif self.bits_per_pixel != 8:
            raise ValueError(f"a colour map with {self.bits_per_pixel} bits per pixel, expected 8")

    def _check_channels(self) -> None:
        for largest, shift in self.channels:
            if not 1 <= largest <= 0xFFFF or largest & (largest + 1):
                raise ValueError(f"largest colour value {largest} is not 2^n - 1")
            if shift < 0 or shift + largest.bit_length() > self.bits_per_pixel:
                raise ValueError(f"colour of {largest.bit_length()} bits shifted by {shift}")

    @property
    def channels(self) -> tuple[tuple[int, int], tuple[int, int], tuple[int, int]]:
        """Largest value and shift of red, green and blue."""
        return (
            (self.red_max, self.red_shift),
            (self.green_max, self.green_shift),
            (self.blue_max, self.blue_shift),
        )

    @property
    def bytes_per_pixel(self) -> int:
        """1, 2 or 4."""
        return self.bits_per_pixel // 8

    def pack(self) -> bytes:
        """Return the 16 bytes on the wire."""
        return self._LAYOUT.pack(
            self.bits_per_pixel,
            self.depth,
            self.big_endian,
            self.true_colour,
            *(largest for largest, _ in self.channels),
            *(shift for _, shift in self.channels),
        )

    @classmethod
    def unpack(cls, data: bytes) -> PixelFormat:
        """Parse the 16 bytes on the wire.

        Raises:
            ValueError: it is not 16 bytes, or no such format can exist.
        """
        if len(data) != cls.SIZE:
            raise ValueError(f"pixel format of {len(data)} bytes, expected {cls.SIZE}")
        return cls(*cls._LAYOUT.unpack(data))
