"""One picture of a console that is open."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..errors import (
    ClientGone,
    ConsoleUnavailable,
    UpstreamClosed,
    UpstreamViolation,
    VNCProxyError,
)
from ..relay.leg import Leg
from ..rfb import encodings as e
from ..rfb.pixels import PixelFormat
from ..rfb.server_messages import FormatChanges, ServerPieces
from ..screen import Limits, Picture, ScreenDecoder
from ..screen.colours import Pixels

MOST_UPDATES: Final = 10
"""Updates that may pass until each pixel was sent; servers need one, or two."""

LARGEST_AREA: Final = 8192 * 4320
"""Pixels of a screen; a security limit."""

MOST_BYTES: Final = 4 * LARGEST_AREA + (1 << 20)
"""Bytes until an update is whole: its pixels in Raw and its heads; a security limit."""

MOST_RECTANGLES: Final = 16384
"""Rectangles of an update; servers that cut it into small ones send some thousand."""

MOST_MESSAGES: Final = 4096
"""Messages of any kind until the picture is complete; a security limit."""

_FORMAT: Final = PixelFormat()
_ENCODINGS: Final = (e.ZLIB, e.RAW, e.DESKTOP_SIZE, e.LAST_RECT)
"""Those that are decoded without a loop over pixels."""

_PICTURES: Final = frozenset({e.COPY_RECT, e.RAW, e.ZLIB})

_UPDATE = 0


class InThread(Protocol):
    """Calls a function in a thread."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Return what the function returns."""


class _Watched(Picture):
    """A picture that notes which pixels were sent."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height, LARGEST_AREA)
        self._seen = np.zeros((height, width), bool)

    def resize(self, width: int, height: int) -> None:
        super().resize(width, height)
        self._seen = np.zeros((height, width), bool)

    def area(self, x: int, y: int, width: int, height: int) -> Pixels:
        found = super().area(x, y, width, height)
        self._seen[y : y + height, x : x + width] = True
        return found

    @property
    def is_complete(self) -> bool:
        """Whether each pixel was sent."""
        return bool(self._seen.all())


async def take_picture(
    leg: Leg, server_init: bytes, in_thread: InThread, time_limit: float, clock: IReactorTime
) -> Picture:
    """Ask a console for its screen, and return it; the connection is closed then.

    Args:
        leg: to the console's server, right behind ServerInit.
        in_thread: decodes; the connection is not read meanwhile.
        time_limit: seconds, after which a thread that still decodes stops as well.

    Raises:
        ConsoleUnavailable: its screen has no pixels.
        UpstreamViolation: its messages cannot be decoded, or there is no picture in time.
        UpstreamClosed: the server closed the connection before.
    """
    try:
        camera = _Camera(leg, server_init, in_thread, _TimeLimit(time_limit, clock))
        return await Deferred.fromCoroutine(camera.take()).addTimeout(time_limit, clock)
    except TimeoutError as error:
        raise UpstreamViolation(f"no picture within {time_limit:g} s") from error
    finally:
        leg.close(ClientGone(), time_limit)


class _TimeLimit:
    """Ends what a thread does: a call in a thread cannot be cancelled.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float, clock: IReactorTime) -> None:
        self._end = clock.seconds() + seconds
        self._clock = clock

    def check(self) -> None:
        """Raise an error once the time is over."""
        if self._clock.seconds() >= self._end:
            raise UpstreamViolation("its picture was not decoded in time")


class _Camera:
    def __init__(
        self, leg: Leg, server_init: bytes, in_thread: InThread, time_limit: _TimeLimit
    ) -> None:
        self._leg = leg
        self._in_thread = in_thread
        width, height = struct.unpack_from(">HH", server_init)
        self._picture = _Watched(width, height)
        self._time_limit = time_limit
        limits = Limits(MOST_BYTES, MOST_RECTANGLES, 1, _PICTURES, time_limit.check)
        self._decoder = ScreenDecoder(self._picture, _FORMAT, limits)
        self._pieces = ServerPieces(FormatChanges(_FORMAT))
        self._unread: deque[bytes] = deque()
        self._unread_size = 0
        self._messages = 0
        self._arrived: Deferred[None] | None = None
        self._failure: VNCProxyError | None = None

    async def take(self) -> Picture:
        """Return the picture once each pixel was sent."""
        self._leg.send(bytes(4) + _FORMAT.pack())
        self._leg.send(struct.pack(f">BxH{len(_ENCODINGS)}i", 2, len(_ENCODINGS), *_ENCODINGS))
        self._leg.deliver(self._receive)
        self._leg.close_reason.addCallback(self._closed)
        for _ in range(MOST_UPDATES):
            picture = self._picture
            self._leg.send(struct.pack(">BBHHHH", 3, 0, 0, 0, picture.width, picture.height))
            await self._next_update()
            await self._decode_unread()
            if picture.is_complete:
                return _with_pixels(picture)
        raise UpstreamViolation(f"no whole picture in {MOST_UPDATES} updates")

    async def _decode_unread(self) -> None:
        """Decode what has arrived, in a thread; no more is read until that has ended."""
        unread, self._unread, self._unread_size = self._unread, deque(), 0
        self._leg.pause()
        try:
            await self._in_thread(self._decode, unread)
        finally:
            self._leg.resume()

    def _decode(self, unread: deque[bytes]) -> None:
        """Decode pieces as they arrived: a list of all their messages could be large."""
        while unread:
            self._time_limit.check()
            self._decoder.receive(unread.popleft())

    async def _next_update(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._arrived = Deferred()
        await self._arrived

    def _receive(self, data: bytes) -> None:
        if self._failure is not None:
            return
        self._unread.append(data)
        try:
            if self._has_update(data):
                self._wake()
        except VNCProxyError as error:
            self._unread.clear()
            self._fail(error)

    def _has_update(self, data: bytes) -> bool:
        """Return whether an update ends in what has arrived."""
        self._unread_size += len(data)
        if self._unread_size > MOST_BYTES:
            raise UpstreamViolation(f"a picture of more than {MOST_BYTES} bytes")
        pieces = self._pieces.receive(data)
        self._messages += sum(piece.first for piece in pieces)
        if self._messages > MOST_MESSAGES:
            raise UpstreamViolation(f"no picture in {MOST_MESSAGES} messages")
        return any(piece.kind == _UPDATE and piece.last for piece in pieces)

    def _closed(self, why: VNCProxyError) -> VNCProxyError:
        self._fail(UpstreamClosed(f"before its picture was complete: {why.detail}"))
        return why

    def _fail(self, why: VNCProxyError) -> None:
        self._failure = self._failure or why
        waiting, self._arrived = self._arrived, None
        if waiting is not None:
            waiting.errback(self._failure)

    def _wake(self) -> None:
        waiting, self._arrived = self._arrived, None
        if waiting is not None:
            waiting.callback(None)


def _with_pixels(picture: Picture) -> Picture:
    if not picture.width or not picture.height:
        raise ConsoleUnavailable(
            "without a screen", f"a screen of {picture.width} x {picture.height} pixels"
        )
    return picture
