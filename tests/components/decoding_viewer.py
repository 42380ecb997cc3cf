"""A viewer that decodes every pixel, to compare what it sees with a parser that decodes nothing.

It was written from RFC 6143 and the registered layouts, and shares no code with the proxy.
"""

from __future__ import annotations

import socket
import struct
import zlib
from collections.abc import Callable
from dataclasses import dataclass, field

from .viewer import read

TIME_LIMIT = 15.0
QUALITY_5, COMPRESSION_2 = -27, -254
PSEUDO = (
    *(-224, -223, -239, -240, -314, -307, -308, -257, -258, -259, -261, -312, -313),
    *(QUALITY_5, COMPRESSION_2),
)


@dataclass(frozen=True)
class Format:
    """A little-endian pixel format of true colour."""

    bits: int
    depth: int
    largest: tuple[int, int, int]
    shifts: tuple[int, int, int]

    @property
    def size(self) -> int:
        return self.bits // 8

    def pack(self) -> bytes:
        return struct.pack(
            ">BBBBHHHBBB3x", self.bits, self.depth, 0, 1, *self.largest, *self.shifts
        )


RGB888 = Format(32, 24, (255, 255, 255), (16, 8, 0))
RGB565 = Format(16, 16, (31, 63, 31), (11, 5, 0))
RGB332 = Format(8, 8, (7, 7, 3), (0, 3, 6))
RGB888_HIGH = Format(32, 24, (255, 255, 255), (24, 16, 8))


@dataclass
class Seen:
    """What was sent and received, in the order in which a proxy between the two has it.

    Attributes:
        events: the viewer's messages (True) and the server's bytes (False).
        messages: kind, begin and end of each of the server's messages.
        encodings: those of the rectangles.
    """

    events: list[tuple[bool, bytes]] = field(default_factory=list)
    messages: list[tuple[int, int, int]] = field(default_factory=list)
    encodings: set[int] = field(default_factory=set)


class DecodingViewer:
    """One connection to a server without a password.

    Attributes:
        screen: its pixels, line by line.
        size: width and height.
        resizes: whether the server is one of TigerVNC.
        seen: what was sent and received after the handshake.
        server_init: the ServerInit message.
    """

    def __init__(self, connection: int | socket.socket) -> None:
        """Connect to a port, or take a connection over."""
        self._socket = (
            socket.create_connection(("127.0.0.1", connection), TIME_LIMIT)
            if isinstance(connection, int)
            else connection
        )
        self.seen = Seen()
        self.resizes = False
        self._at = 0
        self._streams: dict[object, zlib._Decompress] = {}
        self._handshake()
        self.format = RGB888

    def _handshake(self) -> None:
        assert read(self._socket, 12).startswith(b"RFB 003.00")
        self._socket.sendall(b"RFB 003.008\n")
        types = read(self._socket, read(self._socket, 1)[0])
        assert 1 in types, types
        self._socket.sendall(b"\1")
        assert read(self._socket, 4) == bytes(4)
        self._socket.sendall(b"\1")
        head = read(self._socket, 24)
        self.server_init = head + read(self._socket, int.from_bytes(head[20:], "big"))
        self._resize(*struct.unpack_from(">HH", head))

    def send(self, message: bytes) -> None:
        """Send a message."""
        self.seen.events.append((True, message))
        self._socket.sendall(message)

    def use(self, pixels: Format, *encodings: int) -> None:
        """Set pixel format and encodings."""
        self.format = pixels
        self.send(bytes(4) + pixels.pack())
        wanted = (*encodings, *PSEUDO)
        self.send(struct.pack(f">BxH{len(wanted)}i", 2, len(wanted), *wanted))

    def request(self, *, incremental: bool = False) -> None:
        """Request the whole screen."""
        self.send(struct.pack(">BBHHHH", 3, incremental, 0, 0, *self.size))

    def update(self) -> None:
        """Receive messages up to the end of an update with pixels.

        TigerVNC answers a full request with the size of its screen alone; the pixels come with the
        next answer. Other servers still answer the first request.
        """
        while not self.receive():
            if self.resizes and self.seen.messages[-1][0] == 0:
                self.request(incremental=True)

    def receive(self) -> bool:
        """Receive a message; returns whether it was an update with pixels."""
        begin = self._at
        kind = self.take(1)[0]
        shows_pixels = self._message(kind)
        self.seen.messages.append((kind, begin, self._at))
        return shows_pixels

    def forget(self) -> None:
        """Forget the screen's pixels."""
        self._resize(*self.size)

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def take(self, size: int) -> bytes:
        """Read bytes of the server's messages."""
        data = read(self._socket, size)
        self._at += size
        self.seen.events.append((False, data))
        return data

    def number(self, size: int) -> int:
        """Read a number."""
        return int.from_bytes(self.take(size), "big")

    def _message(self, kind: int) -> bool:
        if kind == 0:
            return self._update()
        if kind == 1:
            self.take(3)
            self.take(6 * self.number(2))
        elif kind == 3:
            self.take(3)
            self.take(abs(int.from_bytes(self.take(4), "big", signed=True)))
        elif kind == 248:
            self.take(3)
            flags, size = self.number(4), self.number(1)
            payload = self.take(size)
            if flags >> 31:
                self.send(struct.pack(">B3xIB", 248, flags & 7, size) + payload)
        elif kind == 255:
            assert self.take(3) == b"\1\0\0"
        else:
            assert kind in (2, 150), kind
        return False

    def _update(self) -> bool:
        self.take(1)
        count, shows_pixels = self.number(2), False
        while count:
            count -= 1
            x, y, width, height, encoding = struct.unpack(">HHHHi", self.take(12))
            self.seen.encodings.add(encoding)
            if encoding == -224:
                break
            if encoding in self._pictures:
                shows_pixels = True
                self._pictures[encoding](self, x, y, width, height)
            else:
                self._pseudo(encoding, width, height)
        return shows_pixels

    def _pseudo(self, encoding: int, width: int, height: int) -> None:
        mask = (width + 7) // 8 * height
        if encoding in (-223, -308):
            screens = self.number(4) >> 24 if encoding == -308 else 0
            self.take(16 * screens)
            self._resize(width, height)
        elif encoding == -239:
            self.take(width * height * self.format.size + mask)
        elif encoding == -240:
            self.take(6 + 2 * mask if mask else 0)
        elif encoding == -314:
            assert self.number(4) == 0
            self.take(4 * width * height)
        elif encoding == -307:
            self.take(self.number(4))
        elif encoding == -261:
            self.take(1)
        else:
            assert encoding in (-257, -258, -259), encoding

    # pixels

    def _resize(self, width: int, height: int) -> None:
        self.size = (width, height)
        self.screen = [[b""] * width for _ in range(height)]

    def _fill(self, x: int, y: int, width: int, height: int, pixel: bytes) -> None:
        for row in self.screen[y : y + height]:
            row[x : x + width] = [pixel] * width

    def _paste(self, x: int, y: int, width: int, data: bytes, size: int = 0) -> None:
        size = size or self.format.size
        pixels = [data[at : at + size] for at in range(0, len(data), size)]
        for n in range(len(pixels) // width):
            self.screen[y + n][x : x + width] = pixels[n * width : (n + 1) * width]

    def _raw(self, x: int, y: int, width: int, height: int) -> None:
        self._paste(x, y, width, self.take(width * height * self.format.size))

    def _copy(self, x: int, y: int, width: int, height: int) -> None:
        left, top = self.number(2), self.number(2)
        rows = [row[left : left + width] for row in self.screen[top : top + height]]
        for n, row in enumerate(rows):
            self.screen[y + n][x : x + width] = row

    def _rre(self, x: int, y: int, width: int, height: int) -> None:
        self._subrectangles(x, y, width, height, 2)

    def _corre(self, x: int, y: int, width: int, height: int) -> None:
        self._subrectangles(x, y, width, height, 1)

    def _subrectangles(self, x: int, y: int, width: int, height: int, size: int) -> None:
        count = self.number(4)
        self._fill(x, y, width, height, self.take(self.format.size))
        for _ in range(count):
            pixel = self.take(self.format.size)
            left, top, wide, high = (self.number(size) for _ in range(4))
            self._fill(x + left, y + top, wide, high, pixel)

    def _hextile(self, x: int, y: int, width: int, height: int) -> None:
        size = self.format.size
        for top in range(y, y + height, 16):
            for left in range(x, x + width, 16):
                wide, high = min(16, x + width - left), min(16, y + height - top)
                mask = self.number(1)
                if mask & 1:
                    self._raw(left, top, wide, high)
                    continue
                if mask & 2:
                    self._background = self.take(size)
                if mask & 4:
                    self._foreground = self.take(size)
                self._fill(left, top, wide, high, self._background)
                for _ in range(self.number(1) if mask & 8 else 0):
                    pixel = self.take(size) if mask & 16 else self._foreground
                    place, extent = self.number(1), self.number(1)
                    self._fill(
                        left + (place >> 4), top + (place & 15),
                        (extent >> 4) + 1, (extent & 15) + 1, pixel,
                    )  # fmt: skip

    def _inflate(self, stream: object, data: bytes, size: int) -> bytes:
        inflated = self._streams.setdefault(stream, zlib.decompressobj()).decompress(data)
        if size >= 0:
            assert len(inflated) == size, (stream, len(inflated), size)
        return inflated

    def _zlib(self, x: int, y: int, width: int, height: int) -> None:
        size = width * height * self.format.size
        self._paste(x, y, width, self._inflate("zlib", self.take(self.number(4)), size))

    def _zrle(self, x: int, y: int, width: int, height: int) -> None:
        data = Pixels(self._inflate("zrle", self.take(self.number(4)), -1))
        size = 3 if self.format.bits == 32 else self.format.size
        for top in range(y, y + height, 64):
            for left in range(x, x + width, 64):
                wide, high = min(64, x + width - left), min(64, y + height - top)
                self._paste(left, top, wide, data.zrle_tile(wide, high, size), size)
        assert not data.left, data.left

    def _tight(self, x: int, y: int, width: int, height: int) -> None:
        control = self.number(1)
        for stream in range(4):
            if control >> stream & 1:
                self._streams.pop(stream, None)
        size = 3 if self.format.bits == 32 else self.format.size
        method = control >> 4
        if method == 8:
            self._fill(x, y, width, height, self.take(size))
        elif method in (9, 10):
            image = self.take(self._compact())
            begin, end = (b"\xff\xd8", b"\xff\xd9") if method == 9 else (b"\x89PNG", b"\x60\x82")
            assert image.startswith(begin) and image.endswith(end), image[:8]
        else:
            self._basic(x, y, width, height, method, size)

    def _basic(self, x: int, y: int, width: int, height: int, method: int, size: int) -> None:
        kind = self.number(1) if method & 4 else 0
        colours = self.number(1) + 1 if kind == 1 else 0
        palette = [self.take(size) for _ in range(colours)]
        length = width * height * size
        if palette:
            length = (width + 7) // 8 * height if colours == 2 else width * height
        if length < 12:
            data = self.take(length)
        else:
            data = self._inflate(method & 3, self.take(self._compact()), length)
        if palette:
            data = Pixels(data).indexed(width, height, palette, 1 if colours == 2 else 8)
        if kind != 2:
            self._paste(x, y, width, data, size)

    def _compact(self) -> int:
        length = 0
        for n in range(3):
            byte = self.number(1)
            length |= (byte & 0x7F if n < 2 else byte) << 7 * n
            if byte < 0x80:
                break
        return length

    _pictures: dict[int, Callable[[DecodingViewer, int, int, int, int], None]] = {
        0: _raw,
        1: _copy,
        2: _rre,
        4: _corre,
        5: _hextile,
        6: _zlib,
        7: _tight,
        16: _zrle,
        -260: _tight,
    }


class Pixels:
    """Pixels that were decompressed."""

    def __init__(self, data: bytes) -> None:
        self.left = data

    def take(self, size: int) -> bytes:
        assert len(self.left) >= size
        taken, self.left = self.left[:size], self.left[size:]
        return taken

    def indexed(self, width: int, height: int, palette: list[bytes], bits: int) -> bytes:
        """Return the pixels of indices with so many bits each, in lines of whole bytes."""
        pixels = b""
        for _ in range(height):
            line = int.from_bytes(self.take((width * bits + 7) // 8), "big")
            room = (width * bits + 7) // 8 * 8
            for n in range(width):
                pixels += palette[line >> room - bits * (n + 1) & (1 << bits) - 1]
        return pixels

    def zrle_tile(self, width: int, height: int, size: int) -> bytes:
        """Return the pixels of a tile."""
        kind, area = self.take(1)[0], width * height
        if kind == 0:
            return self.take(area * size)
        palette = [self.take(size) for _ in range(kind & 0x7F)]
        if kind == 1:
            return palette[0] * area
        if kind < 128:
            bits = 1 if kind == 2 else 2 if kind <= 4 else 4
            return self.indexed(width, height, palette, bits)
        pixels = b""
        while len(pixels) < area * size:
            index = self.take(1)[0] if palette else 0
            pixel = palette[index & 0x7F] if palette else self.take(size)
            pixels += pixel * (self._run() if not palette or index & 0x80 else 1)
        return pixels

    def _run(self) -> int:
        length = 1
        while (byte := self.take(1)[0]) == 255:
            length += 255
        return length + byte
