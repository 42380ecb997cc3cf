"""The screen of a session that is being recorded, as it is now."""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from math import inf
from typing import BinaryIO, Final

from ..rfb import encodings as e
from ..rfb.client_messages import (
    ClientPieces,
    EnableContinuousUpdates,
    PointerEvent,
    SetPixelFormat,
    read_message,
)
from ..rfb.pixels import PixelFormat
from ..rfb.server_init import ServerInit
from ..screen import Picture, ScreenDecoder
from ..screen.cursors import paint_cursor
from ..screen.decoder import Place
from ..screen.source import Source
from .events import Event
from .events import Source as Side
from .playing import Playback
from .reading import RecordingReader

_FORMAT, _REQUEST, _POINTER, _CONTINUOUS = 0, 3, 5, 150
_NOTED: Final = frozenset({_FORMAT, _POINTER, _CONTINUOUS})
_TIGHT: Final = frozenset({e.TIGHT, e.TIGHT_PNG})
_JPEG: Final = 9
_AREA: Final = struct.Struct(">xxHHHH")


class _Decoder(ScreenDecoder):
    """A decoder that notes whether anything was sent as JPEG."""

    has_jpeg = False

    def decode_rectangle(self, source: Source, place: Place, encoding: int) -> bool:
        if encoding in _TIGHT and (first := source.peek(1)):
            self.has_jpeg |= first[0] >> 4 == _JPEG
        return super().decode_rectangle(source, place, encoding)


class Present:
    """Decodes a recording that grows.

    Args:
        file: open for reading bytes.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._reader = RecordingReader(file)
        self._events: Iterator[Event] | None = None
        self._playback = Playback(self._begin)
        self._has_all_colours = True
        self._decoder: _Decoder | None = None
        self._viewer = ClientPieces()
        self._message = b""
        self._pointer: tuple[int, int] | None = None
        self._asked: Place | None = None
        self._updates = 0
        self._continuous = False
        self._moment = self._updated_at = 0

    @property
    def is_over(self) -> bool:
        """Whether the recording has ended."""
        return self._reader.is_ended

    @property
    def is_exact(self) -> bool:
        """Whether the picture has each pixel as the console's server has it.

        Nothing was sent as JPEG then, nor with fewer colours than a server may have.
        """
        return self._has_all_colours and not (self._decoder and self._decoder.has_jpeg)

    @property
    def is_current(self) -> bool:
        """Whether the server would have sent what has changed: its viewer waits for an update."""
        picture = self._playback.picture
        if picture is None or not self._updates:
            return False
        return self._continuous or self._asked == (0, 0, picture.width, picture.height)

    @property
    def since_update(self) -> float:
        """Seconds of the recording between the last update and what was recorded last."""
        return (self._moment - self._updated_at) / 1e6 if self._updates else inf

    def read_on(self, check_time: Callable[[], object]) -> None:
        """Decode what was written since the last time.

        Args:
            check_time: called after each event; raises to stop, and reading may go on later.

        Raises:
            Damaged, CannotOpen: the file was changed, or is sealed.
            VNCProxyError: an event cannot be decoded.
        """
        if self._events is None:
            self._events = self._reader.events()
        for event in self._events:
            self._take(event)
            check_time()
        self._events = None

    def picture(self, *, cursor: bool) -> Picture | None:
        """Return the screen; None before there is any.

        Args:
            cursor: whether the cursor is painted where the viewer last had its pointer.
        """
        decoder = self._playback.decoder
        if decoder is None or not cursor or decoder.cursor is None or self._pointer is None:
            return self._playback.picture
        shown = Picture(0, 0)
        shown.pixels = decoder.picture.pixels.copy()
        paint_cursor(decoder.cursor, self._pointer, shown.pixels)
        return shown

    def _begin(self, init: ServerInit) -> _Decoder:
        self._decoder = _Decoder(Picture(init.width, init.height), init.pixel_format)
        return self._decoder

    def _take(self, event: Event) -> None:
        if event.source is Side.VIEWER:
            self._from_viewer(event.data)
        self._playback.take(event)
        self._moment = event.moment
        decoder = self._decoder
        if decoder is not None and decoder.updates > self._updates:
            self._updates, self._asked = decoder.updates, None
            self._updated_at = event.moment

    def _from_viewer(self, data: bytes) -> None:
        for piece in self._viewer.receive(data):
            found = self._viewer.data[piece.start : piece.end]
            self._message = found if piece.first else self._message + found
            if piece.last and piece.kind == _REQUEST:
                self._asked = _AREA.unpack(self._message)
            elif piece.last and piece.kind in _NOTED:
                self._note(self._message)

    def _note(self, message: bytes) -> None:
        read = read_message(message, len(message))
        if isinstance(read, SetPixelFormat):
            self._has_all_colours &= _has_all_colours(read.pixel_format)
        elif isinstance(read, EnableContinuousUpdates):
            self._continuous = read.enabled
        elif isinstance(read, PointerEvent):
            self._pointer = read.x, read.y


def _has_all_colours(pixel_format: PixelFormat) -> bool:
    return pixel_format.true_colour and all(most >= 255 for most, _ in pixel_format.channels)
