"""Images of machines: one picture at a time of each, and kept for seconds."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final, NamedTuple

from twisted.internet.interfaces import IReactorTime

from ..errors import Busy
from ..model import VMAddress
from ..screen import Picture
from .camera import InThread
from .formats import ImageFormat
from .images import encode_image
from .keeping import Kept, Shared

MOST_AT_A_TIME: Final = 4
"""Pictures of different machines that are taken at the same time."""

MOST_IMAGES: Final = 8
"""Different images that are made at the same time."""

MOST_OF_ONE: Final = 4
"""Of them, those of one machine."""

MOST_KEPT: Final = 48 << 20
"""Bytes of the pictures that are kept; the oldest are dropped first."""

MOST_IMAGES_KEPT: Final = 16 << 20
"""Bytes of the images that are kept."""

KEPT: Final = 2.0
"""Seconds for which a picture is shown again instead of a new one."""


class _Kind(NamedTuple):
    """Which image; `width` is None for that of the screen."""

    vm: VMAddress
    format: ImageFormat
    width: int | None


class _Taken(NamedTuple):
    """A picture, and the moment until which it is shown."""

    picture: Picture
    end: float


class Album:
    """Takes pictures of machines, and keeps them and their images for a moment.

    Args:
        take: takes a picture of a machine's console.
        in_thread: calls a function in a thread, apart from those in which pictures are decoded.
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
        self._pictures: Kept[VMAddress, _Taken] = Kept(clock, _size_of, MOST_KEPT)
        self._images: Kept[_Kind, bytes] = Kept(clock, len, MOST_IMAGES_KEPT)
        self._taking: Shared[VMAddress, _Taken] = Shared()
        self._making: Shared[_Kind, bytes] = Shared()

    async def image(self, vm: VMAddress, kind: ImageFormat, width: int | None = None) -> bytes:
        """Return an image of a machine's screen, whose picture is at most `KEPT` seconds old.

        Raises:
            Busy: pictures or images of too many machines, or too many of this one, are being made.
            VNCProxyError: there is no picture of it.
        """
        wanted = _Kind(vm, kind, width)
        if (image := self._images.get(wanted)) is not None:
            return image
        if joined := self._making.join(wanted):
            return await joined
        self._require_room(vm)
        return await self._making.make(wanted, partial(self._make, wanted))

    def _require_room(self, vm: VMAddress) -> None:
        making = [each.vm for each in self._making.keys]
        if len(making) >= MOST_IMAGES or making.count(vm) >= MOST_OF_ONE:
            raise Busy(f"{len(making)} images are being made, {making.count(vm)} of them of {vm}")

    async def _make(self, wanted: _Kind) -> bytes:
        taken = self._pictures.get(wanted.vm) or await self._picture(wanted.vm)
        image: bytes = await self._in_thread(
            encode_image, taken.picture, wanted.format, wanted.width
        )
        self._images.keep(wanted, image, taken.end)
        return image

    async def _picture(self, vm: VMAddress) -> _Taken:
        """Return the picture that is being taken, or take one."""
        if joined := self._taking.join(vm):
            return await joined
        if len(self._taking.keys) >= MOST_AT_A_TIME:
            raise Busy(f"pictures of {MOST_AT_A_TIME} machines are being taken")
        return await self._taking.make(vm, partial(self._take_and_keep, vm))

    async def _take_and_keep(self, vm: VMAddress) -> _Taken:
        picture = await self._take(vm)
        taken = _Taken(picture, self._clock.seconds() + KEPT)
        self._pictures.keep(vm, taken, taken.end)
        return taken


def _size_of(taken: _Taken) -> int:
    return int(taken.picture.pixels.nbytes)
