"""The JPEG images that are on a screen as they came, decoded only when their pixels are needed.

Most images of a video are replaced before anything needs them, and those that are left can be in a
key frame as they are.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from ..screen import Picture
from ..screen.colours import Pixels
from ..screen.decoder import Place
from ..screen.tight import paste_image

LEAST_PIXELS: Final = 4096
"""Pixels of an image that is kept."""

MOST_IMAGES: Final = 1024
"""Images that are kept; the oldest are decoded then."""

MOST_AREAS: Final = 32
"""Areas of an image that something newer covers."""


class _Image:
    """An image, and the areas of it that something newer covers.

    Attributes:
        is_decoded: whether its pixels are in the picture.
        painted: areas whose pixels are in the picture.
        covered: areas that newer images cover.
    """

    __slots__ = ("covered", "data", "is_decoded", "painted")

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.is_decoded = False
        self.painted: list[Place] = []
        self.covered: list[Place] = []

    def hide(self, area: Place, *, by_image: bool) -> None:
        """Note an area that something newer covers."""
        self.painted = [each for each in self.painted if _common(each, area) != each]
        self.covered = [each for each in self.covered if _common(each, area) != each]
        (self.covered if by_image else self.painted).append(area)

    def is_hidden(self, place: Place) -> bool:
        """Return whether nothing of it is seen any more."""
        areas = self.painted + self.covered
        if sum(width * height for _, _, width, height in areas) < place[2] * place[3]:
            return False
        seen = np.ones((place[3], place[2]), bool)
        for x, y, width, height in areas:
            top, left = y - place[1], x - place[0]
            seen[top : top + height, left : left + width] = False
        return not seen.any()


class Images:
    """The images of one screen, those below others first."""

    def __init__(self) -> None:
        self._images: dict[Place, _Image] = {}
        self._edges: NDArray[Any] | None = None

    def layers(self) -> Iterator[tuple[Place, bytes, Sequence[Place]]]:
        """Yield the place and the bytes of each image, and the areas that are painted over it."""
        for place, image in self._images.items():
            yield place, image.data, image.painted

    def add(self, picture: Picture, place: Place, data: bytes) -> None:
        """Add an image, which covers what was at its place.

        Raises:
            UpstreamViolation: one that it covers in part cannot be decoded.
        """
        self._cover(picture, place, by_image=True)
        if len(self._images) >= MOST_IMAGES:
            self._settle(picture, next(iter(self._images)))
        self._images[place] = _Image(data)
        self._edges = None

    def paint(self, picture: Picture, place: Place) -> None:
        """Forget the images below what is going to be painted, unless parts of them remain.

        Raises:
            UpstreamViolation: one of them that is covered in many places cannot be decoded.
        """
        self._cover(picture, place, by_image=False)

    def read(self, picture: Picture, place: Place) -> None:
        """Decode the images whose pixels are going to be read.

        Raises:
            UpstreamViolation: one cannot be decoded.
        """
        for other in self._at(place):
            self._decode(picture, other)

    def settle_all(self, picture: Picture) -> None:
        """Decode all, and keep none.

        Raises:
            UpstreamViolation: one cannot be decoded.
        """
        for place in list(self._images):
            self._settle(picture, place)

    def without(self, picture: Picture) -> Pixels:
        """Return the pixels of the screen, black where images are."""
        pixels = picture.pixels.copy()
        for x, y, width, height in self._images:
            pixels[y : y + height, x : x + width] = 0
        return pixels

    def _at(self, place: Place) -> list[Place]:
        """Return the places of the images that overlap one, those below others first."""
        x, y, width, height = place
        if not self._images or not width * height:
            return []
        if self._edges is None:
            places = np.array(list(self._images))
            self._edges = np.hstack((places[:, :2], places[:, :2] + places[:, 2:])).T
        left, top, right, bottom = self._edges
        found = (left < x + width) & (x < right) & (top < y + height) & (y < bottom)
        if not found.any():
            return []
        keys = list(self._images)
        return [keys[number] for number in np.flatnonzero(found)]

    def _cover(self, picture: Picture, place: Place, *, by_image: bool) -> None:
        for other in self._at(place):
            image = self._images[other]
            image.hide(_common(place, other), by_image=by_image)
            if image.is_hidden(other):
                self._remove(other)
            elif len(image.painted) + len(image.covered) > MOST_AREAS:
                self._settle(picture, other)

    def _settle(self, picture: Picture, place: Place) -> None:
        """Decode an image into the picture; what was below it is below the picture then."""
        self._decode(picture, place)
        for other in self._at(place):
            if other == place:
                break
            self._images[other].hide(_common(place, other), by_image=False)
        self._remove(place)

    def _remove(self, place: Place) -> None:
        del self._images[place]
        self._edges = None

    def _decode(self, picture: Picture, place: Place) -> None:
        """Decode an image into the picture, below what was painted since."""
        image = self._images[place]
        if image.is_decoded:
            return
        newer_areas = image.painted + image.covered
        newer = [(picture.area(*patch), picture.area(*patch).copy()) for patch in newer_areas]
        paste_image(image.data, picture.area(*place))
        for area, pixels in newer:
            area[:] = pixels
        image.is_decoded = True


def _common(one: Place, other: Place) -> Place:
    """Return what is in both of two places that overlap."""
    x, y = max(one[0], other[0]), max(one[1], other[1])
    right = min(one[0] + one[2], other[0] + other[2])
    bottom = min(one[1] + one[3], other[1] + other[3])
    return x, y, right - x, bottom - y
