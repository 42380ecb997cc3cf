"""Links that are kept: attempts, pauses, and what is asked for over them."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import ZoneKeyRefused
from vncproxy.links.control import PING
from vncproxy.links.dialled import DialledZone
from vncproxy.links.dialler import LINKS, LONGEST_PAUSE, STABLE, Dialler
from vncproxy.links.messages import Hello, Open, encode
from vncproxy.model import LinkState, TLSTrust, ZoneService
from vncproxy.zones.keys import PrivateKey
from vncproxy.zones.request import Act

NOW = 1_800_000_000.0
ZONE = DialledZone(
    "paris", "madrid", "c.example.com", 443, "/", TLSTrust(), PrivateKey.new(), timeout=5.0
)


class FakeLine:
    """Connections that stand when the test wants."""

    def __init__(self) -> None:
        self.zone = ZONE
        self.dialled: list[tuple[Any, Deferred[Any]]] = []

    def dial(self, factory: Any, act: Act, client: str = "", **more: Any) -> Deferred[Any]:
        assert act is Act.LINK
        connecting: Deferred[Any] = Deferred()
        self.dialled.append((factory.buildProtocol(None), connecting))
        return connecting

    def stand(self, number: int) -> StringTransportWithDisconnection:
        """Let an attempt succeed; returns the wire of the link."""
        control, connecting = self.dialled[number]
        wire = StringTransportWithDisconnection()
        wire.protocol = control
        control.makeConnection(wire)
        connecting.callback(control)
        control.dataReceived(encode(Hello("paris", "0.1.0", "p", NOW)) + b"\n")
        return wire

    def refuse(self, number: int) -> None:
        """Let an attempt fail."""
        self.dialled[number][1].errback(ZoneKeyRefused("not known", zone="paris"))


class FakeTunnels:
    """Records what is asked for."""

    def __init__(self) -> None:
        self.orders: list[Open] = []

    def begin(self, line: object, order: Open, control: object) -> None:
        self.orders.append(order)


class DiallerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.line, self.tunnels = Clock(), FakeLine(), FakeTunnels()
        line: Any = self.line
        tunnels: Any = self.tunnels
        self.changes: list[int] = []
        self.dialler = Dialler(
            line,
            tunnels,
            self.clock,
            lambda: self.changes.append(self.dialler.state().count),
            spread=lambda: 1.0,
            time=lambda: NOW + self.clock.seconds(),
        )
        self.dialler.start()
        self.addCleanup(self.dialler.stop, "the test is over")

    def attempts(self) -> int:
        return len(self.line.dialled)

    def test_several_links_are_kept(self) -> None:
        self.assertEqual(self.attempts(), LINKS)
        for number in range(LINKS):
            self.line.stand(number)
        self.assertEqual(self.changes, [1, 2])
        self.assertEqual(self.dialler.state(), LinkState("us", 2, NOW))

    def test_pauses_grow_to_a_limit(self) -> None:
        self.line.stand(1)
        pauses, number = [], 0
        for _ in range(8):
            self.line.refuse(number)
            number, began = self.attempts(), self.clock.seconds()
            while self.attempts() == number:
                self.clock.advance(0.5)
                self.line.dialled[1][0].dataReceived(b'{"is": "ping"}\n')
            pauses.append(self.clock.seconds() - began)
        self.assertEqual(pauses, [0.5, 1, 2, 4, 8, 16, 16, 16])
        self.assertEqual(max(pauses), LONGEST_PAUSE)
        self.assertEqual(self.dialler.state().problem, "not known")

    def test_a_link_that_stood_is_dialled_again_at_once(self) -> None:
        for number in range(LINKS):
            self.line.refuse(number)
        self.clock.advance(0.5)
        wire = self.line.stand(LINKS)
        for _ in range(6):
            self.clock.advance(PING / 2)
            self.line.dialled[LINKS][0].dataReceived(b'{"is": "ping"}\n')
        self.assertGreaterEqual(self.clock.seconds(), STABLE)
        before = self.attempts()
        wire.loseConnection()
        self.clock.advance(0.5)
        self.assertEqual(self.attempts(), before + 1)
        self.assertEqual(self.dialler.state().problem, "")

    def test_a_link_that_is_lost_at_once_is_no_success(self) -> None:
        self.line.stand(1)
        self.line.stand(0).loseConnection()
        self.clock.advance(0.5)
        self.line.stand(2).loseConnection()
        self.clock.advance(0.5)
        self.assertEqual(self.attempts(), 3)
        self.clock.advance(0.5)
        self.assertEqual(self.attempts(), 4)

    def test_tunnels_are_made_that_are_asked_for(self) -> None:
        order = Open("t", ZoneService.API)
        self.line.stand(0)
        self.line.dialled[0][0].dataReceived(encode(order) + b"\n")
        self.assertEqual(self.tunnels.orders, [order])

    def test_it_stops_for_good(self) -> None:
        wire = self.line.stand(0)
        self.dialler.stop("the proxy drains")
        self.assertIn(b'{"is": "end", "why": "the proxy drains"}\n', wire.value())
        self.clock.advance(60)
        self.assertEqual(self.attempts(), LINKS)
        self.assertEqual(self.clock.getDelayedCalls(), [])
        self.assertEqual(self.dialler.state().count, 0)
