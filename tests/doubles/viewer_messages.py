"""Messages of viewers, as bytes, written from RFC 6143 and the registered layouts."""

from __future__ import annotations

import struct
import zlib

EXTENDED_CLIPBOARD = 0xC0A1E5CE - (1 << 32)
TEXT, HTML = 1, 4
CAPS, REQUEST, PEEK, NOTIFY, PROVIDE = (1 << bit for bit in range(24, 29))

KEY = bytes.fromhex("04 01 0000 00000041")
POINTER = bytes.fromhex("05 01 0010 0020")
SIZE = bytes.fromhex("fb 00 0320 0258 01 00") + bytes(16)
XVP_RESET = bytes.fromhex("fa 00 01 04")
GII = bytes.fromhex("fd 81 0002 0001")
QEMU_KEY = bytes.fromhex("ff 00 0001 00000061 0000001e")
QEMU_SOUND = bytes.fromhex("ff 01 0002 03 02 0000ac44")
SOUND_ON = bytes.fromhex("ff 01 0000")
VMWARE_KEY = bytes.fromhex("7f 00 0008 001e 01 00")
VMWARE_ACKNOWLEDGE = bytes.fromhex("7f 04 0008 00 00 0001")
REQUEST_UPDATE = bytes.fromhex("03 01 0000 0000 0320 0258")
CONTINUOUS_UPDATES = bytes.fromhex("96 01 0000 0000 0320 0258")
FENCE = bytes.fromhex("f8 000000 80000001 03 616263")

CONTROLLING = (KEY, POINTER, SIZE, XVP_RESET, GII, QEMU_KEY, VMWARE_KEY)
WATCHING = (REQUEST_UPDATE, CONTINUOUS_UPDATES, FENCE, VMWARE_ACKNOWLEDGE)
SOUND = (QEMU_SOUND, SOUND_ON)


def pixel_format(
    bits: int = 32,
    depth: int = 24,
    largest: tuple[int, int, int] = (255, 255, 255),
    shifts: tuple[int, int, int] = (16, 8, 0),
    *,
    true_colour: bool = True,
) -> bytes:
    """Return a SetPixelFormat message, little-endian."""
    return struct.pack(">B3xBBBBHHHBBB3x", 0, bits, depth, 0, true_colour, *largest, *shifts)


def set_encodings(*encodings: int) -> bytes:
    """Return a SetEncodings message."""
    return struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings)


def cut_text(text: bytes) -> bytes:
    """Return a ClientCutText message."""
    return struct.pack(">B3xi", 6, len(text)) + text


def server_cut_text(text: bytes) -> bytes:
    """Return a ServerCutText message."""
    return b"\3" + cut_text(text)[1:]


def extended(flags: int, body: bytes = b"", kind: int = 6) -> bytes:
    """Return a message of the extended clipboard."""
    return struct.pack(">B3xiI", kind, -4 - len(body), flags) + body


def sized(*texts: bytes) -> bytes:
    """Return texts with their lengths, as they are compressed."""
    return b"".join(struct.pack(">I", len(text)) + text for text in texts)


def provide(*texts: bytes, kind: int = 6) -> bytes:
    """Return a ``provide`` message of one text, or of a text and HTML."""
    formats = (0, TEXT, TEXT | HTML)[len(texts)]
    return extended(PROVIDE | formats, zlib.compress(sized(*texts)), kind)


def caps(kind: int = 6) -> bytes:
    """Return the ``caps`` message of a side that takes texts of any size."""
    return extended(CAPS | REQUEST | NOTIFY | PROVIDE | TEXT, struct.pack(">I", 0), kind)


def fence(flags: int, payload: bytes = b"") -> bytes:
    """Return a fence."""
    return struct.pack(">B3xIB", 248, flags, len(payload)) + payload
