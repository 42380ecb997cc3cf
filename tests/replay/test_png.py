"""Images in playable copies have the pixels that were put into them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.replay.encoding import RECTANGLE, TightEncoder
from vncproxy.replay.png import png
from vncproxy.screen.tight import paste_image

TIGHT, TIGHT_PNG = 7, -260


def noise(height: int, width: int) -> NDArray[np.uint8]:
    return np.random.default_rng(height * width).integers(0, 256, (height, width, 3), np.uint8)


class PNGTests(SynchronousTestCase):
    def test_pixels_of_any_size(self) -> None:
        for height, width in ((1, 1), (1, 256), (256, 1), (3, 2), (47, 256), (256, 256)):
            pixels = noise(height, width)
            found = np.zeros_like(pixels)
            paste_image(png(pixels), found)
            self.assertTrue(np.array_equal(found, pixels), (height, width))

    def test_part_of_a_screen(self) -> None:
        pixels = noise(100, 100)[10:80, 20:90]
        found = np.zeros_like(pixels)
        paste_image(png(pixels), found)
        self.assertTrue(np.array_equal(found, pixels))

    def test_the_bytes_of_one_pixel(self) -> None:
        image = png(np.array([[[1, 2, 3]]], np.uint8))
        self.assertEqual(image[:8], b"\x89PNG\r\n\x1a\n")
        header = bytes.fromhex("0000000d 49484452 00000001 00000001 08 02 00 00 00 907753de")
        self.assertEqual(image[8:33], header)
        self.assertEqual(image[-12:], bytes.fromhex("00000000 49454e44 ae426082"))


class ChoiceTests(SynchronousTestCase):
    def encoding(self, pixels: NDArray[np.uint8]) -> int:
        (rectangle,) = TightEncoder().rectangles(pixels, 0, 0)
        return int(RECTANGLE.unpack_from(rectangle)[4])

    def test_noise_is_an_image(self) -> None:
        self.assertEqual(self.encoding(noise(64, 64)), TIGHT_PNG)

    def test_what_repeats_is_not(self) -> None:
        self.assertEqual(self.encoding(np.tile(noise(32, 32), (4, 4, 1))), TIGHT)

    def test_a_gradient_is_one(self) -> None:
        across, down = np.meshgrid(np.arange(256), np.arange(256))
        gradient = np.dstack((across, down, across + down)).astype(np.uint8)
        self.assertEqual(self.encoding(gradient), TIGHT_PNG)

    def test_small_pictures_are_not(self) -> None:
        self.assertEqual(self.encoding(noise(63, 64)), TIGHT)
