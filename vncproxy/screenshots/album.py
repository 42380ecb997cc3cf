"""Pictures of machines: one at a time of each, and kept for seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from ..errors import Busy
from ..model import VMAddress
from ..screen import Picture
from .camera import InThread
from .formats import ImageFormat
from .images import encode_image

MOST_AT_A_TIME: Final = 4
"""Pictures of different machines that are taken at the same time."""

KEPT: Final = 2.0
"""Seconds for which a picture is shown again instead of a new one."""


class Album:
    """Takes pictures of machines, and keeps each for a moment.

    Args:
        take: takes a picture of a machine's console.
        in_thread: calls a function in a thread.
        clock: for the age of pictures.
    """

    def __init__(
        self,
        take: Callable[[VMAddress], Awaitable[Picture]],
        in_thread: InThread,
        clock: IReactorTime,
    ) -> None:
        self._take = take
        self._in_thread = in_thread
        self._clock = clock
        self._kept: dict[VMAddress, Picture] = {}
        self._taking: dict[VMAddress, list[Deferred[Picture]]] = {}

    async def image(self, vm: VMAddress, kind: ImageFormat, width: int | None = None) -> bytes:
        """Return an image of a machine's screen, at most `KEPT` seconds old.

        Raises:
            Busy: pictures of too many machines are being taken.
            VNCProxyError: there is no picture of it.
        """
        picture = self._kept.get(vm) or await self._picture(vm)
        image: bytes = await self._in_thread(encode_image, picture, kind, width)
        return image

    def _picture(self, vm: VMAddress) -> Deferred[Picture]:
        """Return the picture that is being taken, or take one."""
        waiting: Deferred[Picture] = Deferred()
        if vm in self._taking:
            self._taking[vm].append(waiting)
            return waiting
        if len(self._taking) >= MOST_AT_A_TIME:
            raise Busy(f"pictures of {MOST_AT_A_TIME} machines are being taken")
        self._taking[vm] = [waiting]
        taking = Deferred.fromCoroutine(self._take_and_keep(vm))
        taking.addBoth(self._hand_out, vm)
        return waiting

    async def _take_and_keep(self, vm: VMAddress) -> Picture:
        picture = self._kept[vm] = await self._take(vm)
        self._clock.callLater(KEPT, self._kept.pop, vm)
        return picture

    def _hand_out(self, result: Any, vm: VMAddress) -> None:
        for each in self._taking.pop(vm):
            each.callback(result)
