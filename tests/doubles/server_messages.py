"""Messages of servers, as bytes, written from RFC 6143 and the registered layouts.

The data of each rectangle has pixels of 32 bits, of which 24 are used.
"""

from __future__ import annotations

import struct
from typing import NamedTuple


class Rectangle(NamedTuple):
    """A rectangle of an update."""

    name: str
    width: int
    height: int
    encoding: int
    data: bytes

    def pack(self) -> bytes:
        return struct.pack(">HHHHi", 0, 0, self.width, self.height, self.encoding) + self.data


def update(*rectangles: Rectangle, count: int | None = None) -> bytes:
    """Return a FramebufferUpdate."""
    number = len(rectangles) if count is None else count
    return struct.pack(">BxH", 0, number) + b"".join(each.pack() for each in rectangles)


def compact(size: int) -> bytes:
    """Return a length as Tight writes it."""
    if size < 1 << 7:
        return bytes([size])
    if size < 1 << 14:
        return bytes([size & 0x7F | 0x80, size >> 7])
    return bytes([size & 0x7F | 0x80, size >> 7 & 0x7F | 0x80, size >> 14])


def tight(control: int, body: bytes) -> bytes:
    return bytes([control]) + body


def compressed(size: int) -> bytes:
    return compact(size) + b"\xcc" * size


def prefixed(size: int) -> bytes:
    return struct.pack(">I", size) + b"\xdd" * size


JPEG = bytes.fromhex(
    "ffd8 ffe0 0004 0000 ffdb 0003 00 ffda 0004 0000"
    "12ff00 34 ffd0 56 ff01 78 ffd7 9a ffff00 ffffffd1"
    "ffc4 0002 ffda 0002 1234 ffd9"
)

PIXEL = b"\x11\x22\x33\x00"
RECTANGLES = (
    Rectangle("Raw", 3, 2, 0, PIXEL * 6),
    Rectangle("Raw without pixels", 0, 7, 0, b""),
    Rectangle("CopyRect", 9, 9, 1, bytes(4)),
    Rectangle("RRE", 9, 9, 2, struct.pack(">I", 2) + PIXEL + (PIXEL + bytes(8)) * 2),
    Rectangle("RRE of one colour", 9, 9, 2, bytes(4) + PIXEL),
    Rectangle("CoRRE", 9, 9, 4, struct.pack(">I", 3) + PIXEL + (PIXEL + bytes(4)) * 3),
    Rectangle(
        "Hextile",
        *(40, 17, 5),
        b"\x01" + PIXEL * 256  # raw
        + b"\x02" + PIXEL  # background
        + b"\x00"  # nothing
        + b"\x0e" + PIXEL * 2 + b"\x02" + bytes(4)  # both colours, two subrectangles
        + b"\x1a" + PIXEL + b"\x01" + PIXEL + bytes(2)  # coloured
        + b"\x04" + PIXEL,
    ),
    Rectangle("zlib", 9, 9, 6, prefixed(300)),
    Rectangle("Ultra", 9, 9, 9, prefixed(4)),
    Rectangle("ZRLE", 9, 9, 16, prefixed(70_000)),
    Rectangle("ZYWRLE", 9, 9, 17, prefixed(0)),
    Rectangle("Tight fill", 9, 9, 7, tight(0x80, b"\1\2\3")),
    Rectangle("Tight fill with resets", 9, 9, 7, tight(0x8F, b"\1\2\3")),
    Rectangle("Tight JPEG", 9, 9, 7, tight(0x90, compressed(17_000))),
    Rectangle("Tight short", 1, 3, 7, tight(0x00, b"\1\2\3" * 3)),
    Rectangle("Tight", 2, 2, 7, tight(0x30, compressed(200))),
    Rectangle("Tight copy", 2, 2, 7, tight(0x40, b"\0" + compressed(127))),
    Rectangle("Tight gradient", 2, 2, 7, tight(0x40, b"\2" + compressed(128))),
    Rectangle("Tight two colours", 9, 2, 7, tight(0x40, b"\1\1" + bytes(6) + bytes(4))),
    Rectangle("Tight two colours, more", 96, 2, 7, tight(0x50, b"\1\1" + bytes(6) + compressed(5))),
    Rectangle("Tight palette", 3, 4, 7, tight(0x60, b"\1\2" + bytes(9) + compressed(9))),
    Rectangle("Tight palette, short", 3, 3, 7, tight(0x70, b"\1\xff" + bytes(768) + bytes(9))),
    Rectangle("TightPNG", 9, 9, -260, tight(0xA0, compressed(16_384))),
    Rectangle(
        "TRLE",
        *(40, 40, 15),
        b"\x00" + bytes(3) * 256  # raw
        + b"\x01" + bytes(3)  # solid
        + b"\x02" + bytes(6) + bytes(1) * 16  # 8 wide, two colours
        + b"\x7f" + bytes(2) * 16  # the same palette
        + b"\x04" + bytes(12) + bytes(4) * 16  # four colours
        + b"\x05" + bytes(15) + bytes(4) * 16  # 8 wide, five colours
        + b"\x80" + (bytes(3) + b"\x7f")  # a run of 128
        + b"\x82" + bytes(6) + b"\x81\xfe" * 0 + b"\x80\x7f"  # 8 high: indexed run of 128
        + b"\x81" + b"\x00" * 63 + b"\x81\x00",  # 8 by 8, the same palette, one by one
    ),
    Rectangle("TRLE of a long run", 16, 16, 15, b"\x80" + bytes(3) + b"\xff\x00"),
    Rectangle("JPEG", 9, 9, 21, JPEG),
    Rectangle("H.264", 9, 9, 50, struct.pack(">II", 90, 1) + bytes(90)),
    Rectangle("DesktopSize", 800, 600, -223, b""),
    Rectangle("pointer's position", 5, 5, -232, b""),
    Rectangle("Cursor", 9, 3, -239, PIXEL * 27 + bytes(6)),
    Rectangle("Cursor of no size", 0, 0, -239, b""),
    Rectangle("XCursor", 9, 3, -240, bytes(6) + bytes(12)),
    Rectangle("XCursor of no size", 0, 3, -240, b""),
    Rectangle("cursor with alpha", 2, 2, -314, bytes(4) + PIXEL * 4),
    Rectangle("cursor with alpha, ZRLE", 2, 2, -314, struct.pack(">i", 16) + prefixed(7)),
    Rectangle("QEMU's pointer", 1, 0, -257, b""),
    Rectangle("QEMU's keys", 0, 0, -258, b""),
    Rectangle("QEMU's sound", 0, 0, -259, b""),
    Rectangle("QEMU's lamps", 0, 0, -261, b"\7"),
    Rectangle("DesktopName", 0, 0, -307, prefixed(5)),
    Rectangle("ExtendedDesktopSize", 9, 9, -308, b"\2\0\0\0" + bytes(32)),
    Rectangle("mouse buttons", 0, 0, -316, b""),
    Rectangle("VMware's cursor", 2, 2, 0x574D5664, b"\0\0" + PIXEL * 8),
    Rectangle("VMware's cursor with alpha", 2, 2, 0x574D5664, b"\1\0" + PIXEL * 4),
    Rectangle("VMware's cursor state", 0, 0, 0x574D5665, bytes(2)),
    Rectangle("VMware's cursor position", 5, 5, 0x574D5666, b""),
    Rectangle("VMware's key repeat", 0, 0, 0x574D5667, bytes(10)),
    Rectangle("VMware's lamps", 0, 0, 0x574D5668, bytes(4)),
    Rectangle("VMware's mode", 9, 9, 0x574D5669, bytes(16)),
    Rectangle("VMware's state", 0, 0, 0x574D566A, bytes(2)),
)  # fmt: skip
LAST = Rectangle("LastRect", 0, 0, -224, b"")

MESSAGES = (
    update(),
    update(RECTANGLES[0], LAST, count=0xFFFF),
    update(*RECTANGLES),
    struct.pack(">BxHH", 1, 0, 3) + bytes(18),
    b"\2",
    struct.pack(">B3xI", 3, 5) + b"hello",
    struct.pack(">B3xi", 3, -8) + bytes(8),
    bytes([150]),
    struct.pack(">B3xIB", 248, 1 << 31, 3) + b"abc",
    bytes([250, 0, 1, 1]),
    bytes.fromhex("fd 81 0004 0001 0001"),
    bytes.fromhex("fd 01 0200 0001"),
    bytes.fromhex("ff 01 0001"),
    bytes.fromhex("ff 01 0000"),
    bytes.fromhex("ff 01 0002 00000003 aabbcc"),
    bytes.fromhex("7f 00 0008 00000001"),
)
"""One of each kind, and some more."""
