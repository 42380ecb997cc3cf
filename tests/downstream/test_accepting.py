"""When listening sockets accept, and how many connections in one round."""

from __future__ import annotations

from typing import Any

from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.downstream.accepting import AT_ONCE, Accepting


class Port:
    """A listening socket with as many connections as are wanted."""

    def __init__(self, factory: Any) -> None:
        self.factory = factory
        self.connected, self.disconnecting = True, False
        self.numberAccepts = 100
        self.reading = True

    def startReading(self) -> None:
        self.reading = True

    def stopReading(self) -> None:
        self.reading = False

    def accept(self) -> int:
        """Accept as many as Twisted does in one round; returns how many."""
        if not self.reading:
            return 0
        for _ in range(self.numberAccepts):
            self.factory.buildProtocol(None)
        return self.numberAccepts


class AcceptingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.waiting = Clock(), False
        self.accepting = Accepting(lambda: self.waiting, self.clock)
        self.port = self.listen()

    def listen(self) -> Port:
        port = Port(Factory.forProtocol(Protocol))
        self.accepting.add(port, plain_http=True)
        return port

    def test_as_many_are_accepted_as_twisted_does_while_none_waits(self) -> None:
        self.assertEqual([self.port.accept(), self.port.accept()], [100, 100])
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_few_are_accepted_in_a_round_while_users_wait(self) -> None:
        self.waiting = True
        self.port.accept()
        self.assertEqual(self.port.accept(), 0)
        for _ in range(3):
            self.clock.advance(0)
            self.assertEqual((self.port.accept(), self.port.accept()), (AT_ONCE, 0))

    def test_nothing_is_accepted_while_paused(self) -> None:
        self.waiting = True
        self.port.accept()
        self.accepting.pause(True)
        self.clock.advance(0)
        self.assertEqual(self.port.accept(), 0)
        self.accepting.pause(False)
        self.assertEqual(self.port.accept(), AT_ONCE)

    def test_round_that_is_over_goes_on_in_the_next_when_the_pause_ends(self) -> None:
        self.waiting = True
        self.port.accept()
        self.accepting.pause(True)
        self.accepting.pause(False)
        self.assertEqual(self.port.accept(), 0)
        self.clock.advance(0)
        self.assertEqual(self.port.accept(), AT_ONCE)

    def test_listener_that_begins_in_a_pause_is_paused(self) -> None:
        self.accepting.pause(True)
        self.assertEqual(self.listen().accept(), 0)

    def test_listener_that_stopped_is_left_alone(self) -> None:
        self.accepting.pause(True)
        self.port.connected = False
        self.accepting.pause(False)
        self.assertFalse(self.port.reading)
