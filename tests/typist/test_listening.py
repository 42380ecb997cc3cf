from __future__ import annotations

import contextlib
import struct

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import VNCProxyError
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import ServerInit
from vncproxy.typist.listening import Listening

INIT = ServerInit(640, 400, PixelFormat(), "a desktop").pack()
PIXEL = struct.pack(">HHHHi4x", 0, 0, 1, 1, 0)
KEYS = struct.pack(">HHHHi", 0, 0, 640, 400, -258)


def update(*rectangles: bytes) -> bytes:
    return struct.pack(">BxH", 0, len(rectangles)) + b"".join(rectangles)


class ListeningTests(SynchronousTestCase):
    def listen(self, *pieces: bytes) -> Listening:
        listening = Listening()
        for piece in pieces:
            listening.receive(piece)
        return listening

    def test_a_server_that_takes_scan_codes_says_so(self) -> None:
        self.assertTrue(self.listen(INIT, update(KEYS)).takes_codes)
        self.assertTrue(self.listen(INIT + update(PIXEL, KEYS)).takes_codes)
        self.assertFalse(self.listen(INIT, update(PIXEL)).takes_codes)

    def test_updates_are_counted_once_they_are_whole(self) -> None:
        whole = INIT + update(PIXEL) + b"\x02" + update(KEYS)

        self.assertEqual(self.listen(whole[:-1]).updates, 1)
        self.assertEqual(self.listen(whole).updates, 2)

    def test_byte_for_byte(self) -> None:
        whole = INIT + update(KEYS, PIXEL)
        listening = self.listen(*(bytes([byte]) for byte in whole))

        self.assertEqual((listening.greeted, listening.takes_codes), (True, True))
        self.assertEqual(listening.updates, 1)

    def test_a_long_update_is_not_kept(self) -> None:
        pixels = struct.pack(">HHHHi", 0, 0, 640, 400, 0) + bytes(640 * 400 * 4)
        listening = self.listen(INIT, update(pixels, KEYS))

        self.assertEqual((listening.updates, listening.takes_codes), (1, False))

    @given(st.lists(st.binary(max_size=64), max_size=8), st.booleans())
    def test_random_bytes_are_an_error_of_ours_at_most(
        self, pieces: list[bytes], greeted: bool
    ) -> None:
        with contextlib.suppress(VNCProxyError):
            self.listen(*([INIT] if greeted else []), *pieces)
