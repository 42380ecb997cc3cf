"""One picture of a console that is open."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, Protocol

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
from ..rfb.server_init import pixel_format_of
from ..rfb.server_messages import FormatChanges, ServerPieces
from ..screen import Limits, Picture, ScreenDecoder
from ..screen.cursors import paint_cursor
from .seen import LARGEST_AREA, SeenPicture

MOST_UPDATES: Final = 64
"""Updates that may pass until each pixel was sent; most servers need one, or two."""

MOST_BYTES: Final = 4 * LARGEST_AREA + (1 << 20)
"""Bytes until an update is whole: its pixels in Raw and its heads; a security limit."""

MOST_RECTANGLES: Final = 16384
"""Rectangles of an update; servers that cut it into small ones send some thousand."""

MOST_MESSAGES: Final = 4096
"""Messages of any kind until the picture is complete; a security limit."""

_FULL_COLOUR: Final = PixelFormat()
_ENCODINGS: Final = (e.ZLIB, e.RAW, e.DESKTOP_SIZE, e.LAST_RECT)
"""Those that are decoded without a loop over pixels."""

_OF_CURSORS: Final = (
    *(e.CURSOR_WITH_ALPHA, e.VMWARE_CURSOR, e.CURSOR, e.X_CURSOR),
    *(e.POINTER_POSITION, e.VMWARE_CURSOR_POSITION),
)
"""A server that is asked for them paints no cursor itself."""

_PICTURES: Final = frozenset({e.COPY_RECT, e.RAW, e.ZLIB})

_UPDATE, _COLOURS = 0, b"\1"


class InThread(Protocol):
    """Calls a function in a thread."""

    def __call__(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        """Return what the function returns."""


async def take_picture(
    leg: Leg,
    server_init: bytes,
    in_thread: InThread,
    time_limit: float,
    clock: IReactorTime,
    cursor: bool | None = None,
) -> Picture:
    """Ask a console for its screen, and return it; the connection is closed then.

    Args:
        leg: to the console's server, right behind ServerInit.
        in_thread: decodes; the connection is not read meanwhile.
        time_limit: seconds, after which a thread that still decodes stops as well.
        cursor: whether the mouse cursor is shown; None leaves that to the server. It is painted
            here where the server has told its shape and its place, and by the server elsewhere.

    Raises:
        ConsoleUnavailable: its screen has no pixels.
        UpstreamViolation: its messages cannot be decoded, or there is no picture in time.
        UpstreamClosed: the server closed the connection before.
    """
    try:
        camera = Camera(leg, server_init, in_thread, TimeLimit(time_limit, clock))
        return await Deferred.fromCoroutine(camera.take(cursor)).addTimeout(time_limit, clock)
    except TimeoutError as error:
        raise UpstreamViolation(f"no picture within {time_limit:g} s") from error
    finally:
        leg.close(ClientGone(), time_limit)


class TimeLimit:
    """Ends what a thread does: a call in a thread cannot be cancelled.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float, clock: IReactorTime) -> None:
        self._clock = clock
        self.restart(seconds)

    def restart(self, seconds: float) -> None:
        """Allow so many seconds from now on."""
        self._end = self._clock.seconds() + seconds

    def check(self) -> None:
        """Raise an error once the time is over."""
        if self._clock.seconds() >= self._end:
            raise UpstreamViolation("its picture was not decoded in time")


class Camera:
    """Asks a console for its screen, and decodes what comes.

    Args:
        leg, in_thread: as `take_picture` has them.
    """

    def __init__(
        self, leg: Leg, server_init: bytes, in_thread: InThread, time_limit: TimeLimit
    ) -> None:
        self._leg = leg
        self._in_thread = in_thread
        self._picture = SeenPicture(*struct.unpack_from(">HH", server_init))
        self._time_limit = time_limit
        self._format, self._map_format = _formats_for(server_init)
        limits = Limits(MOST_BYTES, MOST_RECTANGLES, 1, _PICTURES, time_limit.check)
        self._decoder = ScreenDecoder(self._picture, self._format, limits)
        self._formats = FormatChanges(self._format)
        self._pieces = ServerPieces(self._formats)
        self._unread: deque[bytes] = deque()
        self._unread_size = 0
        self._messages = 0
        self._has_come = False
        self._arrived: Deferred[None] | None = None
        self._failure: VNCProxyError | None = None

    async def take(self, cursor: bool | None) -> Picture:
        """Return the picture once each pixel was sent."""
        await self._begin(_ENCODINGS if cursor is None else (*_OF_CURSORS, *_ENCODINGS))
        if cursor and self._decoder.pointer is None and self._decoder.cursor is not None:
            await self._receive_with_cursor()
        return await self._finish(cursor=cursor is True)

    async def _begin(self, encodings: Sequence[int] = _ENCODINGS) -> None:
        """Announce encodings, and receive the whole picture."""
        self._leg.deliver(self._receive)
        self._leg.close_reason.addCallback(self._closed)
        self._leg.send(bytes(4) + self._format.pack())
        self._announce(encodings)
        await self._receive_picture()

    async def _receive_with_cursor(self) -> None:
        """Let the server paint the cursor: only it knows where that is."""
        self._announce(_ENCODINGS)
        self._picture.forget()
        await self._receive_picture()

    async def _receive_picture(self) -> None:
        """Ask for what is missing until each pixel was sent."""
        missing: tuple[int, ...] | None = (0, 0, self._picture.width, self._picture.height)
        for _ in range(MOST_UPDATES):
            assert missing is not None
            self._leg.send(struct.pack(">BBHHHH", 3, 0, *missing))
            await self._next_update()
            missing = await self._decode_unread()
            if missing is None:
                return
        raise UpstreamViolation(f"no whole picture in {MOST_UPDATES} updates")

    def _announce(self, encodings: Sequence[int]) -> None:
        self._leg.send(struct.pack(f">BxH{len(encodings)}i", 2, len(encodings), *encodings))

    async def _finish(self, *, cursor: bool) -> Picture:
        picture, decoder = _with_pixels(self._picture), self._decoder
        if cursor and decoder.cursor is not None and decoder.pointer is not None:
            await self._in_thread(paint_cursor, decoder.cursor, decoder.pointer, picture.pixels)
        return picture

    async def _decode_unread(self) -> tuple[int, ...] | None:
        """Decode what has arrived, in a thread; no more is read until that has ended.

        Returns:
            What is missing then, as `SeenPicture.missing` has it.
        """
        unread, self._unread, self._unread_size = self._unread, deque(), 0
        self._leg.pause()
        try:
            missing: tuple[int, ...] | None = await self._in_thread(self._decode, unread)
        finally:
            self._leg.resume()
        return missing

    def _decode(self, unread: deque[bytes]) -> tuple[int, ...] | None:
        """Decode pieces as they arrived: a list of all their messages could be large."""
        while unread:
            self._time_limit.check()
            self._decoder.receive(unread.popleft())
        return self._picture.missing()

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
            self._note_first(data)
            if self._has_update(data):
                self._wake()
        except VNCProxyError as error:
            self._unread.clear()
            self._fail(error)

    def _note_first(self, data: bytes) -> None:
        """Find out whether the server sends colours of its map although it was asked for others."""
        map_format, self._map_format = self._map_format, None
        if map_format is not None and data[:1] == _COLOURS:
            self._formats.change_format(map_format)
            self._decoder.use_format(map_format)

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
        self._has_come = self._arrived is None
        waiting, self._arrived = self._arrived, None
        if waiting is not None:
            waiting.callback(None)


def _formats_for(server_init: bytes) -> tuple[PixelFormat, PixelFormat | None]:
    """Return the format that is asked for, and that of a server with a colour map.

    The first is the server's own: also a server that ignores what it is asked for has that. One
    with a colour map translates its colours exactly; libvncserver, asked for numbers of the map,
    changes the map to one with fewer shades.
    """
    try:
        own = pixel_format_of(server_init)
    except UpstreamViolation:
        return _FULL_COLOUR, None
    return (own, None) if own.true_colour else (_FULL_COLOUR, own)


def _with_pixels(picture: SeenPicture) -> Picture:
    if not picture.width or not picture.height:
        raise ConsoleUnavailable(
            "without a screen", f"a screen of {picture.width} x {picture.height} pixels"
        )
    return picture.finished()
