"""What of a viewer's messages reaches the console."""

from __future__ import annotations

import struct

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.viewer_messages import (
    CAPS,
    CONTROLLING,
    EXTENDED_CLIPBOARD,
    FENCE,
    KEY,
    NOTIFY,
    PEEK,
    POINTER,
    REQUEST,
    SOUND,
    TEXT,
    WATCHING,
    caps,
    cut_text,
    extended,
    pixel_format,
    provide,
    set_encodings,
)
from vncproxy.filters.rules import rules_for
from vncproxy.filters.to_server import ViewerFilter
from vncproxy.interfaces import IStage
from vncproxy.model import Clipboard, Mode, Policy


def viewer_filter(**policy: object) -> ViewerFilter:
    return ViewerFilter(rules_for(Policy(**policy)))  # type: ignore[arg-type]


def view_only() -> ViewerFilter:
    return viewer_filter(mode=Mode.VIEW_ONLY)


def announced(encodings: bytes) -> tuple[int, ...]:
    kind, count = struct.unpack_from(">BxH", encodings)
    assert kind == 2
    return struct.unpack(f">{count}i", encodings[4:])


class ViewOnlyTests(SynchronousTestCase):
    def test_it_is_a_stage(self) -> None:
        verifyObject(IStage, view_only())

    def test_nothing_that_controls_the_machine_passes(self) -> None:
        for message in (*CONTROLLING, cut_text(b"text"), caps(), provide(b"text\0")):
            self.assertEqual(view_only().process(message), b"", message)

    def test_what_shows_the_machine_passes(self) -> None:
        for message in (*WATCHING, pixel_format()):
            self.assertEqual(view_only().process(message), message)

    def test_messages_around_those_that_are_dropped_pass(self) -> None:
        stage = view_only()
        text = cut_text(b"x" * 100_000)

        passed = stage.process(KEY + FENCE + text[:50]) + stage.process(text[50:] + FENCE + POINTER)

        self.assertEqual(passed, FENCE + FENCE)

    def test_a_byte_at_a_time_gives_the_same(self) -> None:
        stage = view_only()
        messages = [*CONTROLLING, *WATCHING, cut_text(b"text"), *WATCHING]

        passed = [stage.process(bytes([byte])) for byte in b"".join(messages)]

        self.assertEqual(b"".join(passed), b"".join(WATCHING) * 2)

    def test_a_viewer_announces_nothing_by_which_it_would_control(self) -> None:
        pixels = (7, 16, 5, 0, -223, -239, -308)
        control = (-309, -305, -258, -259, EXTENDED_CLIPBOARD)

        passed = view_only().process(set_encodings(*pixels, *control))

        self.assertEqual(announced(passed), pixels)

    def test_no_message_that_a_server_reads_as_a_key_passes(self) -> None:
        """To bhyve all of 255 are keys of 12 bytes; 127 may have any length and content."""
        enter = bytes.fromhex("04 01 0000 0000ff0d")
        for message in (*SOUND, bytes.fromhex("7f 04 000c") + enter, bytes.fromhex("7f 04 0004")):
            self.assertEqual(view_only().process(message), b"", message)
        self.assertEqual(
            viewer_filter(clipboard_limit=10).process(b"".join(SOUND)), b"".join(SOUND)
        )


class PaddingTests(SynchronousTestCase):
    """What a viewer puts into bytes that have no meaning does not reach the console."""

    def test_of_a_pixel_format(self) -> None:
        sent, padded = pixel_format(), bytearray(pixel_format())
        padded[1:4] = b"\x04\x01\x04"
        padded[-3:] = b"\x00\x04\x01"

        for stage in (view_only(), viewer_filter(clipboard_limit=10)):
            self.assertEqual(stage.process(bytes(padded)), sent)

    def test_of_encodings(self) -> None:
        self.assertEqual(
            view_only().process(b"\2\4" + set_encodings(7, 0)[2:]), set_encodings(7, 0)
        )


class EncodingTests(SynchronousTestCase):
    def test_what_is_not_known_is_not_announced(self) -> None:
        passed = viewer_filter(clipboard_limit=10).process(set_encodings(1000, 7, 0x7FFFFFFF, 0))

        self.assertEqual(announced(passed), (7, 0))

    def test_longer_pointer_events_are_not_announced(self) -> None:
        self.assertEqual(announced(viewer_filter().process(set_encodings(-316, 0))), (0,))

    def test_levels_and_extensions_stay_in_their_order(self) -> None:
        encodings = (-26, -247, 16, -312, -313, -224, -307, -500, -768, -305, -309, -258, -259)

        passed = viewer_filter().process(set_encodings(*encodings))

        self.assertEqual(announced(passed), encodings)

    def test_no_encodings_at_all_are_raw_alone(self) -> None:
        for encodings in ((), (1000,)):
            passed = viewer_filter().process(set_encodings(*encodings))
            self.assertEqual(announced(passed), (0,))


class ClipboardTests(SynchronousTestCase):
    """The messages that pass to the guest by each policy, of those that a viewer sends."""

    MESSAGES = {
        "text": cut_text(b"text"),
        "caps": caps(),
        "notify": extended(NOTIFY | TEXT),
        "provide": provide(b"text\0"),
        "request": extended(REQUEST | TEXT),
        "peek": extended(PEEK),
    }

    def passing(self, **policy: object) -> str:
        stage, passed = viewer_filter(**policy), []
        stage.process(set_encodings(EXTENDED_CLIPBOARD))
        for name, message in self.MESSAGES.items():
            kept = stage.process(message)
            self.assertIn(kept, (message, b""))
            if kept:
                passed.append(name)
        return " ".join(passed)

    def test_each_policy(self) -> None:
        for clipboard, passing in (
            (Clipboard.BOTH, "text caps notify provide request peek"),
            (Clipboard.TO_GUEST, "text caps notify provide"),
            (Clipboard.FROM_GUEST, "caps request peek"),
            (Clipboard.NONE, ""),
        ):
            self.assertEqual(self.passing(clipboard=clipboard), passing)
            self.assertEqual(self.passing(clipboard=clipboard, mode=Mode.VIEW_ONLY), "")

    def test_the_extended_one_is_announced_unless_nothing_may_pass(self) -> None:
        for clipboard in Clipboard:
            passed = viewer_filter(clipboard=clipboard).process(set_encodings(EXTENDED_CLIPBOARD))
            expected = (0,) if clipboard is Clipboard.NONE else (EXTENDED_CLIPBOARD,)
            self.assertEqual(announced(passed), expected)

    def test_a_text_over_the_limit_is_dropped_and_the_next_one_passes(self) -> None:
        stage = viewer_filter(clipboard_limit=10)
        stage.process(set_encodings(EXTENDED_CLIPBOARD))
        for fits, longer in (
            (cut_text(b"x" * 10), cut_text(b"x" * 11)),
            (provide(b"x" * 10), provide(b"x" * 11)),
            (provide(b"x" * 5, b"y" * 5), provide(b"x" * 5, b"y" * 6)),
        ):
            self.assertEqual(stage.process(longer + fits + KEY), fits + KEY)

    def test_an_extended_text_passes_whole_whatever_pieces_it_came_in(self) -> None:
        stage = viewer_filter()
        message = provide(bytes(range(256)) * 400)
        stage.process(set_encodings(EXTENDED_CLIPBOARD))

        passed = [stage.process(bytes([byte])) for byte in message + KEY]

        self.assertEqual(b"".join(passed), message + KEY)
        self.assertEqual(passed[len(message) - 1], message)
        self.assertEqual(stage._collected, b"")

    def test_caps_have_a_size_for_each_format(self) -> None:
        stage = viewer_filter()
        stage.process(set_encodings(EXTENDED_CLIPBOARD))
        message = extended(CAPS | 0b10011, bytes(12))

        self.assertEqual(stage.process(message), message)
