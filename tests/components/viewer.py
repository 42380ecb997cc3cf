"""A TCP viewer as small as can be: CONNECT as the Java viewer sends it, then RFB 3.8, raw pixels.

It blocks; use it where the proxy is another process.
"""

from __future__ import annotations

import re
import socket
import ssl
import struct
import time
from collections.abc import Iterator

TIME_LIMIT = 60.0
RAW, DESKTOP_SIZE = 0, -223
FORMAT_32_LE = struct.pack(">BBBBHHHBBB3x", 32, 24, 0, 1, 255, 255, 255, 16, 8, 0)
"""PIXEL_FORMAT whose bytes are blue, green, red, padding."""

Colour = tuple[int, int, int]


ID = re.compile(r"\bid ([0-9a-f]{16})[.)]$")
"""How every refusal ends: with the id that its line of the log has."""


class Refused(Exception):
    """The proxy's status line, without ``HTTP/1.1 ``, as the Java viewer shows it.

    Args:
        told: the text; an id in brackets behind it is removed.

    Attributes:
        id: the id; empty where there is none.
    """

    def __init__(self, told: str) -> None:
        found = ID.search(told)
        self.id = found[1] if found else ""
        super().__init__(told.removesuffix(f" (id {self.id})"))


class Viewer:
    """One connection to a console.

    Attributes:
        name: the desktop's name.
        size: width and height.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._pixels = bytearray()
        self.name = ""
        self.size = (0, 0)

    @classmethod
    def connect(
        cls,
        port: int,
        token: str,
        *,
        host: str = "127.0.0.1",
        target: str = "/console?token={token}",
        tls: ssl.SSLContext | None = None,
    ) -> Viewer:
        """Request a console and go through its greeting.

        Raises:
            Refused: the proxy answered anything but 200.
        """
        viewer = cls(tunnel(port, target.format(token=token), host=host, tls=tls))
        viewer.greet()
        return viewer

    def greet(self, banner: bytes = b"RFB 003.008\n") -> None:
        """Go from banner to ServerInit, as a 3.8 viewer with the security type None only."""
        assert self.read(12) == b"RFB 003.008\n"
        self._socket.sendall(banner)
        types = self.read(self.read(1)[0])
        if not types:
            raise Refused(self.read(int.from_bytes(self.read(4), "big")).decode())
        assert types == b"\x01", types
        self._socket.sendall(b"\x01")
        assert self.read(4) == bytes(4)
        self.initialise()

    def initialise(self) -> None:
        """Send ClientInit, read ServerInit, and choose pixels and encodings."""
        self._socket.sendall(b"\x01")
        width, height = struct.unpack(">HH", self.read(4))
        self.read(16)
        self.name = self.read(int.from_bytes(self.read(4), "big")).decode()
        self._resize(width, height)
        self._socket.sendall(struct.pack(">B3x", 0) + FORMAT_32_LE)
        self._socket.sendall(struct.pack(">BxHii", 2, 2, RAW, DESKTOP_SIZE))

    def key(self, keysym: int) -> None:
        """Press and release a key."""
        for down in (1, 0):
            self._socket.sendall(struct.pack(">BBxxI", 4, down, keysym))

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def pixel(self, x: int = 5, y: int = 5) -> Colour:
        """Request the whole screen and return one pixel's red, green and blue."""
        self._socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, *self.size))
        self._update()
        at = (y * self.size[0] + x) * 4
        blue, green, red = self._pixels[at : at + 3]
        return red, green, blue

    def picture(self) -> bytes:
        """Request the whole screen and return it: blue, green, red and nothing for each pixel."""
        self.pixel()
        return bytes(self._pixels)

    def wait_for_pixel(self, expected: Colour) -> None:
        """Request the screen until a pixel has this colour."""
        give_up = time.monotonic() + TIME_LIMIT
        while (colour := self.pixel()) != expected:
            if time.monotonic() > give_up:
                raise AssertionError(f"the screen is {colour}, not {expected}")
            time.sleep(0.05)

    def key_until_pixel(self, keysym: int, expected: Colour) -> None:
        """Press a key until a pixel has this colour: a guest on a busy machine may lose one."""
        give_up = time.monotonic() + TIME_LIMIT
        while time.monotonic() < give_up:
            self.key(keysym)
            for _ in range(20):
                if self.pixel() == expected:
                    return
                time.sleep(0.05)
        raise AssertionError(f"the screen is {self.pixel()}, not {expected}")

    def read(self, size: int) -> bytes:
        """Read exactly so many bytes."""
        return read(self._socket, size)

    def wait_for_end(self) -> None:
        """Read until the proxy closes the connection."""
        while self._socket.recv(65536):
            pass

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _update(self) -> None:
        while (kind := self.read(1)[0]) != 0:
            assert kind == 2, f"message {kind}"
        (count,) = struct.unpack(">xH", self.read(3))
        for _ in range(count):
            x, y, width, height, encoding = struct.unpack(">HHHHi", self.read(12))
            if encoding == DESKTOP_SIZE:
                self._resize(width, height)
            else:
                assert encoding == RAW, encoding
                self._paint(x, y, width, height)

    def _paint(self, x: int, y: int, width: int, height: int) -> None:
        for row in range(y, y + height):
            at = (row * self.size[0] + x) * 4
            self._pixels[at : at + width * 4] = self.read(width * 4)

    def _resize(self, width: int, height: int) -> None:
        self.size = (width, height)
        self._pixels = bytearray(width * height * 4)


def tunnel(
    port: int, target: str, *, host: str = "127.0.0.1", tls: ssl.SSLContext | None = None
) -> socket.socket:
    """Send CONNECT as the Java viewer does: HTTP/1.0, no header, the reply read byte by byte."""
    connection = socket.create_connection((host, port), TIME_LIMIT)
    if tls is not None:
        connection = tls.wrap_socket(connection, server_hostname="localhost")
    request_tunnel(connection, target)
    return connection


def request_tunnel(connection: socket.socket, target: str) -> None:
    """Send CONNECT on a connection, and read the reply."""
    connection.sendall(f"CONNECT {target} HTTP/1.0\r\n\r\n".encode())
    lines = list(_header(connection))
    if not lines[0].startswith("HTTP/1.1 200 "):
        connection.close()
        refused = Refused(lines[0].removeprefix("HTTP/1.1 "))
        assert refused.id, f"no id in {lines[0]!r}"
        raise refused


def read(connection: socket.socket, size: int) -> bytes:
    """Read exactly so many bytes."""
    data = bytearray()
    while len(data) < size:
        piece = connection.recv(size - len(data))
        if not piece:
            raise EOFError(f"closed after {len(data)} of {size} bytes")
        data += piece
    return bytes(data)


def _header(connection: socket.socket) -> Iterator[str]:
    line = b""
    while line != b"\r\n":
        line = b""
        while not line.endswith(b"\n"):
            line += read(connection, 1)
        yield line.decode().rstrip("\r\n")
