"""A recording's events in, entries out that noVNC plays from any key frame on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from ..recording.events import Event, Source
from ..recording.playing import Playback
from ..rfb.server_init import ServerInit
from .encoding import (
    TightEncoder,
    cursor_rectangle,
    jpeg_rectangle,
    name_rectangle,
    size_rectangle,
    update,
)
from .entries import Entry, Kind
from .rectangles import TranslatingDecoder
from .trouble import TooExpensive
from .viewer_messages import ViewerMessages

MOST_RECTANGLES: Final = 0xFFFF
"""Of an update."""

LARGEST: Final = 512 << 20
"""Bytes that one event, or a key frame, becomes; a security limit."""

_BELL = b"\2"


class Translator:
    """Translates one recording.

    Args:
        is_silent: whether pixels are decoded alone, until `speak` is called: that is faster.
        check_time: called before each rectangle of the server; raises to stop.

    Attributes:
        init: the first message of the server; None before it has come.
        painted: pixels that the last event painted.
        rectangles: of the server's messages that the last event became.
    """

    def __init__(self, *, is_silent: bool = False, check_time: Callable[[], object] = int) -> None:
        self.init: ServerInit | None = None
        self._check_time = check_time
        self._is_silent = is_silent
        self.painted = self.rectangles = 0
        self._playback = Playback(self._begin)
        self._decoder: TranslatingDecoder | None = None
        self._viewer = ViewerMessages()
        self._encoder = TightEncoder()
        self._output = _Output()

    @property
    def size(self) -> tuple[int, int]:
        """The screen's width and height in pixels."""
        return self._decoder.size if self._decoder else (0, 0)

    def take(self, event: Event) -> list[Entry]:
        """Return what an event becomes, each with its moment; nothing while it is silent.

        Raises:
            VNCProxyError: it cannot be decoded, and neither can what follows.
        """
        self.painted = self.rectangles = 0
        entries = self._taken(event)
        return [] if self._is_silent else entries

    def _taken(self, event: Event) -> list[Entry]:
        if event.source is Source.LEFT_OUT:
            return [Entry(Kind.LEFT_OUT, event.moment, event.data[:1])] if event.data else []
        self._playback.take(event)
        if event.source is Source.VIEWER:
            found = self._viewer.receive(event.data)
            return [Entry(kind, event.moment, data) for kind, data in found]
        if self._decoder is not None:
            self.painted = self._decoder.take_painted()
        self.rectangles = self._output.rectangles
        return [Entry(Kind.SERVER, event.moment, each) for each in self._output.take()]

    def speak(self) -> None:
        """Return entries from the next event on."""
        self._is_silent = False
        if self._decoder is not None:
            self._decoder.is_silent = False

    def key_frame(self) -> bytes:
        """Return what paints the screen as it is now; there must have been a first message."""
        decoder = self._decoder
        assert decoder is not None
        output = _Output()
        output.add_alone(size_rectangle(*decoder.size))
        for each in self._encoder.rectangles(decoder.images.without(decoder.picture), 0, 0):
            output.add(each)
        for place, image, patches in decoder.images.layers():
            output.add(jpeg_rectangle(place, image))
            for patch in patches:
                for each in self._encoder.rectangles(decoder.picture.area(*patch), *patch[:2]):
                    output.add(each)
        if decoder.cursor is not None:
            output.add(cursor_rectangle(decoder.cursor))
        if decoder.name:
            output.add(name_rectangle(decoder.name))
        return b"".join(output.take())

    def _begin(self, init: ServerInit) -> TranslatingDecoder:
        self.init = init
        self._decoder = TranslatingDecoder(init, self._encoder, self._output, self._check_time)
        self._decoder.on_bell = self._output.add_bell
        self._decoder.is_silent = self._is_silent
        return self._decoder


class _Output:
    """Collects rectangles, and makes messages of them.

    Attributes:
        rectangles: how many were added since the last time that they were taken.
    """

    def __init__(self) -> None:
        self.rectangles = self._size = 0
        self._waiting: list[bytes] = []
        self._messages: list[bytes] = []

    def add(self, rectangle: bytes) -> None:
        """Add a rectangle; raises `TooExpensive` where all become too large."""
        self.rectangles += 1
        self._size += len(rectangle)
        if self._size > LARGEST:
            raise TooExpensive(f"one message would become more than {LARGEST >> 20} MiB")
        self._waiting.append(rectangle)

    def add_alone(self, rectangle: bytes) -> None:
        """Add a rectangle that has an update of its own, such as a change of the size.

        Images before it are painted first then.
        """
        self._end_update()
        self._messages.append(update([rectangle]))

    def add_bell(self) -> None:
        """Add a bell."""
        self._end_update()
        self._messages.append(_BELL)

    def take(self) -> list[bytes]:
        """Return the messages of all that was added."""
        self._end_update()
        messages, self._messages, self.rectangles, self._size = self._messages, [], 0, 0
        return messages

    def _end_update(self) -> None:
        waiting, self._waiting = self._waiting, []
        for at in range(0, len(waiting), MOST_RECTANGLES):
            self._messages.append(update(waiting[at : at + MOST_RECTANGLES]))
