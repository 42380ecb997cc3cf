"""A recording's events in, entries out that noVNC plays from any key frame on."""

from __future__ import annotations

from typing import Final

from ..recording.events import Event, Source
from ..recording.playing import Playback
from ..rfb import encodings as e
from ..rfb.client_messages import ClientPieces
from ..rfb.server_init import NAME_LIMIT, ServerInit
from ..screen import Limits, Picture, ScreenDecoder
from ..screen.decoder import Place
from .encoding import (
    RECTANGLE,
    TightEncoder,
    cursor_rectangle,
    fill,
    name_rectangle,
    size_rectangle,
    update,
)
from .entries import Entry, Kind
from .plain_jpeg import is_plain_jpeg

LARGEST_AREA: Final = 8192 * 8192
"""Pixels of a screen; a security limit."""

MOST_RECTANGLES: Final = 0xFFFF
"""Of an update."""

_KEY, _POINTER, _TEXT, _QEMU = 4, 5, 6, 255
_KEPT, _NAMED = (_KEY, _POINTER, _QEMU), (_TEXT,)
_QEMU_KEY = 0
_BELL = b"\2"
_FILL, _JPEG = 8, 9
_TIGHT = (e.TIGHT, e.TIGHT_PNG)
_CURSORS = (e.CURSOR, e.X_CURSOR, e.CURSOR_WITH_ALPHA, e.VMWARE_CURSOR)


class Translator:
    """Translates one recording.

    Attributes:
        init: the first message of the server; None before it has come.
        painted: pixels that the last event painted.
        rectangles: of the server's messages that the last event became.
    """

    def __init__(self) -> None:
        self.init: ServerInit | None = None
        self.painted = self.rectangles = 0
        self._playback = Playback(self._begin)
        self._encoder = TightEncoder()
        self._viewer = ViewerMessages()
        self._waiting: list[bytes] = []
        self._messages: list[bytes] = []
        self._size = 0, 0
        self._name = b""

    @property
    def size(self) -> tuple[int, int]:
        """The screen's width and height in pixels."""
        return self._size

    def take(self, event: Event) -> list[Entry]:
        """Return what an event becomes, each with its moment.

        Raises:
            VNCProxyError: it cannot be decoded, and neither can what follows.
        """
        self.painted = self.rectangles = 0
        if event.source is Source.LEFT_OUT:
            return [Entry(Kind.LEFT_OUT, event.moment, event.data)]
        self._playback.take(event)
        if event.source is Source.VIEWER:
            found = self._viewer.receive(event.data)
            return [Entry(kind, event.moment, data) for kind, data in found]
        return self._translated(event.moment)

    def key_frame(self) -> bytes:
        """Return what paints the screen as it is now; there must have been a first message."""
        decoder = self._playback.decoder
        assert decoder is not None
        picture = decoder.picture
        self._messages = [update([size_rectangle(picture.width, picture.height)])]
        self._waiting = list(self._encoder.rectangles(picture.pixels, 0, 0))
        if decoder.cursor is not None:
            self._waiting.append(cursor_rectangle(decoder.cursor))
        if self._name:
            self._waiting.append(name_rectangle(self._name))
        self._end_update()
        messages, self._messages = self._messages, []
        return b"".join(messages)

    def _begin(self, init: ServerInit) -> ScreenDecoder:
        self.init = init
        self._size = init.width, init.height
        picture = Picture(init.width, init.height, LARGEST_AREA)
        decoder = ScreenDecoder(picture, init.pixel_format, Limits())
        decoder.on_rectangle, decoder.on_bell = self._on_rectangle, self._on_bell
        return decoder

    def _translated(self, moment: int) -> list[Entry]:
        self._end_update()
        messages, self._messages = self._messages, []
        return [Entry(Kind.SERVER, moment, b"".join(messages))] if messages else []

    def _end_update(self) -> None:
        waiting, self._waiting = self._waiting, []
        self.rectangles += len(waiting)
        for at in range(0, len(waiting), MOST_RECTANGLES):
            self._messages.append(update(waiting[at : at + MOST_RECTANGLES]))

    def _on_bell(self) -> None:
        self._end_update()
        self._messages.append(_BELL)

    def _on_rectangle(self, place: Place, encoding: int, data: memoryview) -> None:
        decoder = self._playback.decoder
        assert decoder is not None
        if encoding in decoder.PICTURES:
            self._translate(decoder.picture, place, encoding, data)
        elif encoding in _CURSORS:
            assert decoder.cursor is not None
            self._waiting.append(cursor_rectangle(decoder.cursor))
        elif encoding in (e.DESKTOP_SIZE, e.EXTENDED_DESKTOP_SIZE):
            self._resize(decoder.picture.width, decoder.picture.height)
        elif encoding == e.DESKTOP_NAME:
            self._name = bytes(data[4 : 4 + NAME_LIMIT])
            self._waiting.append(name_rectangle(self._name))

    def _translate(self, picture: Picture, place: Place, encoding: int, data: memoryview) -> None:
        x, y, width, height = place
        if not width * height:
            return
        self.painted += width * height
        area = picture.area(*place)
        if encoding == e.COPY_RECT:
            self._waiting.append(RECTANGLE.pack(*place, encoding) + bytes(data))
        elif encoding in _TIGHT and data[0] >> 4 == _FILL:
            self._waiting.append(RECTANGLE.pack(*place, e.TIGHT) + fill(area))
        elif encoding in _TIGHT and data[0] >> 4 == _JPEG and is_plain_jpeg(data):
            head = RECTANGLE.pack(*place, e.TIGHT) + bytes([_JPEG << 4])
            self._waiting.append(head + bytes(data[1:]))
        else:
            self._waiting += self._encoder.rectangles(area, x, y)

    def _resize(self, width: int, height: int) -> None:
        """Change the size in an update of its own: images before it are painted first then."""
        if (width, height) == self._size:
            return
        self._size = width, height
        self._end_update()
        self._messages.append(update([size_rectangle(width, height)]))


class ViewerMessages:
    """Finds the messages of a viewer that are shown: of its pointer, keys, and that it pastes."""

    def __init__(self) -> None:
        self._pieces = ClientPieces()
        self._message = b""

    def receive(self, data: bytes) -> list[tuple[Kind, bytes]]:
        """Return the messages that bytes complete; those of texts as their first byte.

        Raises:
            DownstreamViolation: they cannot be parsed.
        """
        found = []
        for piece in self._pieces.receive(data):
            part = self._pieces.data[piece.start : piece.end]
            if piece.kind in _NAMED and piece.first:
                found.append((Kind.LEFT_OUT, part[:1]))
            if piece.kind not in _KEPT:
                continue
            self._message = part if piece.first else self._message + part
            if piece.last and (piece.kind != _QEMU or self._message[1] == _QEMU_KEY):
                found.append((Kind.VIEWER, self._message))
        return found
