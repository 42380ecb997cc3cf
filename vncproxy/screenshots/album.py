"""Images of machines: one picture at a time of each, and kept for seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Collection
from functools import partial
from typing import Final, NamedTuple

from twisted.internet.interfaces import IReactorTime

from ..errors import Busy
from ..model import VMAddress
from ..screen import Picture
from .camera import InThread
from .formats import Image, ImageKind, Shot
from .images import digest_of, encode_image
from .keeping import Kept, Shared
from .turns import Turns

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

IMAGES_KEPT: Final = 60.0
"""Seconds for which an image is shown again while its screen does not change."""

Take = Callable[[Shot], Awaitable[Picture]]
"""Takes a picture of a machine's console."""


class _Taken(NamedTuple):
    """A picture, digits that are those of equal pictures only, and when it was taken."""

    picture: Picture
    digest: str
    at: float


class Album:
    """Takes pictures of machines, and keeps them and their images for a moment.

    Args:
        take: takes a picture.
        in_thread: calls a function in a thread, apart from those in which pictures are decoded.
        clock: for the age of pictures.
    """

    def __init__(self, take: Take, in_thread: InThread, clock: IReactorTime) -> None:
        self._take = take
        self._in_thread = in_thread
        self._clock = clock
        self._pictures: Kept[Shot, _Taken] = Kept(clock, _size_of, MOST_KEPT)
        self._images: Kept[str, bytes] = Kept(clock, len, MOST_IMAGES_KEPT)
        self._taking: Shared[Shot, _Taken] = Shared()
        self._making: Shared[str, bytes] = Shared()
        self._making_of: Counter[VMAddress] = Counter()
        self._turns = Turns("pictures", MOST_AT_A_TIME, clock)
        self._turns_of_images = Turns("images", MOST_IMAGES, clock)

    async def image(
        self, vm: VMAddress, kind: ImageKind, known: Collection[str] = frozenset(), hops: int = 0
    ) -> Image:
        """Return an image of a machine's screen, whose picture is at most `KEPT` seconds old.

        Args:
            known: the tags of images that the caller has; such a one is not made again.
            hops: how many proxies the request has come by.

        Raises:
            Busy: too many machines, or images of this one, are asked for.
            VNCProxyError: there is no picture of it.
        """
        taken = await self._picture(Shot(vm, kind.cursor, hops))
        tag = _tag_of(taken.digest, kind)
        data = b"" if tag in known else await self._data(vm, tag, taken.picture, kind)
        return Image(tag, self._clock.seconds() - taken.at, data)

    async def picture(self, vm: VMAddress, cursor: bool | None = None) -> Picture:
        """Return a picture of a machine's screen, at most `KEPT` seconds old; it is not changed.

        Raises:
            VNCProxyError: as `image`.
        """
        return (await self._picture(Shot(vm, cursor))).picture

    async def _picture(self, shot: Shot) -> _Taken:
        """Return the picture that is kept, or being taken, or take one."""
        if (taken := self._pictures.get(shot)) is not None:
            return taken
        if joined := self._taking.join(shot):
            return await joined
        taking = partial(self._turns.run, partial(self._take_and_keep, shot))
        return await self._taking.make(shot, taking)

    async def _take_and_keep(self, shot: Shot) -> _Taken:
        picture = await self._take(shot)
        at = self._clock.seconds()
        taken = _Taken(picture, await self._in_thread(digest_of, picture), at)
        self._pictures.keep(shot, taken, at + KEPT)
        return taken

    async def _data(self, vm: VMAddress, tag: str, picture: Picture, kind: ImageKind) -> bytes:
        """Return the image that is kept, or being made, or make one."""
        if (data := self._images.get(tag)) is not None:
            return data
        if joined := self._making.join(tag):
            return await joined
        if self._making_of[vm] >= MOST_OF_ONE:
            raise Busy(f"{MOST_OF_ONE} images of {vm} are being made")
        return await self._making.make(tag, partial(self._make, vm, tag, picture, kind))

    async def _make(self, vm: VMAddress, tag: str, picture: Picture, kind: ImageKind) -> bytes:
        self._making_of[vm] += 1
        try:
            encoding = partial(self._in_thread, encode_image, picture, kind)
            data: bytes = await self._turns_of_images.run(encoding)
        finally:
            self._making_of -= Counter((vm,))
        self._images.keep(tag, data, self._clock.seconds() + IMAGES_KEPT)
        return data


def _size_of(taken: _Taken) -> int:
    return int(taken.picture.pixels.nbytes)


def _tag_of(digest: str, kind: ImageKind) -> str:
    quality = f"q{kind.quality}" if kind.format.has_quality else ""
    return f"{digest}-{kind.width or ''}x{kind.height or ''}{quality}.{kind.format.value}"
