"""Which images may remain as they came: those that no browser fails to decode."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.replay.jpeg import is_plain_jpeg
from vncproxy.screen.tight import paste_image

WIDTH, HEIGHT = 40, 24
PIXELS = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), np.uint8)


def jpeg(mode: str = "RGB", **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(PIXELS, "RGB").convert(mode).save(buffer, "JPEG", **options)
    return buffer.getvalue()


PLAIN = jpeg()


class PlainTests(SynchronousTestCase):
    def test_what_servers_send(self) -> None:
        for data in (
            *(jpeg(quality=quality) for quality in (1, 50, 95, 100)),
            *(jpeg(subsampling=chosen) for chosen in ("4:4:4", "4:2:2", "4:2:0")),
            *(jpeg(optimize=True), jpeg("L"), jpeg(restart_marker_blocks=2)),
        ):
            self.assertTrue(is_plain_jpeg(data, WIDTH, HEIGHT))

    def test_what_browsers_may_show_differently(self) -> None:
        exif = Image.Exif()
        exif[0x0112] = 6  # the orientation
        for data in (
            jpeg(exif=exif),
            jpeg(icc_profile=b"profile"),
            jpeg(progressive=True),
            jpeg("CMYK"),
        ):
            self.assertFalse(is_plain_jpeg(data, WIDTH, HEIGHT))

    def test_another_size(self) -> None:
        self.assertFalse(is_plain_jpeg(PLAIN, HEIGHT, WIDTH))

    def test_images_that_were_cut_off(self) -> None:
        for size in range(len(PLAIN)):
            self.assertFalse(is_plain_jpeg(PLAIN[:size], WIDTH, HEIGHT))

    def test_tables_that_are_missing(self) -> None:
        for marker in (b"\xff\xdb", b"\xff\xc4", b"\xff\xc0"):
            at = PLAIN.index(marker)
            size = 2 + int.from_bytes(PLAIN[at + 2 : at + 4], "big")
            self.assertFalse(is_plain_jpeg(PLAIN[:at] + PLAIN[at + size :], WIDTH, HEIGHT))

    @given(st.data())
    def test_a_plain_image_is_decoded_whatever_its_head_has(self, data: st.DataObject) -> None:
        changed = bytearray(PLAIN)
        for _ in range(data.draw(st.integers(1, 3))):
            at = data.draw(st.integers(0, PLAIN.index(b"\xff\xda") + 13))
            changed[at] = data.draw(st.integers(0, 255))
        if is_plain_jpeg(bytes(changed), WIDTH, HEIGHT):
            paste_image(bytes(changed), np.zeros((HEIGHT, WIDTH, 3), np.uint8))
