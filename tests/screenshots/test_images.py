"""Pictures are encoded in each format, whatever their size."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.screen import Picture
from vncproxy.screenshots.formats import ImageFormat, ImageKind
from vncproxy.screenshots.images import digest_of, encode_image

PNG, JPEG, WEBP = ImageFormat.PNG, ImageFormat.JPEG, ImageFormat.WEBP


class ImageTests(SynchronousTestCase):
    def size(
        self,
        width: int,
        height: int,
        to: ImageFormat,
        width_of: int | None = None,
        height_of: int | None = None,
    ) -> object:
        kind = ImageKind(to, width_of, height_of)
        with Image.open(io.BytesIO(encode_image(Picture(width, height), kind))) as image:
            self.assertEqual(image.format, to.name)
            return image.size

    def test_the_pixels(self) -> None:
        picture = Picture(3, 2)
        picture.pixels[1, 2] = (1, 2, 3)
        with Image.open(io.BytesIO(encode_image(picture, ImageKind(PNG)))) as image:
            self.assertTrue((np.asarray(image) == picture.pixels).all())

    def test_images_are_made_smaller_and_never_larger(self) -> None:
        for kind in ImageFormat:
            self.assertEqual(self.size(40, 20, kind, 10), (10, 5))
            self.assertEqual(self.size(40, 20, kind, 100), (40, 20))
        self.assertEqual(self.size(400, 3, PNG, 7), (7, 1))
        self.assertEqual(self.size(40, 20, PNG, None, 5), (10, 5))
        self.assertEqual(self.size(40, 20, PNG, 20, 5), (10, 5))
        self.assertEqual(self.size(40, 20, PNG, 10, 15), (10, 5))
        self.assertEqual(self.size(40, 20, PNG, 16384, 16384), (40, 20))

    def test_sizes_that_a_format_cannot_have(self) -> None:
        self.assertEqual(self.size(16384, 4, WEBP), (16383, 4))
        self.assertEqual(self.size(4, 32768, WEBP), (2, 16383))
        self.assertEqual(self.size(65535, 2, JPEG), (65500, 2))
        self.assertEqual(self.size(65535, 2, PNG), (65535, 2))
        self.assertEqual(self.size(16384, 4, WEBP, 100), (100, 1))

    def test_a_lower_quality_makes_smaller_files(self) -> None:
        picture = Picture(64, 64)
        picture.pixels[:] = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
        for each in (JPEG, WEBP):
            sizes = [
                len(encode_image(picture, ImageKind(each, quality=quality)))
                for quality in (1, 50, 100)
            ]
            self.assertEqual(sizes, sorted(set(sizes)))

    def test_digests(self) -> None:
        same, other, turned = Picture(3, 2), Picture(3, 2), Picture(2, 3)
        self.assertEqual(digest_of(Picture(3, 2)), digest_of(same))
        other.pixels[1, 2, 0] = 1
        self.assertEqual(len({digest_of(each) for each in (same, other, turned)}), 3)
