"""A picture as PNG, JPEG or WebP."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Final

from PIL import Image

from ..screen import Picture
from .formats import ImageFormat

QUALITY = 85
"""Of JPEG and WebP."""

_LARGEST_SIDE: Final[Mapping[ImageFormat, int]] = {
    ImageFormat.JPEG: 65500,
    ImageFormat.WEBP: 16383,
}
"""Pixels of an image's width and height that an encoder takes; PNG has no such limit."""


def encode_image(picture: Picture, kind: ImageFormat, width: int | None = None) -> bytes:
    """Return a picture as an image.

    Args:
        picture: has pixels.
        width: the most pixels from left to right; the height follows. An image is never enlarged,
            and made smaller where its format cannot have its size.
    """
    image = Image.fromarray(picture.pixels, "RGB")
    size = _size(image.width, image.height, kind, width)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, kind.value, quality=QUALITY)
    return buffer.getvalue()


def _size(width: int, height: int, kind: ImageFormat, wanted: int | None) -> tuple[int, int]:
    """Return the width and height of an image of a screen."""
    scale = min(1.0, (wanted or width) / width)
    if kind in _LARGEST_SIDE:
        scale = min(scale, _LARGEST_SIDE[kind] / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
