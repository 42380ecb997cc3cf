"""What every relay promises of a session whose bytes to the viewer have a rate."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, ClassVar

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import ConsoleEnded
from vncproxy.interfaces import IStage
from vncproxy.relay.leg import Leg
from vncproxy.relay.pacing import BURST, TICK, Allowance, Pace

if TYPE_CHECKING:
    _Case = SynchronousTestCase
else:
    _Case = object

RATE = 64_000
"""Bytes in a second."""


class PacingContract(_Case):
    """Part of `tests.relay.relay_contract.RelayContract`, which has what it needs."""

    down: Leg
    up: Leg
    user: Any
    console: Any
    clock: Any
    over: Any
    bound: ClassVar[int]

    def legs(self) -> None:
        raise NotImplementedError

    def begin(self, *stages: IStage) -> None:
        raise NotImplementedError

    def settle(self) -> None:
        raise NotImplementedError

    def drain_user(self) -> bytes:
        raise NotImplementedError

    def paced(self, *shared: int) -> None:
        self.legs()
        rates = [Allowance(rate, self.clock.seconds) for rate in (RATE, *shared)]
        self.begin(Pace(self.down, self.up, rates))

    def tick(self) -> None:
        self.clock.advance(TICK)
        self.settle()

    def hear(self, seconds: float) -> bytes:
        """Return what the user hears in some seconds of the clock."""
        heard = self.drain_user()
        for _ in range(int(seconds / TICK)):
            self.tick()
            heard += self.drain_user()
        return heard

    def test_bytes_arrive_at_the_rate_and_in_order(self) -> None:
        self.paced()
        sent = b"".join(b"%07d," % number for number in range(40_000))
        self.console.send(*(sent[at : at + 1000] for at in range(0, len(sent), 1000)))

        heard = self.hear(2)

        self.assertEqual(heard, sent[: len(heard)])
        self.assertLessEqual(len(heard), RATE * (2 + BURST))
        self.assertGreater(len(heard), RATE * 2 * 0.9)

    def test_what_fits_into_a_quarter_of_a_second_passes_at_once(self) -> None:
        self.paced()
        for _ in range(3):
            self.console.send(bytes(int(RATE * BURST)))
            self.settle()
            self.assertEqual(len(self.drain_user()), RATE * BURST)
            self.clock.advance(BURST)

    def test_memory_is_bounded_and_the_user_is_heard_meanwhile(self) -> None:
        self.paced()
        self.console.send(*[bytes(1000)] * 1000)
        self.settle()

        self.user.send(b"keys")
        self.settle()

        self.assertEqual(self.console.receive(), b"keys")
        self.assertFalse(self.console.reading)
        self.assertLess(self.user.peer.most, self.bound)

    def test_a_viewer_that_does_not_read_stops_the_console_for_longer(self) -> None:
        self.paced()
        much = 2 * self.bound
        self.console.send(*[bytes(1000)] * (much // 1000))
        for _ in range(int(much / RATE / TICK)):
            self.tick()
        self.assertFalse(self.console.reading)
        self.assertLess(self.user.peer.most, self.bound + RATE * BURST)

        heard = 0
        while heard < much // 1000 * 1000:
            piece = self.hear(TICK)
            self.assertTrue(piece)
            heard += len(piece)
        self.assertTrue(self.console.reading)

    def test_all_bytes_of_a_console_that_closes_arrive(self) -> None:
        self.paced()
        self.console.send(bytes(30_000))
        self.settle()
        self.console.close()
        self.settle()
        heard = self.hear(1)

        self.assertEqual(len(heard), 30_000)
        self.assertIsInstance(self.successResultOf(self.over), ConsoleEnded)
        self.assertFalse(self.clock.getDelayedCalls())
