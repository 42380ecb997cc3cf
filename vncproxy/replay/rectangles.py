"""A decoder that passes on what it decodes, as rectangles that can be decoded alone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, Protocol

from ..rfb import encodings as e
from ..rfb.server_init import NAME_LIMIT, ServerInit
from ..screen import Limits, Picture, ScreenDecoder
from ..screen.decoder import Place
from ..screen.source import Source
from ..screen.tight import compact_length
from .encoding import (
    RECTANGLE,
    TightEncoder,
    cursor_rectangle,
    fill,
    jpeg_rectangle,
    name_rectangle,
    size_rectangle,
)
from .images import LEAST_PIXELS, Images
from .jpeg import is_plain_jpeg

LARGEST_AREA: Final = 8192 * 8192
"""Pixels of a screen; a security limit."""

_FILL, _JPEG = 8, 9
_TIGHT = (e.TIGHT, e.TIGHT_PNG)
_CURSORS = (e.CURSOR, e.X_CURSOR, e.CURSOR_WITH_ALPHA, e.VMWARE_CURSOR)
_LONGEST_HEAD = 4
"""Bytes of a Tight rectangle before its image."""


class Rectangles(Protocol):
    """Takes rectangles."""

    def add(self, rectangle: bytes) -> None:
        """Add a rectangle."""

    def add_alone(self, rectangle: bytes) -> None:
        """Add a rectangle that has an update of its own."""


class TranslatingDecoder(ScreenDecoder):
    """Decodes a screen, and passes each rectangle on.

    Args:
        encoder: encodes those that cannot remain as they are.
        output: takes the rectangles.
        check_time: called before each rectangle; raises to stop decoding.

    Attributes:
        images: those on the screen; below them, `picture` may be out of date.
        size: the screen's width and height in pixels.
        name: the desktop's, as the server has changed it; empty before.
        is_silent: whether pixels are decoded alone, and no rectangles are made of them.
    """

    def __init__(
        self,
        init: ServerInit,
        encoder: TightEncoder,
        output: Rectangles,
        check_time: Callable[[], object],
    ) -> None:
        picture = Picture(init.width, init.height, LARGEST_AREA)
        super().__init__(picture, init.pixel_format, Limits(check_time=check_time))
        self.images = Images()
        self.size = init.width, init.height
        self.name = b""
        self.is_silent = False
        self._encoder = encoder
        self._output = output
        self._painted = 0

    def take_painted(self) -> int:
        """Return how many pixels were painted since the last call."""
        painted, self._painted = self._painted, 0
        return painted

    def decode_rectangle(self, source: Source, place: Place, encoding: int) -> bool:
        """Decode a rectangle and pass it on; see `ScreenDecoder.decode_rectangle`."""
        if encoding in self.PICTURES:
            return self._decode_picture(source, place, encoding)
        if encoding in (e.DESKTOP_SIZE, e.EXTENDED_DESKTOP_SIZE):
            self.images.settle_all(self.picture)
        start = source.at
        super().decode_rectangle(source, place, encoding)
        self._pass_other(encoding, source.since(start))
        return False

    def _decode_picture(self, source: Source, place: Place, encoding: int) -> bool:
        self._painted += place[2] * place[3]
        start, head = source.at, source.peek(_LONGEST_HEAD)
        method = head[0] >> 4 if encoding in _TIGHT and head else -1
        if encoding == e.COPY_RECT and len(head) == _LONGEST_HEAD:
            x, y = int.from_bytes(head[:2], "big"), int.from_bytes(head[2:], "big")
            self.images.read(self.picture, (x, y, place[2], place[3]))
        if method == _JPEG and self._keep_image(source, place):
            return True
        self.images.paint(self.picture, place)
        super().decode_rectangle(source, place, encoding)
        if place[2] * place[3] and not self.is_silent:
            self._pass_picture(place, encoding, method, source.since(start))
        return True

    def _keep_image(self, source: Source, place: Place) -> bool:
        """Read a rectangle with an image that remains as it is; returns False for other images."""
        start = source.at
        control = source.byte()
        image = source.take(compact_length(source))
        width, height = place[2:]
        if not is_plain_jpeg(image, width, height):
            source.at = start
            return False
        if width * height < LEAST_PIXELS:
            source.at = start
            self.images.paint(self.picture, place)
            super().decode_rectangle(source, place, e.TIGHT)
        else:
            self.picture.area(*place)
            self.reset_tight(control)
            self.images.add(self.picture, place, image)
        self._output.add(jpeg_rectangle(place, image))
        return True

    def _pass_picture(self, place: Place, encoding: int, method: int, data: memoryview) -> None:
        area = self.picture.area(*place)
        if encoding == e.COPY_RECT:
            self._output.add(RECTANGLE.pack(*place, encoding) + bytes(data))
        elif method == _FILL:
            self._output.add(RECTANGLE.pack(*place, e.TIGHT) + fill(area))
        else:
            for each in self._encoder.rectangles(area, place[0], place[1]):
                self._output.add(each)

    def _pass_other(self, encoding: int, data: memoryview) -> None:
        if encoding in _CURSORS:
            assert self.cursor is not None
            self._output.add(cursor_rectangle(self.cursor))
        elif encoding == e.DESKTOP_NAME:
            self.name = bytes(data[4 : 4 + NAME_LIMIT])
            self._output.add(name_rectangle(self.name))
        elif self.size != (self.picture.width, self.picture.height):
            self._pass_size()

    def _pass_size(self) -> None:
        """Pass the new size on; what is new is painted, since noVNC takes it for transparent."""
        former, self.size = self.size, (self.picture.width, self.picture.height)
        self._output.add_alone(size_rectangle(*self.size))
        right, below = self.size[0] - former[0], self.size[1] - former[1]
        for place in (
            (former[0], 0, right, self.size[1]),
            (0, former[1], self.size[0], below),
        ):
            if min(place[2:]) > 0:
                self._output.add(RECTANGLE.pack(*place, e.TIGHT) + fill(self.picture.area(*place)))
