"""Which messages pass beside the filter: with them, the same arrives and the same is released."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.viewer_messages import (
    EXTENDED_CLIPBOARD,
    FENCE,
    GII,
    KEY,
    POINTER,
    QEMU_KEY,
    REQUEST_UPDATE,
    SIZE,
    SOUND_ON,
    cut_text,
    extended,
    provide,
    set_encodings,
)
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import ViewerMessageRefused
from vncproxy.filters.guard import Guard
from vncproxy.filters.held import MOST_KEYS
from vncproxy.filters.rules import rules_for
from vncproxy.filters.to_server import ViewerFilter
from vncproxy.interfaces import IGuard
from vncproxy.model import Clipboard, Mode, Policy
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_messages import FormatChanges

MOVE = bytes.fromhex("05 00 0010 0020")
KEY_UP = bytes.fromhex("04 00 0000 00000041")
NO_PIXELS = bytes.fromhex("03 01 0000 0000 0000 0258")
SHORT = (KEY, KEY_UP, POINTER, MOVE, QEMU_KEY, REQUEST_UPDATE)
LONG = (
    NO_PIXELS,
    FENCE,
    GII,
    SIZE,
    SOUND_ON,
    cut_text(KEY * 3),
    set_encodings(0, EXTENDED_CLIPBOARD, -258),
    provide(MOVE),
    extended(1 << 27 | 1),
)


def viewer_filter(**policy: object) -> ViewerFilter:
    return ViewerFilter(rules_for(Policy(**policy)))  # type: ignore[arg-type]


class Relayed:
    """A viewer's bytes by the way that a relay chooses."""

    def __init__(self, stage: ViewerFilter) -> None:
        self.stage = stage
        self.beside = 0

    def send(self, data: bytes) -> bytes:
        buffer = bytearray(b"head" + data + b"tail")
        if self.stage.guard.passes(buffer, 4, 4 + len(data)):
            self.beside += 1
            return bytes(buffer[4:-4])
        return self.stage.process(data)


class SameTests(SynchronousTestCase):
    @given(
        st.lists(st.sampled_from(SHORT + LONG), min_size=1, max_size=12),
        st.lists(st.integers(1, 60), max_size=40),
        st.sets(st.integers(0, 20), max_size=4),
        st.sampled_from([Mode.CONTROL, Mode.VIEW_ONLY]),
    )
    def test_whatever_pieces_come_and_whenever_the_mode_changes(
        self, messages: list[bytes], cuts: list[int], changes: set[int], mode: Mode
    ) -> None:
        beside, alone = (viewer_filter(mode=mode) for _ in range(2))
        relayed, data, view_only = Relayed(beside), b"".join(messages), mode is Mode.VIEW_ONLY
        for number, size in enumerate([*cuts, len(data)]):
            piece, data = data[:size], data[size:]
            if not piece:
                break
            if number in changes:
                view_only = not view_only
                released = beside.set_view_only(view_only)
                self.assertEqual(released, alone.set_view_only(view_only))
            try:
                expected = alone.process(piece)
            except ViewerMessageRefused as e:
                with self.assertRaises(ViewerMessageRefused) as caught:
                    relayed.send(piece)
                self.assertEqual(caught.exception.detail, e.detail)
                return
            self.assertEqual(relayed.send(piece), expected)
        self.assertEqual(beside.set_view_only(True), alone.set_view_only(True))


class GuardTests(SynchronousTestCase):
    def passes(self, stage: ViewerFilter, data: bytes) -> bool:
        return stage.guard.passes(bytearray(data), 0, len(data))

    def test_it_provides_the_interface(self) -> None:
        verifyObject(IGuard, viewer_filter().guard)

    def test_whole_messages_of_the_commonest_types_pass(self) -> None:
        for data in (*SHORT, b"".join(SHORT)):
            self.assertTrue(self.passes(viewer_filter(), data), data)

    def test_nothing_else_does(self) -> None:
        for data in (*LONG, KEY[:-1], KEY + KEY[:3], MOVE + FENCE, MOVE + NO_PIXELS, b"\5"):
            self.assertFalse(self.passes(viewer_filter(), data), data)

    def test_nothing_passes_within_a_message(self) -> None:
        for begun in (KEY[:3], cut_text(KEY * 2)[:9], set_encodings(0)[:5]):
            stage = viewer_filter()
            stage.process(begun)
            self.assertFalse(self.passes(stage, MOVE), begun)
            self.assertFalse(stage.guard.is_quiet)

    def test_nothing_passes_where_the_user_views_or_the_server_s_messages_are_parsed(self) -> None:
        formats = FormatChanges(PixelFormat())
        parsed = ViewerFilter(rules_for(Policy(clipboard=Clipboard.NONE)), formats)
        for stage in (viewer_filter(mode=Mode.VIEW_ONLY), parsed):
            self.assertFalse(self.passes(stage, MOVE))
            self.assertFalse(stage.guard.is_quiet)

    def test_nothing_passes_after_a_message_that_was_refused(self) -> None:
        stage = viewer_filter()
        self.assertRaises(ViewerMessageRefused, stage.process, b"\xee")

        self.assertFalse(self.passes(stage, MOVE))
        self.assertFalse(stage.guard.is_quiet)

    def test_it_is_quiet_while_no_button_is_held(self) -> None:
        stage = viewer_filter()
        seen = [stage.guard.is_quiet]
        for data in (POINTER, MOVE):
            self.passes(stage, data)
            seen.append(stage.guard.is_quiet)
        for data in (POINTER + FENCE, MOVE + FENCE):
            stage.process(data)
            seen.append(stage.guard.is_quiet)

        self.assertEqual(seen, [True, False, True, False, True])

    def test_more_keys_than_are_kept_go_to_the_filter_which_releases_the_oldest(self) -> None:
        stage = viewer_filter()
        for number in range(MOST_KEYS):
            key = bytes([4, 1, 0, 0]) + number.to_bytes(4, "big")
            self.assertTrue(self.passes(stage, key))

        self.assertFalse(self.passes(stage, KEY))
        self.assertEqual(stage.process(KEY), bytes([4]) + bytes(7) + KEY)

    def test_an_unused_one_lets_nothing_pass(self) -> None:
        guard = Guard(viewer_filter()._held)

        self.assertFalse(guard.passes(bytearray(MOVE), 0, len(MOVE)))
