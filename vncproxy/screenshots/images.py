"""A picture as PNG, JPEG or WebP."""

from __future__ import annotations

import io
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import numpy as np
from PIL import Image

from ..errors import UpstreamViolation
from ..screen import Picture
from .formats import ImageFormat, ImageKind
from .seen import LARGEST_AREA

_LARGEST_SIDE: Final[Mapping[ImageFormat, int]] = {
    ImageFormat.JPEG: 65500,
    ImageFormat.WEBP: 16383,
}
"""Pixels of an image's width and height that an encoder takes; PNG has no such limit."""


def encode_image(picture: Picture, kind: ImageKind) -> bytes:
    """Return a picture as an image, with the screen's proportions.

    Args:
        picture: has pixels.
        kind: an image is never enlarged, and made smaller where its format cannot have its size.
    """
    image = Image.fromarray(picture.pixels, "RGB")
    size = _size(image.width, image.height, kind)
    if size != image.size:
        image = image.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, kind.format.value, quality=kind.quality)
    return buffer.getvalue()


def decode_image(data: bytes) -> Picture:
    """Return the picture of a PNG.

    Raises:
        UpstreamViolation: it is none, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=("PNG",)) as image:
            picture = Picture(image.width, image.height, LARGEST_AREA)
            picture.pixels[:] = np.asarray(image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as e:
        raise UpstreamViolation(f"an image cannot be read: {type(e).__name__}") from e
    return picture


def digest_of(picture: Picture) -> str:
    """Return hexadecimal digits that are equal for equal pictures only."""
    digest = blake2b(f"{picture.width}x{picture.height}".encode(), digest_size=16)
    digest.update(np.ascontiguousarray(picture.pixels).data)
    return digest.hexdigest()


def _size(width: int, height: int, kind: ImageKind) -> tuple[int, int]:
    """Return the width and height of an image of a screen."""
    scale = min(1.0, (kind.width or width) / width, (kind.height or height) / height)
    if kind.format in _LARGEST_SIDE:
        scale = min(scale, _LARGEST_SIDE[kind.format] / max(width, height))
    return max(1, round(width * scale)), max(1, round(height * scale))
