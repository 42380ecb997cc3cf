"""Rates that several sessions share."""

from __future__ import annotations

from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import ClientGone, ConsoleEnded
from vncproxy.relay.leg import Leg
from vncproxy.relay.pacing import BURST, TICK, Allowance, Pace
from vncproxy.relay.plain import join
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.testing import MemoryPeer

RATE = 64_000


class Session:
    """A user and a console whose bytes to the user have rates."""

    def __init__(self, clock: Clock, *allowances: Allowance) -> None:
        down, up = (Leg(RawFraming(), clock, why) for why in (ClientGone, ConsoleEnded))
        self.down, self.up = down, up
        self.user, self.console = MemoryPeer(down), MemoryPeer(up)
        join(down, up, [Pace(down, up, allowances)])
        self.heard = 0

    def receive(self) -> None:
        while self.console.pump() or self.user.pump():
            pass
        self.heard += len(self.user.receive())


class SharedTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.shared = Allowance(RATE, self.clock.seconds)

    def session(self) -> Session:
        return Session(self.clock, Allowance(10 * RATE, self.clock.seconds), self.shared)

    def run_for(self, seconds: float, *sessions: Session) -> None:
        for _ in range(int(seconds / TICK)):
            for each in sessions:
                each.receive()
            self.clock.advance(TICK)

    def test_sessions_have_equal_parts_of_what_they_share(self) -> None:
        sessions = [self.session() for _ in range(3)]
        for each in sessions:
            each.console.send(*[bytes(1000)] * 2000)

        self.run_for(12, *sessions)

        heard = [each.heard for each in sessions]
        self.assertLessEqual(sum(heard), RATE * (12 + BURST))
        self.assertGreater(sum(heard), RATE * 12 * 0.9)
        for part in heard:
            self.assertLess(abs(part - sum(heard) / 3), sum(heard) * 0.05)

    def test_a_part_is_worth_no_more_than_others_have_left_of_it(self) -> None:
        busy, quiet, late = (self.session() for _ in range(3))
        busy.console.send(bytes(int(RATE * BURST)) + bytes(1000))
        busy.receive()
        self.clock.advance(TICK)
        left = RATE * TICK - 1000
        for each, size in ((quiet, left / 2 - 100), (busy, left), (late, 60_000)):
            each.console.send(bytes(int(size)))

        for each in (busy, quiet, late):
            each.receive()

        heard = [busy.heard, quiet.heard, late.heard]
        self.assertLessEqual(sum(heard), RATE * (TICK + BURST))
        self.assertGreater(busy.heard, RATE * BURST + 1000)
        self.assertEqual(late.heard, 0)
        self.run_for(4, busy, quiet, late)
        self.assertEqual(late.heard, 60_000)

    def test_an_echo_passes_soon_beside_a_session_that_takes_all(self) -> None:
        busy, quiet = self.session(), self.session()
        busy.console.send(*[bytes(1000)] * 2000)
        self.run_for(2, busy, quiet)

        quiet.console.send(b"echo" * 50)
        self.run_for(2 * TICK, busy, quiet)

        quiet.receive()
        self.assertEqual(quiet.heard, 200)

    def test_a_session_that_ends_leaves_its_part_to_others(self) -> None:
        gone, left = self.session(), self.session()
        for each in (gone, left):
            each.console.send(*[bytes(1000)] * 2000)
        self.run_for(1, gone, left)
        self.assertEqual(self.shared.busy, 2)

        gone.down.close(ClientGone(), 1)
        gone.up.close(ClientGone(), 1)
        self.assertEqual(self.shared.busy, 1)
        before = left.heard
        self.run_for(8, left)

        self.assertGreater(left.heard - before, RATE * 8 * 0.9)

    def test_a_rate_that_is_changed_counts_at_once(self) -> None:
        one = self.session()
        one.console.send(*[bytes(1000)] * 2000)
        self.run_for(1, one)
        self.shared.rate = 2 * RATE
        before = one.heard
        self.run_for(4, one)

        self.assertLess(abs(one.heard - before - 8 * RATE), RATE)
