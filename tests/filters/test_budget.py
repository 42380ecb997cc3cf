"""Texts that are long once they are decompressed: how many a session may send."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.viewer_messages import EXTENDED_CLIPBOARD, KEY, provide, set_encodings
from vncproxy.errors import ViewerMessageRefused
from vncproxy.filters import stages_for
from vncproxy.filters.budget import AT_ONCE, PER_SECOND
from vncproxy.model import Clipboard, Policy
from vncproxy.testing import SERVER_INIT

SIZE = 1 << 20
BOMB = provide(bytes(SIZE))
"""A mebibyte in about a kilobyte."""

OF_GUEST = provide(bytes(SIZE), kind=3)


class BudgetTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        policy = Policy(clipboard_limit=100)
        stages = stages_for(policy, SERVER_INIT, seconds=self.clock.seconds)
        self.viewer, self.server = stages
        self.viewer.process(set_encodings(EXTENDED_CLIPBOARD))

    def test_as_many_as_a_viewer_may_send_are_looked_at(self) -> None:
        self.assertLess(len(BOMB), 2000)
        for _ in range(AT_ONCE // SIZE):
            self.assertEqual(self.viewer.process(BOMB + KEY), KEY)

    def test_one_more_ends_the_session_and_is_not_decompressed(self) -> None:
        self.viewer.process(BOMB * (AT_ONCE // SIZE))

        with self.assertRaises(ViewerMessageRefused) as caught:
            self.viewer.process(BOMB)
        self.assertIn("decompressed", caught.exception.detail)

    def test_many_short_ones_count_as_well(self) -> None:
        with self.assertRaises(ViewerMessageRefused):
            self.viewer.process(provide(b"x\0") * (AT_ONCE // 1024))

    def test_time_brings_more(self) -> None:
        self.viewer.process(BOMB * (AT_ONCE // SIZE))
        for _ in range(10):
            self.clock.advance(1 + SIZE / PER_SECOND)
            self.assertEqual(self.viewer.process(BOMB + KEY), KEY)

    def test_an_hour_without_texts_does_not_add_up(self) -> None:
        self.clock.advance(3600)

        with self.assertRaises(ViewerMessageRefused):
            self.viewer.process(BOMB * (AT_ONCE // SIZE + 1))

    def test_what_a_policy_drops_anyway_is_never_decompressed(self) -> None:
        policy = Policy(clipboard=Clipboard.NONE)
        [viewer, _] = stages_for(policy, SERVER_INIT, seconds=self.clock.seconds)

        self.assertEqual(viewer.process(BOMB * 100 + KEY), KEY)

    def test_texts_of_a_guest_beyond_it_are_dropped_and_the_session_goes_on(self) -> None:
        bell, short = b"\2", provide(b"text\0", kind=3)
        self.assertEqual(self.server.process(OF_GUEST * 50 + short + bell), bell)

        self.clock.advance(60)
        self.assertEqual(self.server.process(short), short)
