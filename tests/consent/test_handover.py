from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.consent.handover import ViewerState
from vncproxy.errors import ViewerCannotResize
from vncproxy.rfb import encodings as e
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_init import ServerInit


def init(width: int, height: int, name: str = "vm") -> bytes:
    return ServerInit(width, height, PixelFormat(), name).pack()


class ViewerStateTests(SynchronousTestCase):
    def test_a_viewer_that_said_nothing_has_the_format_of_our_own_server_init(self) -> None:
        asked = ViewerState().for_server(init(640, 400))
        self.assertEqual(asked[:20], bytes(4) + PixelFormat().pack())
        self.assertEqual(asked[20:], bytes.fromhex("03 00 0000 0000 0280 0190"))

    def test_the_same_size_and_name_need_no_message(self) -> None:
        state = ViewerState(offered=frozenset({e.DESKTOP_SIZE, e.DESKTOP_NAME}))
        self.assertEqual(state.for_viewer(init(800, 600), (800, 600), "vm"), b"")

    def test_desktop_size_is_preferred_since_it_promises_nothing(self) -> None:
        state = ViewerState(offered=frozenset({e.DESKTOP_SIZE, e.EXTENDED_DESKTOP_SIZE}))
        expected = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 1024, 768, -223)
        self.assertEqual(state.for_viewer(init(1024, 768), (800, 600), "vm"), expected)

    def test_a_viewer_that_cannot_resize_shows_what_fits(self) -> None:
        self.assertEqual(ViewerState().for_viewer(init(720, 400), (800, 600), "vm"), b"")
        for size in ((801, 600), (800, 601)):
            with self.assertRaises(ViewerCannotResize):
                ViewerState().for_viewer(init(*size), (800, 600), "vm")
