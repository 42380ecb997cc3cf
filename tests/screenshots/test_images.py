"""Pictures are encoded in each format, whatever their size."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.screen import Picture
from vncproxy.screenshots.formats import ImageFormat
from vncproxy.screenshots.images import encode_image

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP


class ImageTests(SynchronousTestCase):
    def size(self, width: int, height: int, kind: ImageFormat, most: int | None = None) -> object:
        with Image.open(io.BytesIO(encode_image(Picture(width, height), kind, most))) as image:
            self.assertEqual(image.format, kind.name)
            return image.size

    def test_the_pixels(self) -> None:
        picture = Picture(3, 2)
        picture.pixels[1, 2] = (1, 2, 3)
        with Image.open(io.BytesIO(encode_image(picture, PNG))) as image:
            self.assertTrue((np.asarray(image) == picture.pixels).all())

    def test_images_are_made_smaller_and_never_larger(self) -> None:
        for kind in ImageFormat:
            self.assertEqual(self.size(40, 20, kind, 10), (10, 5))
            self.assertEqual(self.size(40, 20, kind, 100), (40, 20))
        self.assertEqual(self.size(400, 3, PNG, 7), (7, 1))

    def test_sizes_that_a_format_cannot_have(self) -> None:
        self.assertEqual(self.size(16384, 4, WEBP), (16383, 4))
        self.assertEqual(self.size(4, 32768, WEBP), (2, 16383))
        self.assertEqual(self.size(65535, 2, JPEG), (65500, 2))
        self.assertEqual(self.size(65535, 2, PNG), (65535, 2))
        self.assertEqual(self.size(16384, 4, WEBP, 100), (100, 1))
