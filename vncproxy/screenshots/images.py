"""A picture as PNG, JPEG or WebP."""

from __future__ import annotations

import io

from PIL import Image

from ..screen import Picture
from .formats import ImageFormat

QUALITY = 85
"""Of JPEG and WebP."""


def encode_image(picture: Picture, kind: ImageFormat, width: int | None = None) -> bytes:
    """Return a picture as an image.

    Args:
        width: the most pixels from left to right; the height follows. An image is never enlarged.
    """
    image = Image.fromarray(picture.pixels, "RGB")
    if width is not None and width < image.width:
        height = max(1, round(image.height * width / image.width))
        image = image.resize((width, height), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    image.save(buffer, kind.value, quality=QUALITY)
    return buffer.getvalue()
