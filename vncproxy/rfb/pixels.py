"""How pixels are laid out, and how a server introduces its screen (RFC 6143, 7.4 and 7.3.2)."""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import ClassVar

from ..errors import UpstreamViolation

MAX_NAME = 4096
"""Bytes of a desktop name; a longer one is not a name. This is a security limit."""


@dataclass(frozen=True, slots=True)
class PixelFormat:
    """How one pixel is written: 16 bytes on the wire.

    Attributes:
        bits_per_pixel: 8, 16 or 32.
        depth: how many of those bits count.
        big_endian: whether the most significant byte comes first.
        true_colour: False means that pixels are indices of a colour map, and that the six fields
            below say nothing.
        red_max: the largest red, one less than a power of two; so for the others.
        red_shift: how far red is shifted to the left in the pixel's number; so for the others.
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
        """Return the 16 bytes of the wire."""
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
        """Read the 16 bytes of the wire.

        Raises:
            ValueError: it is not 16 bytes, or no such format can exist.
        """
        if len(data) != cls.SIZE:
            raise ValueError(f"pixel format of {len(data)} bytes, expected {cls.SIZE}")
        return cls(*cls._LAYOUT.unpack(data))


@dataclass(frozen=True, slots=True)
class ServerInit:
    """The end of the handshake: size of the screen in pixels, its format and its name."""

    _LAYOUT: ClassVar[struct.Struct] = struct.Struct(">HH16sI")

    width: int
    height: int
    pixel_format: PixelFormat
    name: str

    def pack(self) -> bytes:
        """Return the message; the name goes out as UTF-8."""
        name = self.name.encode()
        return (
            self._LAYOUT.pack(self.width, self.height, self.pixel_format.pack(), len(name)) + name
        )

    @classmethod
    def unpack(cls, data: bytes) -> tuple[ServerInit, bytes] | None:
        """Read the message from the start of what a server sent.

        Returns:
            The message and what follows it, or None when more bytes are needed.

        Raises:
            UpstreamViolation: the pixel format cannot exist, or the name is too long.
        """
        head = cls._LAYOUT.size
        if len(data) < head:
            return None
        width, height, pixels, length = cls._LAYOUT.unpack_from(data)
        if length > MAX_NAME:
            raise UpstreamViolation(f"desktop name of {length} bytes, at most {MAX_NAME}")
        try:
            pixel_format = PixelFormat.unpack(pixels)
        except ValueError as e:
            raise UpstreamViolation(f"server init: {e}") from e
        if len(data) < head + length:
            return None
        name = data[head : head + length].decode(errors="replace")
        return cls(width, height, pixel_format, name), data[head + length :]
