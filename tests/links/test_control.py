"""One link: lines, pings, and its end."""

from __future__ import annotations

from twisted.internet.error import ConnectionDone
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.links.control import PING, SILENCE, Control
from vncproxy.links.messages import LONGEST, Failed, Message, Open
from vncproxy.model import ZoneService

ORDER = Open("t", ZoneService.API)


class ControlTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.taken: list[Message] = []
        self.ends: list[str] = []
        self.control = Control(self.clock, self.taken.append, self.ends.append)
        self.wire = StringTransportWithDisconnection()
        self.wire.protocol = self.control
        self.control.makeConnection(self.wire)
        self.control.begin()

    def test_it_says_every_few_seconds_that_it_is_alive(self) -> None:
        self.clock.advance(PING)
        self.assertEqual(self.wire.value(), b'{"is": "ping"}\n')

    def test_messages_in_any_pieces(self) -> None:
        line = b'{"is": "ping"}\n{"is": "failed", "tunnel": "t", "why": "busy"}\n'
        for at in range(len(line)):
            self.control.dataReceived(line[at : at + 1])
        self.assertEqual(self.taken, [Failed("t", "busy")])

    def test_a_link_that_is_silent_ends(self) -> None:
        for _ in range(5):
            self.clock.advance(PING)
        self.assertRegex(self.ends[0], r"nothing was received for \d s")
        self.assertFalse(self.wire.connected)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_link_that_only_receives_pings_stands(self) -> None:
        for _ in range(20):
            self.control.dataReceived(b'{"is": "ping"}\n')
            self.clock.advance(PING)
        self.assertEqual(self.ends, [])
        self.assertGreater(20 * PING, SILENCE)

    def test_the_other_end_says_why(self) -> None:
        self.control.dataReceived(b'{"is": "end", "why": "the proxy drains"}\n')
        self.assertEqual(self.ends, ["the other end says: the proxy drains"])

    def test_this_end_says_why_and_sends_nothing_after_it(self) -> None:
        self.control.end("the proxy stops")
        self.control.send(ORDER)
        self.assertEqual(self.wire.value(), b'{"is": "end", "why": "the proxy stops"}\n')
        self.assertEqual(self.ends, ["the proxy stops"])

    def test_what_is_no_message_ends_it(self) -> None:
        self.control.dataReceived(b"GET / HTTP/1.1\n")
        self.assertIn("what is no message", self.ends[0])

    def test_a_line_without_an_end_ends_it(self) -> None:
        self.control.dataReceived(b"x" * (LONGEST + 2))
        self.assertEqual(self.ends, [f"a line of more than {LONGEST} bytes"])

    def test_a_lost_connection_is_told_once(self) -> None:
        self.control.connectionLost(Failure(ConnectionDone()))
        self.control.connectionLost(Failure(ConnectionDone()))
        self.assertEqual(len(self.ends), 1)
        self.assertIn("the connection was lost", self.ends[0])
