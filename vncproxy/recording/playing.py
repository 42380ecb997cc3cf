"""The screen of a recording at any moment."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Final

from ..rfb.client_messages import ClientPieces, Fence, SetPixelFormat, read_message
from ..rfb.pixels import PixelFormat
from ..rfb.server_init import ServerInit
from ..screen import Picture, ScreenDecoder
from .events import Event, Source

_PIXEL_FORMAT, _REQUEST, _FENCE = 0, 3, 248
_WHOLE: Final = (_PIXEL_FORMAT, _FENCE)
_IS_REQUEST, _SYNC_NEXT = 1 << 31, 1 << 2


def _decoder_for(init: ServerInit) -> ScreenDecoder:
    return ScreenDecoder(Picture(init.width, init.height), init.pixel_format)


class Playback:
    """Decodes the events of a recording.

    Args:
        make_decoder: makes the decoder, once the server has sent ServerInit.

    Attributes:
        decoder: the screen as it is now; None before the server has sent ServerInit.
    """

    def __init__(self, make_decoder: Callable[[ServerInit], ScreenDecoder] = _decoder_for) -> None:
        self.decoder: ScreenDecoder | None = None
        self._make_decoder = make_decoder
        self._head = b""
        self._viewer = ClientPieces()
        self._message = b""
        self._requested = 0
        self._synchronised = b""
        self._waiting: tuple[bytes, PixelFormat] | None = None

    @property
    def picture(self) -> Picture | None:
        """The screen as it is now; None before there is any."""
        return self.decoder.picture if self.decoder else None

    def take(self, event: Event) -> None:
        """Go on by one event.

        Raises:
            VNCProxyError: it cannot be decoded.
        """
        if event.source is Source.VIEWER:
            self._from_viewer(event.data)
        elif event.source is Source.SERVER:
            self._from_server(event.data)

    def _from_server(self, data: bytes) -> None:
        if self.decoder is None:
            found = ServerInit.unpack(self._head + data)
            if found is None:
                self._head += data
                return
            init, data = found
            self.decoder = self._make_decoder(init)
            self.decoder.on_fence, self.decoder.on_update = self._on_fence, self._on_update
        self.decoder.receive(data)

    def _from_viewer(self, data: bytes) -> None:
        for piece in self._viewer.receive(data):
            if piece.kind in _WHOLE:
                found = self._viewer.data[piece.start : piece.end]
                self._message = found if piece.first else self._message + found
                if piece.last:
                    self._read(self._message)
            elif piece.kind == _REQUEST and piece.last:
                self._requested += 1
            if piece.kind not in _WHOLE:
                self._synchronised = b""

    def _read(self, message: bytes) -> None:
        read = read_message(message, len(message))
        if isinstance(read, Fence):
            asks = read.flags & _IS_REQUEST and read.flags & _SYNC_NEXT
            self._synchronised = b"\0" + read.payload if asks else b""
        elif isinstance(read, SetPixelFormat):
            self._change(read.pixel_format)

    def _change(self, pixel_format: PixelFormat) -> None:
        """Use another format where the server does: behind the fence, or the update, that may come.

        Without a fence, and with an update under way, it is not known; viewers do not do that.
        """
        fence, self._synchronised = self._synchronised, b""
        if fence or self._requested:
            self._waiting = fence, pixel_format
        elif self.decoder is not None:
            self.decoder.use_format(pixel_format)

    def _on_fence(self, message: bytes) -> None:
        is_answer = not message[4] & 0x80
        if is_answer and self._waiting and self._waiting[0] == b"\0" + message[9:]:
            self._use_waiting()

    def _on_update(self) -> None:
        self._requested = max(0, self._requested - 1)
        if not self._requested and self._waiting and not self._waiting[0]:
            self._use_waiting()

    def _use_waiting(self) -> None:
        assert self._waiting is not None and self.decoder is not None
        self.decoder.use_format(self._waiting[1])
        self._waiting = None


def pictures_at(events: Iterable[Event], moments: Iterable[int]) -> Iterator[Picture | None]:
    """Yield the screen at moments, in microseconds since the beginning, in rising order.

    The pictures change as the recording goes on. None stands for a moment before there is any.

    Raises:
        VNCProxyError: an event cannot be decoded.
    """
    playback, coming = Playback(), iter(events)
    event = next(coming, None)
    for moment in moments:
        while event is not None and event.moment <= moment:
            playback.take(event)
            event = next(coming, None)
        yield playback.picture


def frames(events: Iterable[Event], interval: int) -> Iterator[tuple[int, Picture]]:
    """Yield the screen with its moment in microseconds, after each time that it has changed.

    The pictures change as the recording goes on.

    Args:
        interval: microseconds between two of them, at least.

    Raises:
        VNCProxyError: an event cannot be decoded.
    """
    playback, shown, due, moment = Playback(), 0, 0, 0
    for event in events:
        decoder = playback.decoder
        if decoder is not None and decoder.updates > shown and event.moment >= due:
            yield moment, decoder.picture
            shown, due = decoder.updates, moment + interval
        playback.take(event)
        moment = event.moment
    if playback.picture is not None:
        yield moment, playback.picture
