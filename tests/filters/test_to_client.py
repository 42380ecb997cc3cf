"""What of a server's messages reaches the viewer."""

from __future__ import annotations

import struct
import zlib
from typing import Any

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.server_messages import MESSAGES, RECTANGLES, update
from tests.doubles.viewer_messages import (
    NOTIFY,
    PEEK,
    PROVIDE,
    REQUEST,
    TEXT,
    caps,
    extended,
    fence,
    pixel_format,
    provide,
    server_cut_text,
    set_encodings,
)
from vncproxy.errors import UpstreamViolation, ViewerMessageRefused
from vncproxy.filters.rules import rules_for
from vncproxy.filters.stages import stages_for
from vncproxy.filters.to_client import ServerFilter
from vncproxy.interfaces import IStage
from vncproxy.model import Clipboard, Direction, Mode, Policy
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_messages import FormatChanges
from vncproxy.testing import SERVER_INIT

BELL = b"\2"
SYNC_ANSWER = fence(4)


def server_filter(**policy: Any) -> ServerFilter:
    return ServerFilter(rules_for(Policy(**policy)), FormatChanges(PixelFormat()))


class ClipboardTests(SynchronousTestCase):
    """The messages that pass to the viewer by each policy."""

    MESSAGES = {
        "text": server_cut_text(b"text"),
        "caps": caps(3),
        "notify": extended(NOTIFY | TEXT, kind=3),
        "provide": provide(b"text\0", kind=3),
        "request": extended(REQUEST | TEXT, kind=3),
        "peek": extended(PEEK, kind=3),
    }

    def passing(self, **policy: Any) -> str:
        stage, passed = server_filter(**policy), []
        for name, message in self.MESSAGES.items():
            kept = stage.process(message)
            self.assertIn(kept, (message, b""))
            if kept:
                passed.append(name)
        return " ".join(passed)

    def test_it_is_a_stage(self) -> None:
        verifyObject(IStage, server_filter())

    def test_each_policy(self) -> None:
        for clipboard, passing in (
            (Clipboard.BOTH, "text caps notify provide request peek"),
            (Clipboard.TO_GUEST, "caps request peek"),
            (Clipboard.FROM_GUEST, "text caps notify provide"),
            (Clipboard.NONE, ""),
        ):
            self.assertEqual(self.passing(clipboard=clipboard), passing)

    def test_a_viewer_that_only_watches_has_the_simple_clipboard(self) -> None:
        self.assertEqual(self.passing(mode=Mode.VIEW_ONLY), "text")

    def test_the_limit(self) -> None:
        stage = server_filter(clipboard_limit=10)
        for fits, longer in (
            (server_cut_text(b"x" * 10), server_cut_text(b"x" * 11)),
            (provide(b"x" * 10, kind=3), provide(b"x" * 11, kind=3)),
        ):
            self.assertEqual(stage.process(longer + fits + BELL), fits + BELL)

    def test_what_is_no_message_of_the_extended_clipboard_is_dropped(self) -> None:
        stage = server_filter(clipboard_limit=10)
        for message in (
            extended(0, kind=3),
            extended(PROVIDE | TEXT, b"no zlib", kind=3),
            extended(PROVIDE | TEXT, zlib.compress(b"x")[:5], kind=3),
            struct.pack(">B3xi", 3, -2) + b"ab",
        ):
            self.assertEqual(stage.process(message + BELL), BELL)

    def test_a_long_one_is_not_kept(self) -> None:
        stage = server_filter(clipboard_limit=10)
        size = (1 << 20) + 1

        passed = stage.process(struct.pack(">B3xi", 3, -size))
        for _ in range(size):
            if _ % 65536 == 0:
                passed += stage.process(bytes(min(65536, size - _)))

        self.assertIsNone(stage._collected)
        self.assertEqual(passed + stage.process(BELL), BELL)


class StreamTests(SynchronousTestCase):
    def test_bytes_without_a_text_are_not_copied(self) -> None:
        stage = server_filter(clipboard=Clipboard.NONE)
        data = update(*RECTANGLES)

        self.assertIs(stage.process(data), data)

    def test_only_texts_are_missing(self) -> None:
        expected = b"".join(each for each in MESSAGES if each[0] != 3)
        whole = b"".join(MESSAGES)
        for size in (1, 3, 1000, len(whole)):
            stage = server_filter(clipboard=Clipboard.NONE)
            passed = [stage.process(whole[at : at + size]) for at in range(0, len(whole), size)]
            self.assertEqual(b"".join(passed), expected, size)

    def test_what_is_not_known_does_not_pass(self) -> None:
        stage = server_filter(clipboard=Clipboard.NONE)
        self.assertRaises(UpstreamViolation, stage.process, BELL + b"\4")


class BothDirectionsTests(SynchronousTestCase):
    def setUp(self) -> None:
        policy = Policy(clipboard=Clipboard.NONE)
        self.viewer, self.server = stages_for(policy, SERVER_INIT)

    def request(self) -> bytes:
        return self.viewer.process(bytes.fromhex("03 00 0000 0000 0010 0010"))

    def pixels(self, size: int) -> bytes:
        data = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 2, 1, 0) + bytes(2 * size) + BELL
        return self.server.process(data)

    def test_updates_have_the_format_that_the_viewer_has_set(self) -> None:
        self.viewer.process(pixel_format(16, 16, (31, 63, 31), (11, 5, 0)))
        self.request()
        self.assertEqual(self.pixels(2)[-1:], BELL)

        self.viewer.process(pixel_format(8, 8, (7, 7, 3), (0, 3, 6)))
        self.request()
        self.assertEqual(self.pixels(1)[-1:], BELL)

    def test_no_text_hides_behind_pixels_of_a_colour_map(self) -> None:
        for bits in (16, 32):
            message = pixel_format(bits, 8, true_colour=False)
            self.assertRaises(ViewerMessageRefused, self.viewer.process, message)
        self.setUp()
        self.viewer.process(pixel_format(8, 8, true_colour=False))
        self.request()
        raw = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 40, 1, 0) + bytes(40)

        self.assertEqual(self.server.process(raw + server_cut_text(b"text") + BELL), raw + BELL)

    def test_no_text_hides_behind_a_cursor_of_the_former_format(self) -> None:
        """QEMU sends cursors unasked; this one was sent before the change arrived there."""
        for encoding, masks, missed in ((-239, bytes(4), 96), (0x574D5664, b"", 192)):
            self.setUp()
            self.viewer.process(pixel_format(8, 8, (7, 7, 3), (0, 3, 6)))
            self.viewer.process(set_encodings(encoding, 0))
            head = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 8, 4, encoding)
            cursor = head + (bytes(32) + masks if masks else b"\0\0" + bytes(64))
            self.assertEqual(self.server.process(cursor + BELL), cursor + BELL)

            self.viewer.process(pixel_format())
            self.request()

            hidden = server_cut_text(b"x" * (missed - 8))
            self.assertRaises(UpstreamViolation, self.server.process, cursor + hidden + BELL)

    def test_a_cursor_and_pixels_that_answer_a_request_have_the_new_format(self) -> None:
        self.viewer.process(set_encodings(-239, 0))
        self.viewer.process(pixel_format(8, 8, (7, 7, 3), (0, 3, 6)))
        self.request()
        cursor = struct.pack(">BxHHHHHi", 0, 2, 0, 0, 8, 1, -239) + bytes(8 + 1)
        answer = cursor + struct.pack(">HHHHi", 0, 0, 5, 1, 0) + bytes(5) + BELL

        self.assertEqual(self.server.process(answer), answer)

    def test_a_change_while_an_update_may_come_is_refused(self) -> None:
        self.request()
        message = pixel_format(8, 8, (7, 7, 3), (0, 3, 6))
        self.assertRaises(ViewerMessageRefused, self.viewer.process, message)

    def test_the_proxy_s_own_fence_is_between_server_and_proxy_alone(self) -> None:
        self.server.process(fence(1 << 31, b"announced"))
        self.request()
        change = pixel_format(8, 8, (7, 7, 3), (0, 3, 6))

        self.assertEqual(self.viewer.process(change), fence(0x80000004) + change)
        self.assertEqual(self.server.process(BELL + SYNC_ANSWER + BELL), BELL + BELL)
        self.assertEqual(self.pixels(1)[-1:], BELL)

    def test_a_fence_of_the_viewer_is_answered(self) -> None:
        sent = fence(1 << 31 | 4, b"abc")
        self.assertEqual(self.viewer.process(sent), sent)
        answer = fence(4, b"abc")
        self.assertEqual(self.server.process(answer), answer)

    def test_continuous_updates_and_other_messages_pass(self) -> None:
        enable = bytes.fromhex("96 01 0000 0000 0020 0020")
        self.assertRaises(ViewerMessageRefused, self.viewer.process, enable)
        self.setUp()
        self.server.process(bytes([150]))
        for each in (enable, bytes.fromhex("04 01 0000 00000041")):
            self.assertEqual(self.viewer.process(each), each)


class StagesTests(SynchronousTestCase):
    def directions(self, *, check: bool = False, **policy: Any) -> list[Direction]:
        stages = stages_for(Policy(**policy), SERVER_INIT, check=check)
        return [stage.direction for stage in stages]

    def test_a_session_without_restrictions_has_none(self) -> None:
        self.assertEqual(stages_for(Policy(uses=0, confirm=True), b""), ())

    def test_only_the_viewer_s_messages_are_filtered_where_that_suffices(self) -> None:
        to_server, both = [Direction.TO_SERVER], [Direction.TO_SERVER, Direction.TO_CLIENT]
        for policy, expected in (
            ({"mode": Mode.VIEW_ONLY}, to_server),
            ({"clipboard": Clipboard.FROM_GUEST}, to_server),
            ({"mode": Mode.VIEW_ONLY, "clipboard": Clipboard.FROM_GUEST}, to_server),
            ({"check": True}, to_server),
            ({"clipboard": Clipboard.TO_GUEST}, both),
            ({"clipboard": Clipboard.NONE}, both),
            ({"clipboard_limit": 5}, both),
            ({"mode": Mode.VIEW_ONLY, "clipboard": Clipboard.NONE, "check": True}, both),
        ):
            self.assertEqual(self.directions(**policy), expected, policy)

    def test_a_console_with_a_pixel_format_that_cannot_exist(self) -> None:
        too_few_bits = SERVER_INIT[:4] + b"\7" + SERVER_INIT[5:]
        colour_map_of_32_bits = SERVER_INIT[:7] + b"\0" + SERVER_INIT[8:]
        policy = Policy(clipboard=Clipboard.NONE)
        for wrong in (too_few_bits, colour_map_of_32_bits):
            self.assertRaises(UpstreamViolation, stages_for, policy, wrong)
