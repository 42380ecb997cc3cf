"""A server's stream in, pictures out."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from typing import ClassVar, Final

from ..errors import UpstreamViolation
from ..rfb import encodings as e
from ..rfb.pixels import PixelFormat
from ..rfb.server_messages import FormatChanges, ServerPieces
from ..rfb.server_messages.layout import pixel_layout
from .colours import Colours, Pixels
from .cursors import (
    Cursor,
    read_cursor,
    read_cursor_with_alpha,
    read_vmware_cursor,
    read_x_cursor,
)
from .limits import Limits
from .picture import Picture
from .simple import copy_area, decode_corre, decode_raw, decode_rre, decode_zlib
from .source import Inflating, Source
from .tight import TightStreams, decode_tight
from .tiles import decode_hextile, decode_trle, decode_zrle

_UPDATE, _COLOURS, _BELL, _FENCE = 0, 1, 2, 248
_LOOKED_AT = (_UPDATE, _COLOURS, _FENCE)
_COLOURS_HEAD = 6
_RECTANGLE = struct.Struct(">HHHHi")

ENCODINGS: Final = (
    *(e.COPY_RECT, e.ZRLE, e.TIGHT, e.ZLIB, e.HEXTILE, e.TRLE, e.CORRE, e.RRE, e.RAW),
    *(e.DESKTOP_SIZE, e.EXTENDED_DESKTOP_SIZE, e.LAST_RECT),
)
"""The encodings that a viewer may announce whose picture is decoded here."""


Place = tuple[int, int, int, int]
"""Of a rectangle: x, y, width and height."""

_ReadPicture = Callable[["ScreenDecoder", Source, Pixels], None]
_ReadOther = Callable[["ScreenDecoder", Source, Place], None]


class _OneFormat(FormatChanges):
    """The pixel format of a stream whose viewer's messages are not known."""

    __slots__ = ()

    def use(self, pixel_format: PixelFormat) -> None:
        """Change to another format at the next message."""
        self._current = pixel_layout(pixel_format)

    def receive_fence(self, flags: int, payload: bytes) -> None:
        """Pass over it."""


class ScreenDecoder:
    """The screen of one session.

    Args:
        pixel_format: that of the updates.
        limits: what is accepted of the server.

    Attributes:
        picture: the screen as it is now; of the right size from the beginning.
        cursor: the shape of its cursor; None until the server has sent one.
        pointer: where that is, from the left and from above; None until the server has said it.
        updates: how many updates with pixels have been decoded.
        on_fence: called with each fence of the server, a whole message.
        on_update: called after each update with pixels.
        on_bell: called with each bell.
    """

    def __init__(
        self, picture: Picture, pixel_format: PixelFormat, limits: Limits | None = None
    ) -> None:
        self.picture = picture
        self.cursor: Cursor | None = None
        self.pointer: tuple[int, int] | None = None
        self.updates = 0
        self.on_fence: Callable[[bytes], object] = _ignore
        self.on_update: Callable[[], object] = _nothing
        self.on_bell: Callable[[], object] = _nothing
        self._limits = limits or Limits()
        self._resizes = 0
        self._colours = Colours(pixel_format)
        self._formats = _OneFormat(pixel_format)
        self._pieces = ServerPieces(self._formats)
        self._message = bytearray()
        self._zlib, self._zrle, self._tight = Inflating(), Inflating(), TightStreams()

    def use_format(self, pixel_format: PixelFormat) -> None:
        """Decode the messages that follow the present one in another pixel format."""
        self._colours = Colours(pixel_format)
        self._formats.use(pixel_format)

    def receive(self, data: bytes) -> None:
        """Receive bytes of the server, in pieces of any size.

        Raises:
            UpstreamViolation: they cannot be decoded, or are beyond the limits; neither can what
                follows.
        """
        for piece in self._pieces.receive(data):
            if piece.kind not in _LOOKED_AT:
                if piece.kind == _BELL:
                    self.on_bell()
                continue
            self._message += self._pieces.data[piece.start : piece.end]
            if len(self._message) > self._limits.message:
                raise UpstreamViolation(f"a message of more than {self._limits.message} bytes")
            if piece.last:
                message, self._message = self._message, bytearray()
                self._decode(message)

    def _decode(self, message: bytearray) -> None:
        self._limits.check_time()
        if message[0] == _FENCE:
            self.on_fence(bytes(message))
            return
        if message[0] == _COLOURS:
            first = int.from_bytes(message[2:4], "big")
            self._colours.set_map(first, bytes(message[_COLOURS_HEAD:]))
            return
        if self._decode_update(Source(message, 4), int.from_bytes(message[2:4], "big")):
            self.updates += 1
            self.on_update()

    def _decode_update(self, source: Source, count: int) -> bool:
        """Decode the rectangles of an update; returns whether any has pixels of the screen."""
        with_pixels, self._resizes = False, 0
        for number in range(count):
            x, y, width, height, encoding = source.unpack(_RECTANGLE)
            if encoding == e.LAST_RECT:
                break
            if number >= self._limits.rectangles:
                raise UpstreamViolation(f"more than {self._limits.rectangles} rectangles")
            self._limits.check_time()
            with_pixels |= self.decode_rectangle(source, (x, y, width, height), encoding)
        return with_pixels

    def decode_rectangle(self, source: Source, place: Place, encoding: int) -> bool:
        """Decode a rectangle; returns whether it has pixels of the screen.

        Subclasses may look at each one, and read some themselves.

        Raises:
            UpstreamViolation: it cannot be decoded, or was not announced.
        """
        if decode := self.PICTURES.get(encoding):
            allowed = self._limits.pictures
            if allowed is not None and encoding not in allowed:
                raise UpstreamViolation(f"the encoding {encoding} was not announced")
            decode(self, source, self.picture.area(*place))
            return True
        other = self._OTHERS.get(encoding)
        if other is None:
            raise UpstreamViolation(f"the encoding {encoding} cannot be decoded")
        other(self, source, place)
        return False

    def reset_tight(self, control: int) -> None:
        """Begin anew the zlib streams that the first byte of a Tight rectangle names."""
        self._tight.reset(control)

    def _raw(self, source: Source, area: Pixels) -> None:
        decode_raw(source, area, self._colours)

    def _copy(self, source: Source, area: Pixels) -> None:
        copy_area(source, area, self.picture)

    def _rre(self, source: Source, area: Pixels) -> None:
        decode_rre(source, area, self._colours, self._limits.check_time)

    def _corre(self, source: Source, area: Pixels) -> None:
        decode_corre(source, area, self._colours, self._limits.check_time)

    def _hextile(self, source: Source, area: Pixels) -> None:
        decode_hextile(source, area, self._colours, self._limits.check_time)

    def _zlib_rectangle(self, source: Source, area: Pixels) -> None:
        decode_zlib(source, area, self._colours, self._zlib)

    def _tight_rectangle(self, source: Source, area: Pixels) -> None:
        decode_tight(source, area, self._colours, self._tight)

    def _trle(self, source: Source, area: Pixels) -> None:
        decode_trle(source, area, self._colours, self._limits.check_time)

    def _zrle_rectangle(self, source: Source, area: Pixels) -> None:
        decode_zrle(source, area, self._colours, self._zrle, self._limits.check_time)

    def _size(self, source: Source, place: Place) -> None:
        self._resize(*place[2:])

    def _screens(self, source: Source, place: Place) -> None:
        source.take(source.number(1) * 16 + 3)
        if not place[1]:  # the status of a request for another size
            self._resize(*place[2:])

    def _resize(self, width: int, height: int) -> None:
        if (width, height) == (self.picture.width, self.picture.height):
            return
        self._resizes += 1
        if self._resizes > self._limits.resizes:
            raise UpstreamViolation(f"{self._resizes} changes of size in an update")
        self.picture.resize(width, height)

    def _cursor(self, source: Source, place: Place) -> None:
        self.cursor = read_cursor(source, place, self._colours)

    def _x_cursor(self, source: Source, place: Place) -> None:
        self.cursor = read_x_cursor(source, place)

    def _cursor_with_alpha(self, source: Source, place: Place) -> None:
        self.cursor = read_cursor_with_alpha(source, place)

    def _vmware_cursor(self, source: Source, place: Place) -> None:
        self.cursor = read_vmware_cursor(source, place, self._colours)

    def _position(self, source: Source, place: Place) -> None:
        self.pointer = place[:2]

    def _name(self, source: Source, place: Place) -> None:
        source.take(source.number())

    def _led(self, source: Source, place: Place) -> None:
        source.take(1)

    def _nothing(self, source: Source, place: Place) -> None:
        """Pass over it."""

    PICTURES: ClassVar[Mapping[int, _ReadPicture]] = {
        e.RAW: _raw,
        e.COPY_RECT: _copy,
        e.RRE: _rre,
        e.CORRE: _corre,
        e.HEXTILE: _hextile,
        e.ZLIB: _zlib_rectangle,
        e.TIGHT: _tight_rectangle,
        e.TIGHT_PNG: _tight_rectangle,
        e.TRLE: _trle,
        e.ZRLE: _zrle_rectangle,
    }

    _OTHERS: ClassVar[Mapping[int, _ReadOther]] = {
        e.DESKTOP_SIZE: _size,
        e.EXTENDED_DESKTOP_SIZE: _screens,
        e.CURSOR: _cursor,
        e.X_CURSOR: _x_cursor,
        e.CURSOR_WITH_ALPHA: _cursor_with_alpha,
        e.VMWARE_CURSOR: _vmware_cursor,
        e.VMWARE_CURSOR_POSITION: _position,
        e.POINTER_POSITION: _position,
        e.DESKTOP_NAME: _name,
        e.QEMU_LED: _led,
        **dict.fromkeys(
            (e.QEMU_POINTER_MOTION, e.QEMU_KEY, e.EXTENDED_MOUSE_BUTTONS),
            _nothing,
        ),
    }


def _ignore(message: bytes) -> None:
    """Do nothing."""


def _nothing() -> None:
    """Do nothing."""
