"""One picture of a console that is open."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any, Final, Protocol

import numpy as np
from twisted.internet.defer import Deferred, TimeoutError  # noqa: A004

from ..errors import ClientGone, UpstreamClosed, UpstreamViolation, VNCProxyError
from ..relay.leg import Leg
from ..rfb import encodings as e
from ..rfb.pixels import PixelFormat
from ..rfb.server_messages import FormatChanges, ServerPieces
from ..screen import Picture, ScreenDecoder
from ..screen.colours import Pixels
from ..screen.decoder import LONGEST_MESSAGE

MOST_UPDATES: Final = 10
"""Updates that may pass until each pixel was sent; servers need one, or two."""

_FORMAT: Final = PixelFormat()
_ENCODINGS: Final = (e.ZLIB, e.RAW, e.DESKTOP_SIZE, e.LAST_RECT)
"""Those that are decoded without a loop over pixels."""

_UPDATE = 0


class InThread(Protocol):
    """Calls a function in a thread."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Return what the function returns."""


class _Watched(Picture):
    """A picture that notes which pixels were sent."""

    def __init__(self, width: int, height: int) -> None:
        super().__init__(width, height)
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
    leg: Leg, server_init: bytes, in_thread: InThread, time_limit: float, clock: Any
) -> Picture:
    """Ask a console for its screen, and return it; the connection is closed then.

    Args:
        leg: to the console's server, right behind ServerInit.
        time_limit: seconds.

    Raises:
        UpstreamViolation: its messages cannot be decoded, or there is no picture in time.
        UpstreamClosed: the server closed the connection before.
    """
    try:
        taking = Deferred.fromCoroutine(_Camera(leg, server_init, in_thread).take())
        return await taking.addTimeout(time_limit, clock)
    except TimeoutError as error:
        raise UpstreamViolation(f"no picture within {time_limit:g} s") from error
    finally:
        leg.close(ClientGone(), time_limit)


class _Camera:
    def __init__(self, leg: Leg, server_init: bytes, in_thread: InThread) -> None:
        self._leg = leg
        self._in_thread = in_thread
        width, height = struct.unpack_from(">HH", server_init)
        self._picture = _Watched(width, height)
        self._decoder = ScreenDecoder(self._picture, _FORMAT)
        self._pieces = ServerPieces(FormatChanges(_FORMAT))
        self._unread = bytearray()
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
            data, self._unread = bytes(self._unread), bytearray()
            await self._in_thread(self._decoder.receive, data)
            if picture.is_complete:
                return picture
        raise UpstreamViolation(f"no whole picture in {MOST_UPDATES} updates")

    async def _next_update(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._arrived = Deferred()
        await self._arrived

    def _receive(self, data: bytes) -> None:
        self._unread += data
        if len(self._unread) > LONGEST_MESSAGE:
            self._fail(UpstreamViolation(f"a picture of more than {LONGEST_MESSAGE} bytes"))
            return
        try:
            pieces = self._pieces.receive(data)
        except VNCProxyError as error:
            self._fail(error)
            return
        if any(piece.kind == _UPDATE and piece.last for piece in pieces):
            self._wake()

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
