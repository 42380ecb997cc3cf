"""Random sessions: a server that uses all encodings in many pixel formats, and its viewer."""

from __future__ import annotations

import io
import random
import struct
import zlib
from collections.abc import Iterator

import numpy as np
from PIL import Image

from vncproxy.recording.events import Event, Source
from vncproxy.replay.encoding import compact_length
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import ServerInit
from vncproxy.rfb.server_messages.layout import pixel_layout

FORMATS = {
    "novnc": PixelFormat(red_shift=0, green_shift=8, blue_shift=16),
    "bgrx": PixelFormat(),
    "big-endian": PixelFormat(big_endian=True),
    "high": PixelFormat(red_shift=24, green_shift=16, blue_shift=8),
    "16": PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0),
    "16-big-endian": PixelFormat(16, 15, True, True, 31, 31, 31, 10, 5, 0),
    "8": PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6),
    "map": PixelFormat(8, 8, true_colour=False),
}

(RAW, COPY, RRE, CORRE, HEXTILE, ZLIB, TIGHT, TRLE, ZRLE) = (0, 1, 2, 4, 5, 6, 7, 15, 16)
TIGHT_PNG, CURSOR, X_CURSOR, ALPHA, VMWARE = -260, -239, -240, -314, 0x574D5664
SIZE, SCREENS, NAME, LAST, LED, POINTER = -223, -308, -307, -224, -261, -232
FENCE = bytes([248, 0, 0, 0, 0, 0, 0, 1, 0])


class RandomServer:
    """Paints at random, in one of the formats."""

    def __init__(
        self, seed: int, pixel_format: PixelFormat, width: int, height: int, images: float = 0.0
    ) -> None:
        self.random = random.Random(seed)
        self.images = images
        self.width, self.height = width, height
        self.begin_format(pixel_format)
        self.zlib = zlib.compressobj()
        self.zrle = zlib.compressobj()
        self.tight = [zlib.compressobj() for _ in range(4)]

    def begin_format(self, pixel_format: PixelFormat) -> None:
        self.layout = pixel_layout(pixel_format)
        self.is_map = not pixel_format.true_colour
        self.few = [self.random.randbytes(4) for _ in range(3)]

    def message(self) -> bytes:
        """Return a message, mostly an update."""
        kind = self.random.random()
        if kind < 0.03:
            return b"\2"
        if kind < 0.06:
            return FENCE + b"\3\0\0\0" + (4).to_bytes(4, "big") + b"text"
        if kind < 0.1 and self.is_map:
            return struct.pack(">BxHH", 1, 0, 256) + self.random.randbytes(256 * 6)
        rectangles = [self.rectangle() for _ in range(self.random.randint(1, 6))]
        if self.random.random() < 0.3:
            last = struct.pack(">HHHHi", 0, 0, 0, 0, LAST)
            return struct.pack(">BxH", 0, 0xFFFF) + b"".join(rectangles) + last
        return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)

    def rectangle(self) -> bytes:
        choose = self.random.choice
        if self.random.random() < self.images:
            return self.small_image()
        if self.random.random() < 0.15:
            return choose([self.size, self.screens, self.cursor, self.other])()
        width = self.random.randint(0, self.width)
        height = self.random.randint(0, self.height)
        x = self.random.randint(0, self.width - width)
        y = self.random.randint(0, self.height - height)
        makes = [self.raw, self.copy, self.rre, self.corre, self.hextile, self.zlib_data]
        makes += [self.tight_copy, self.tight_fill, self.tight_palette, self.jpeg, self.png]
        makes += [self.trle, self.zrle_data]
        encoding, data = choose(makes)(width, height)
        return struct.pack(">HHHHi", x, y, width, height, encoding) + data

    def small_image(self) -> bytes:
        width = self.random.randint(1, max(1, self.width // self.random.choice((1, 4))))
        height = self.random.randint(1, max(1, self.height // self.random.choice((1, 4))))
        x = self.random.randint(0, self.width - width)
        y = self.random.randint(0, self.height - height)
        encoding, data = self.jpeg(width, height)
        return struct.pack(">HHHHi", x, y, width, height, encoding) + data

    def pixel(self, size: int) -> bytes:
        return self.random.choice(self.few)[:size]

    def pixels(self, count: int, size: int) -> bytes:
        if self.random.random() < 0.5:
            return self.random.randbytes(count * size)
        return b"".join(self.pixel(size) for _ in range(count))

    def raw(self, width: int, height: int) -> tuple[int, bytes]:
        return RAW, self.pixels(width * height, self.layout.pixel)

    def copy(self, width: int, height: int) -> tuple[int, bytes]:
        x, y = (
            self.random.randint(0, self.width - width),
            self.random.randint(0, self.height - height),
        )
        return COPY, struct.pack(">HH", x, y)

    def rre(self, width: int, height: int) -> tuple[int, bytes]:
        size = self.layout.pixel
        parts = [self.pixel(size) + struct.pack(">HHHH", 1, 0, 3, 2) for _ in range(2)]
        return RRE, (2).to_bytes(4, "big") + self.pixel(size) + b"".join(parts)

    def corre(self, width: int, height: int) -> tuple[int, bytes]:
        size = self.layout.pixel
        part = self.pixel(size) + bytes((0, 1, 2, 2))
        return CORRE, (1).to_bytes(4, "big") + self.pixel(size) + part

    def hextile(self, width: int, height: int) -> tuple[int, bytes]:
        size, parts = self.layout.pixel, []
        for w, h in _tiles(width, height, 16):
            if self.random.random() < 0.3:
                parts.append(b"\1" + self.pixels(w * h, size))
            else:
                parts.append(bytes([2 | 8 | 16]) + self.pixel(size) + b"\1" + self.pixel(size))
                parts.append(bytes([0, 0]))
        return HEXTILE, b"".join(parts)

    def zlib_data(self, width: int, height: int) -> tuple[int, bytes]:
        data = _on(self.zlib, self.pixels(width * height, self.layout.pixel))
        return ZLIB, len(data).to_bytes(4, "big") + data

    def trle(self, width: int, height: int) -> tuple[int, bytes]:
        return TRLE, self._tile_data(width, height, 16)

    def zrle_data(self, width: int, height: int) -> tuple[int, bytes]:
        data = _on(self.zrle, self._tile_data(width, height, 64))
        return ZRLE, len(data).to_bytes(4, "big") + data

    def _tile_data(self, width: int, height: int, side: int) -> bytes:
        size, parts = self.layout.compressed, []
        for w, h in _tiles(width, height, side):
            kind = self.random.choice((0, 1, 2))
            data = self.pixels(w * h, size) if kind == 0 else self.pixels(kind, size)
            packed = self.random.randbytes((w + 7) // 8 * h) if kind == 2 else b""
            parts.append(bytes([kind]) + data + packed)
        return b"".join(parts)

    def tight_copy(self, width: int, height: int) -> tuple[int, bytes]:
        data = self.pixels(width * height, self.layout.tight)
        number = self.random.randrange(4)
        return TIGHT, bytes([number << 4]) + self._compressed(number, data)

    def tight_fill(self, width: int, height: int) -> tuple[int, bytes]:
        return TIGHT, b"\x80" + self.pixel(self.layout.tight)

    def tight_palette(self, width: int, height: int) -> tuple[int, bytes]:
        number, count = self.random.randrange(4), self.random.randint(2, 5)
        head = bytes([number << 4 | 0x40, 1, count - 1])
        palette = self.random.randbytes(count * self.layout.tight)
        if count == 2:
            data = self.random.randbytes((width + 7) // 8 * height)
        else:
            data = bytes(self.random.randrange(count) for _ in range(width * height))
        return TIGHT, head + palette + self._compressed(number, data)

    def jpeg(self, width: int, height: int) -> tuple[int, bytes]:
        return self._image(width, height, "JPEG", b"\x90", TIGHT)

    def png(self, width: int, height: int) -> tuple[int, bytes]:
        return self._image(width, height, "PNG", b"\xa0", TIGHT_PNG)

    def _image(
        self, width: int, height: int, kind: str, control: bytes, encoding: int
    ) -> tuple[int, bytes]:
        if not width * height:
            return self.raw(width, height)
        few = self.random.randbytes(12)
        pixels = np.frombuffer(few, np.uint8).reshape(2, 2, 3)
        image = Image.fromarray(pixels, "RGB").resize((width, height), Image.Resampling.BILINEAR)
        buffer = io.BytesIO()
        image.save(buffer, kind)
        return encoding, control + compact_length(buffer.tell()) + buffer.getvalue()

    def _compressed(self, number: int, data: bytes) -> bytes:
        if len(data) < 12:
            return data
        packed = _on(self.tight[number], data)
        return compact_length(len(packed)) + packed

    def size(self) -> bytes:
        self.width, self.height = self.random.randint(1, 90), self.random.randint(1, 60)
        return struct.pack(">HHHHi", 0, 0, self.width, self.height, SIZE)

    def screens(self) -> bytes:
        status = self.random.randrange(2)
        width, height = self.random.randint(1, 90), self.random.randint(1, 60)
        if not status:
            self.width, self.height = width, height
        head = struct.pack(">HHHHi", 1, status, width, height, SCREENS)
        return head + bytes([1, 0, 0, 0]) + struct.pack(">IHHHHI", 0, 0, 0, width, height, 0)

    def cursor(self) -> bytes:
        width, height = self.random.randint(0, 9), self.random.randint(0, 9)
        count, mask = width * height, (width + 7) // 8 * height
        data = {
            CURSOR: self.pixels(count, self.layout.pixel) + self.random.randbytes(mask),
            X_CURSOR: self.random.randbytes(6 + 2 * mask) if count else b"",
            ALPHA: bytes(4) + self.random.randbytes(4 * count),
            VMWARE: b"\1\0" + self.random.randbytes(4 * count),
        }
        encoding = self.random.choice(list(data))
        return struct.pack(">HHHHi", 0, 0, width, height, encoding) + data[encoding]

    def other(self) -> bytes:
        name = "schön".encode()
        return self.random.choice(
            (
                struct.pack(">HHHHi", 0, 0, 0, 0, NAME) + len(name).to_bytes(4, "big") + name,
                struct.pack(">HHHHi", 0, 0, 0, 0, LED) + b"\1",
                struct.pack(">HHHHi", 5, 5, 0, 0, POINTER),
            )
        )


def events_of(
    seed: int, name: str, count: int, other: str = "", images: float = 0.0
) -> list[Event]:
    """Return a session of so many messages, whose bytes arrive in pieces of any size.

    Args:
        name: of the pixel format; likewise the other one, which the viewer changes to halfway.
        images: how many rectangles are JPEG images, from 0 to 1, besides those of other sizes.
    """
    server = RandomServer(seed, FORMATS[name], 70, 50, images)
    events = [Event(Source.SERVER, 0, ServerInit(70, 50, FORMATS[name], "desk").pack())]
    messages = [server.message() for _ in range(count)]
    events += _pieces(server.random, b"".join(messages), 1000)
    if other:
        moment = events[-1].moment + 1000
        events.append(Event(Source.VIEWER, moment, bytes(4) + FORMATS[other].pack()))
        server.begin_format(FORMATS[other])
        messages = [server.message() for _ in range(count)]
        events += _pieces(server.random, b"".join(messages), moment + 1000)
    return events


def _pieces(chance: random.Random, data: bytes, moment: int) -> Iterator[Event]:
    at = 0
    while at < len(data):
        size = chance.choice((1, 20, 300, 5000))
        yield Event(Source.SERVER, moment, data[at : at + size])
        at, moment = at + size, moment + 1000


def _on(stream: zlib._Compress, data: bytes) -> bytes:
    return stream.compress(data) + stream.flush(zlib.Z_SYNC_FLUSH)


def _tiles(width: int, height: int, side: int) -> Iterator[tuple[int, int]]:
    for y in range(0, height if width else 0, side):
        for x in range(0, width, side):
            yield min(side, width - x), min(side, height - y)
