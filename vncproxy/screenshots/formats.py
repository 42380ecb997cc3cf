"""The formats of images, and what an image is to be like."""

from __future__ import annotations

from enum import Enum
from typing import Final, NamedTuple

from ..model import VMAddress

QUALITY: Final = 85
"""Of JPEG and WebP, unless another one is asked for."""


class ImageFormat(Enum):
    """The format of an image; the values are Pillow's names in lower case."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """As ``Content-Type`` has it."""
        return f"image/{self.value}"

    @property
    def has_quality(self) -> bool:
        """Whether a lower quality makes its files smaller; PNG keeps every pixel."""
        return self is not ImageFormat.PNG


class ImageKind(NamedTuple):
    """What an image of a screen is to be like.

    Attributes:
        width: the most pixels from left to right; None for as many as the screen has.
        height: the same from top to bottom.
        quality: from 1 to 100, for formats that have it.
        cursor: whether the mouse cursor is shown; None leaves that to the console's server.
    """

    format: ImageFormat = ImageFormat.PNG
    width: int | None = None
    height: int | None = None
    quality: int = QUALITY
    cursor: bool | None = None


class Shot(NamedTuple):
    """Which picture is taken.

    Attributes:
        cursor: as `ImageKind` has it.
        hops: how many proxies the request has come by.
    """

    vm: VMAddress
    cursor: bool | None = None
    hops: int = 0


class Image(NamedTuple):
    """An image of a screen.

    Attributes:
        tag: names what it shows and how; equal tags are equal images.
        age: seconds since its picture was taken.
        data: the file; empty where the caller has an image with this tag.
    """

    tag: str
    age: float
    data: bytes
