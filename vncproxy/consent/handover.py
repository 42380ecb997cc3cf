"""From our painted screen to the console: what brings each side to where the other one is."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from ..errors import ViewerCannotResize
from ..rfb import encodings as e
from ..rfb.pixels import PixelFormat
from ..rfb.server_init import desktop_name


@dataclass(slots=True)
class ViewerState:
    """What a viewer has said so far that its next server has to know.

    Attributes:
        pixel_format: its last SetPixelFormat message; that of our own ServerInit until then.
        encodings: its last SetEncodings message; empty for none.
        offered: the encodings in it.
        leftover: the beginning of a message whose end has not arrived.
    """

    pixel_format: bytes = bytes(4) + PixelFormat().pack()
    encodings: bytes = b""
    offered: frozenset[int] = frozenset()
    leftover: bytes = b""

    def for_server(self, server_init: bytes) -> bytes:
        """Return the viewer's messages for a server that has sent this ServerInit."""
        width, height = _size(server_init)
        request = struct.pack(">BBHHHH", 3, 0, 0, 0, width, height)
        return self.pixel_format + self.encodings + request

    def for_viewer(self, server_init: bytes, size: tuple[int, int], name: str) -> bytes:
        """Return one FramebufferUpdate with another size and name; empty where both stay.

        Args:
            size: what the viewer shows until now, in pixels.
            name: the desktop's name until now.

        Raises:
            ViewerCannotResize: it is too small for the server's screen, and cannot change.
        """
        wanted, rects = _size(server_init), []
        if wanted != size:
            rects = [self._resize(wanted)] if self._can_resize else []
            if not rects and (wanted[0] > size[0] or wanted[1] > size[1]):
                raise ViewerCannotResize(f"to {wanted[0]} x {wanted[1]} pixels")
        other = desktop_name(server_init).encode()
        if e.DESKTOP_NAME in self.offered and other != name.encode():
            rects.append(_rect(0, 0, e.DESKTOP_NAME) + struct.pack(">I", len(other)) + other)
        return struct.pack(">BxH", 0, len(rects)) + b"".join(rects) if rects else b""

    @property
    def _can_resize(self) -> bool:
        return not self.offered.isdisjoint((e.DESKTOP_SIZE, e.EXTENDED_DESKTOP_SIZE))

    def _resize(self, size: tuple[int, int]) -> bytes:
        """Return the rectangle of a new size; the older kind promises nothing else."""
        if e.DESKTOP_SIZE in self.offered:
            return _rect(*size, e.DESKTOP_SIZE)
        screen = struct.pack(">B3xIHHHHI", 1, 0, 0, 0, *size, 0)
        return _rect(*size, e.EXTENDED_DESKTOP_SIZE) + screen


def _size(server_init: bytes) -> tuple[int, int]:
    width, height = struct.unpack_from(">HH", server_init)
    return width, height


def _rect(width: int, height: int, encoding: int) -> bytes:
    return struct.pack(">HHHHi", 0, 0, width, height, encoding)
