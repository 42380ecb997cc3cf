"""Paints on an X display's root window, by the X11 protocol itself."""

from __future__ import annotations

import socket
import struct

_ROWS = 64
_ZPIXMAP = 2


class Painter:
    """A client of an X display without authorisation.

    Args:
        display: its number.
    """

    def __init__(self, display: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"/tmp/.X11-unix/X{display}")
        self._socket.sendall(struct.pack("<cxHHHHxx", b"l", 11, 0, 0, 0))
        head = self._read(8)
        assert head[0] == 1, "the display refuses its client"
        setup = self._read(4 * struct.unpack_from("<H", head, 6)[0])
        base, vendor, formats = (
            *struct.unpack_from("<I", setup, 4),
            *struct.unpack_from("<H", setup, 16),
            setup[21],
        )
        screen = 32 + (vendor + 3) // 4 * 4 + 8 * formats
        self._root = struct.unpack_from("<I", setup, screen)[0]
        self._map = struct.unpack_from("<I", setup, screen + 4)[0]
        self._depth = setup[screen + 38]
        self._context = base
        self._socket.sendall(struct.pack("<BxHIII", 55, 4, base, self._root, 0))

    def paint(self, x: int, y: int, width: int, pixels: bytes, size: int = 4) -> None:
        """Paint a rectangle, whose rows have a multiple of 4 bytes.

        Args:
            size: bytes of a pixel: 4 are blue, green, red and none.
        """
        row = size * width
        for at in range(0, len(pixels), row * _ROWS):
            data = pixels[at : at + row * _ROWS]
            rows = len(data) // row
            top = y + at // row
            self._socket.sendall(
                struct.pack(
                    "<BBHIIHHhhBBxx",
                    *(72, _ZPIXMAP, 6 + len(data) // 4, self._root, self._context),
                    *(width, rows, x, top, 0, self._depth),
                )
                + data
            )
        self._socket.sendall(struct.pack("<BxH", 43, 1))  # its answer comes when all is painted
        self._read(32)

    def colours(self, count: int) -> list[tuple[int, int, int]]:
        """Return the first colours of the display's colour map, of 16 bits for each channel."""
        words = struct.pack("<BxHI", 91, 2 + count, self._map)
        self._socket.sendall(words + struct.pack(f"<{count}I", *range(count)))
        head = self._read(32)
        assert head[0] == 1, "the display does not tell its colours"
        data = self._read(4 * struct.unpack_from("<I", head, 4)[0])
        return [struct.unpack_from("<HHH", data, 8 * each) for each in range(count)]

    def close(self) -> None:
        """Leave."""
        self._socket.close()

    def _read(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._socket.recv(size - len(data))
            assert piece, "the display has closed the connection"
            data += piece
        return data
