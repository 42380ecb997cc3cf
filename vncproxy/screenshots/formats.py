"""The formats of images."""

from __future__ import annotations

from enum import Enum


class ImageFormat(Enum):
    """The format of an image; the values are Pillow's names in lower case."""

    PNG = "png"
    JPEG = "jpeg"
    WEBP = "webp"

    @property
    def media_type(self) -> str:
        """As ``Content-Type`` has it."""
        return f"image/{self.value}"
