"""The screen of a console that stays open, by incremental updates."""

from __future__ import annotations

import struct

from twisted.internet.interfaces import IReactorTime

from ..errors import ConsoleUnavailable
from ..relay.leg import Leg
from ..screen import Picture
from ..screenshots.camera import Camera, InThread, TimeLimit

DECODING_TIME = 10.0
"""Seconds within which an update is decoded."""


class LiveCamera(Camera):
    """Shows a console's screen as it is, update by update."""

    def __init__(
        self, leg: Leg, server_init: bytes, in_thread: InThread, clock: IReactorTime
    ) -> None:
        super().__init__(leg, server_init, in_thread, TimeLimit(DECODING_TIME, clock))

    @property
    def picture(self) -> Picture:
        """The screen; it changes during `next_update` only.

        Raises:
            ConsoleUnavailable: it has no pixels.
        """
        picture = self._picture
        if not picture.width or not picture.height:
            raise ConsoleUnavailable("without a screen", "a screen without pixels")
        return picture

    async def begin(self) -> None:
        """Receive the whole screen."""
        await self._begin()

    async def next_update(self) -> None:
        """Ask for what changes, and return once something has been sent and decoded."""
        self._messages = 0
        picture = self._picture
        if not self._has_come:
            self._leg.send(struct.pack(">BBHHHH", 3, 1, 0, 0, picture.width, picture.height))
            await self._next_update()
        self._has_come = False
        self._time_limit.restart(DECODING_TIME)
        if await self._decode_unread() is not None:
            await self._receive_picture()

    def ask_pixel(self) -> None:
        """Ask for one pixel, which a server that is there sends at once."""
        self._leg.send(struct.pack(">BBHHHH", 3, 0, 0, 0, 1, 1))
