"""Which pixel format an update has, while the viewer changes it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import DownstreamViolation, UpstreamViolation
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_messages import FormatChanges
from vncproxy.rfb.server_messages.format_changes import (
    FEW_FENCES,
    MAX_FENCES,
    REQUEST,
    SYNC_NEXT,
    SYNCHRONISE,
)

WIDE = PixelFormat()
BLUE_FIRST = PixelFormat(red_shift=0, blue_shift=16)
NARROW = PixelFormat(16, 16, False, True, 31, 63, 31, 11, 5, 0)
TINY = PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6)


class Unsearchable(deque[Any]):
    """A deque that cannot be iterated over."""

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("all fences were looked at")


class FormatTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.formats = FormatChanges(WIDE)

    def update(self, *, pixels: bool = True) -> int:
        """Return the size of a pixel in an update that comes now."""
        size = self.formats.begin_update().pixel
        if pixels:
            self.formats.note_pixels()
        self.formats.end_update()
        return size

    def refused(self, pixels: PixelFormat = NARROW) -> None:
        error = self.assertRaises(DownstreamViolation, self.formats.change_format, pixels)
        self.assertEqual(error.detail, "a pixel format while an update may still come")


class QuietTests(FormatTestCase):
    def test_before_the_first_request(self) -> None:
        self.assertEqual(self.formats.change_format(NARROW), b"")
        self.assertEqual(self.formats.change_format(TINY), b"")

        self.formats.request_update()

        self.assertEqual(self.update(), 1)

    def test_after_each_request_was_answered(self) -> None:
        self.formats.request_update()
        self.assertEqual(self.update(), 4)
        self.formats.change_format(NARROW)
        self.formats.request_update()
        self.assertEqual(self.update(), 2)

    def test_while_the_answer_is_coming(self) -> None:
        self.formats.request_update()
        size = self.formats.begin_update().pixel
        self.formats.change_format(NARROW)
        self.formats.note_pixels()
        self.formats.end_update()

        self.assertEqual((size, self.update()), (4, 2))

    def test_an_answer_that_turns_out_to_have_no_pixels(self) -> None:
        self.formats.request_update()
        self.formats.begin_update()
        self.formats.change_format(NARROW)

        self.assertRaises(UpstreamViolation, self.formats.end_update)

    def test_while_an_update_may_come(self) -> None:
        self.formats.request_update()
        self.refused()

    def test_an_update_without_pixels_answers_nothing(self) -> None:
        self.formats.request_update()
        self.update(pixels=False)
        self.refused()

    def test_one_update_answers_one_request(self) -> None:
        self.formats.request_update()
        self.formats.request_update()
        self.formats.begin_update()
        self.formats.note_pixels()
        self.refused()

    def test_a_format_of_the_same_sizes_may_come_at_any_time(self) -> None:
        self.formats.request_update()

        self.assertEqual(self.formats.change_format(BLUE_FIRST), b"")


class FenceTests(FormatTestCase):
    def fence(self, payload: bytes = b"", flags: int = REQUEST | SYNC_NEXT) -> None:
        self.formats.send_fence(flags, payload)

    def answered(self, payload: bytes = b"", flags: int = SYNC_NEXT) -> bool:
        self.formats.receive_fence(flags, payload)
        return self.formats.take_own_answer()

    def test_the_format_changes_with_the_answer(self) -> None:
        self.formats.request_update()
        self.fence(b"a")
        self.assertEqual(self.formats.change_format(NARROW), b"")

        self.assertEqual(self.update(), 4)
        self.assertFalse(self.answered(b"a"))
        self.assertEqual(self.update(), 2)

    def test_another_message_between_them_spoils_it(self) -> None:
        for between in (
            lambda: self.formats.send_other(),
            lambda: self.formats.request_update(),
            lambda: self.fence(b"b", REQUEST),
            lambda: self.fence(b"b", 0),
        ):
            self.setUp()
            self.formats.request_update()
            self.fence()
            between()
            self.refused()

    def test_two_changes_each_with_their_fence(self) -> None:
        self.formats.request_update()
        self.fence(b"a")
        self.formats.change_format(NARROW)
        self.fence(b"b")
        self.formats.change_format(TINY)

        sizes = [self.update()]
        for payload in (b"a", b"b"):
            self.answered(payload)
            sizes.append(self.update())

        self.assertEqual(sizes, [4, 2, 1])

    def test_a_fence_of_the_proxy_where_the_viewer_sent_none(self) -> None:
        self.answered(b"announced", REQUEST)
        self.formats.request_update()

        self.assertEqual(self.formats.change_format(NARROW), SYNCHRONISE)
        self.assertEqual(self.formats.change_format(TINY), SYNCHRONISE)

        self.assertEqual(self.update(), 4)
        self.assertTrue(self.answered())
        self.assertFalse(self.formats.take_own_answer())
        self.assertEqual(self.update(), 2)
        self.assertTrue(self.answered())
        self.assertEqual(self.update(), 1)

    def test_the_proxy_s_fence_is_one_as_viewers_send_it(self) -> None:
        self.assertEqual(SYNCHRONISE, bytes.fromhex("f8 000000 80000004 00"))

    def test_fences_are_answered_in_their_order(self) -> None:
        for payload in (b"a", b"b", b"c"):
            self.fence(payload, REQUEST)
        self.answered(b"a", 0)
        self.assertRaises(UpstreamViolation, self.answered, b"c", 0)

    def test_a_fence_behind_one_with_sync_next_may_be_answered_first(self) -> None:
        self.fence(b"a")
        self.fence(b"b", REQUEST)
        self.answered(b"b", 0)
        self.answered(b"a")
        self.assertRaises(UpstreamViolation, self.answered, b"a")

    def test_no_fence_is_answered_before_one_that_changes_the_format(self) -> None:
        self.fence(b"a")
        self.formats.change_format(NARROW)
        self.fence(b"b", REQUEST)

        self.assertRaises(UpstreamViolation, self.answered, b"b", 0)

    def test_an_answer_that_does_not_synchronise(self) -> None:
        self.fence(b"a")
        self.formats.change_format(NARROW)

        self.assertRaises(UpstreamViolation, self.answered, b"a", 0)

    def test_a_second_sync_next_directly_behind_the_first(self) -> None:
        self.fence(b"a")
        self.assertRaises(DownstreamViolation, self.fence, b"b")

    def test_too_many_without_an_answer(self) -> None:
        self.answered(b"announced", REQUEST)
        for _ in range(MAX_FENCES):
            self.fence(b"", REQUEST)
        self.assertRaises(DownstreamViolation, self.fence, b"", REQUEST)

    def test_few_where_the_server_has_sent_none(self) -> None:
        for _ in range(FEW_FENCES):
            self.fence(b"", REQUEST)
        self.assertRaises(DownstreamViolation, self.fence, b"", REQUEST)

    def test_changes_without_fences_again_when_all_are_answered(self) -> None:
        self.fence(b"a")
        self.formats.change_format(NARROW)
        self.answered(b"a")

        self.assertEqual(self.formats.change_format(TINY), b"")
        self.assertEqual(self.update(), 1)

    def test_no_change_without_a_fence_while_one_with_a_format_is_open(self) -> None:
        self.fence(b"a")
        self.formats.change_format(NARROW)
        self.refused(TINY)

    def test_many_changes_while_many_fences_are_open_take_no_longer(self) -> None:
        """The open fences are counted, not looked at: a viewer may send many of both."""
        self.answered(b"announced", REQUEST)
        for _ in range(MAX_FENCES):
            self.fence(b"", REQUEST)
        self.formats._fences = Unsearchable(self.formats._fences)

        self.assertEqual(self.formats.change_format(NARROW), b"")


class CursorTests(FormatTestCase):
    """Cursors come unasked, so one of before a change may come behind it."""

    def setUp(self) -> None:
        super().setUp()
        self.formats.announce_cursors()

    def cursor(self, *, asked: bool = False) -> None:
        self.formats.begin_update()
        self.formats.note_cursor(asked=asked)

    def uncertain(self, *, asked: bool = False) -> None:
        error = self.assertRaises(UpstreamViolation, self.cursor, asked=asked)
        self.assertEqual(error.detail, "a cursor while the pixel format changed")

    def test_before_the_next_pixels(self) -> None:
        self.formats.change_format(NARROW)
        self.uncertain()
        self.uncertain(asked=True)
        self.formats.request_update()
        self.uncertain()

    def test_behind_the_next_pixels(self) -> None:
        self.formats.change_format(NARROW)
        self.formats.request_update()
        self.assertEqual(self.update(), 2)

        self.cursor()

    def test_of_an_update_that_was_requested(self) -> None:
        for _ in range(2):
            self.formats.change_format(NARROW)
            self.formats.request_update()
            self.cursor(asked=True)
            self.formats.note_pixels()
            self.formats.note_cursor(asked=True)
            self.formats.end_update()
            self.formats.change_format(TINY)

    def test_of_an_update_that_turns_out_to_have_no_pixels(self) -> None:
        self.formats.change_format(NARROW)
        self.formats.request_update()
        self.cursor(asked=True)

        self.assertRaises(UpstreamViolation, self.formats.end_update)

    def test_of_an_update_that_began_before_the_change(self) -> None:
        self.formats.begin_update()
        self.formats.change_format(NARROW)
        self.formats.note_cursor(asked=False)
        self.formats.note_pixels()
        self.formats.end_update()

        self.uncertain()

    def test_no_second_change_within_an_update_that_is_uncertain(self) -> None:
        self.formats.change_format(NARROW)
        self.formats.request_update()
        self.formats.begin_update()

        self.refused(TINY)

    def test_a_format_before_the_encodings(self) -> None:
        """As honest viewers begin: the console has it before it sends the first cursor."""
        self.formats = FormatChanges(WIDE)
        self.formats.change_format(NARROW)
        self.formats.announce_cursors()

        self.cursor()

    def test_a_fence_makes_it_exact_where_the_server_knows_them(self) -> None:
        self.formats.change_format(TINY)
        self.formats.receive_fence(REQUEST, b"announced")

        self.assertEqual(self.formats.change_format(NARROW), SYNCHRONISE)
        self.uncertain()
        self.formats.receive_fence(SYNC_NEXT, b"")
        self.cursor()
        self.assertEqual(self.update(), 2)


class ContinuousTests(FormatTestCase):
    def test_not_before_the_server_has_announced_them(self) -> None:
        self.assertRaises(DownstreamViolation, self.formats.enable_continuous_updates, True)

    def test_no_format_while_they_are_on(self) -> None:
        self.formats.end_continuous_updates()
        self.formats.enable_continuous_updates(True)
        self.refused()

    def test_a_format_when_the_last_of_them_has_come(self) -> None:
        self.formats.end_continuous_updates()
        self.formats.enable_continuous_updates(False)
        for enabled in (True, False, True, False):
            self.formats.enable_continuous_updates(enabled)
        self.formats.end_continuous_updates()
        self.refused()
        self.formats.end_continuous_updates()

        self.assertEqual(self.formats.change_format(TINY), b"")
        self.assertEqual(self.update(), 1)
