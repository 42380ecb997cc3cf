"""From a wish for a connection to a tunnel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.task import Clock
from twisted.internet.testing import StringTransportWithDisconnection
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import VNCProxyError, ZoneLinkLost, ZoneNotConnected, ZoneUnreachable
from vncproxy.links.held import Held, HeldLink
from vncproxy.links.messages import Message, Open, decode
from vncproxy.links.neighbours import Wanted
from vncproxy.links.neighbours import decode as decode_message
from vncproxy.links.opening import TunnelOpener
from vncproxy.links.rendezvous import Expected, Rendezvous, worker_of
from vncproxy.model import Announcement, Identity, LinkState, ZoneService

ME, OTHER = "a" * 16, "b" * 16
NOW = 1_800_000_000.0


class FakeNeighbours:
    """Other processes, some of which have links."""

    def __init__(self) -> None:
        self.announced: list[Announcement] = []
        self.told: list[tuple[str, bytes]] = []
        self.reached = True
        self.answered: Deferred[None] = succeed(None)

    def announce(self, worker_id: str, **links: LinkState) -> None:
        identity = Identity(proxy_id="p", worker_id=worker_id, name="p")
        self.announced.append(Announcement(identity, links=links))

    async def workers(self) -> Sequence[Announcement]:
        await self.answered
        return self.announced

    async def tell(self, worker_id: str, message: str) -> bool:
        self.told.append((worker_id, message.encode()))
        return self.reached

    def local_address(self) -> str:
        return ""


class FakeTunnel:
    """A tunnel that arrived."""

    aborted = False

    def hand_over(self, successor: object) -> None:
        """Do nothing."""

    def abort(self) -> None:
        self.aborted = True


class OpeningTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.rendezvous, self.neighbours = Rendezvous(ME), FakeNeighbours()
        self.held = Held(self.clock, lambda: NOW, lambda: None, self.rendezvous.fail)
        self.opener = TunnelOpener(self.held, self.rendezvous, lambda: self.neighbours, self.clock)

    def link(self) -> tuple[HeldLink, StringTransportWithDisconnection]:
        link, wire = self.held.add("madrid", "k3y", "192.0.2.9"), StringTransportWithDisconnection()
        wire.protocol = link.control
        link.control.makeConnection(wire)
        return link, wire

    def open(self) -> Deferred[Any]:
        opening = self.opener.open("madrid", ZoneService.CONSOLE, "192.0.2.1", 4.0)
        return Deferred.fromCoroutine(opening)

    def failure(self, opening: Deferred[Any], kind: type[VNCProxyError]) -> VNCProxyError:
        error: VNCProxyError = self.failureResultOf(opening, kind).value
        return error

    def order(self, wire: StringTransportWithDisconnection) -> Open:
        message: Message | None = decode(wire.value().splitlines()[-1])
        assert isinstance(message, Open)
        return message

    def expected(self, order: Open) -> Expected:
        """Return what a tunnel that arrives now is for."""
        expected = self.rendezvous.take(order.tunnel, "madrid")
        assert expected is not None
        return expected

    def test_a_tunnel_is_asked_for_and_arrives(self) -> None:
        _, wire = self.link()
        opening = self.open()
        order = self.order(wire)
        self.assertEqual((order.service, order.client), (ZoneService.CONSOLE, "192.0.2.1"))
        self.assertEqual(worker_of(order.tunnel), ME)
        tunnel = FakeTunnel()
        self.expected(order).arrive(tunnel)
        self.assertIs(self.successResultOf(opening), tunnel)
        self.assertFalse(tunnel.aborted)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_tunnel_is_taken_once_and_by_its_zone_alone(self) -> None:
        _, wire = self.link()
        self.open().addErrback(lambda _: None)
        name = self.order(wire).tunnel
        self.assertIsNone(self.rendezvous.take(name, "tokyo"))
        self.assertIsNotNone(self.rendezvous.take(name, "madrid"))
        self.assertIsNone(self.rendezvous.take(name, "madrid"))
        self.assertIsNone(self.rendezvous.take(f"{ME}-guessed", "madrid"))
        self.clock.pump([2, 2])

    def test_a_link_that_does_not_answer_leaves_time_for_another_one(self) -> None:
        wires = [self.link()[1] for _ in range(3)]
        opening = self.open()
        self.assertEqual(sum(bool(wire.value()) for wire in wires), 1)
        self.clock.advance(2)
        self.assertEqual(sum(bool(wire.value()) for wire in wires), 2)
        self.clock.advance(2)
        error = self.failure(opening, ZoneUnreachable)
        self.assertIn("made no connection within 4 s", error.detail)
        self.assertEqual(sum(bool(wire.value()) for wire in wires), 2)

    def test_a_link_that_is_lost_meanwhile(self) -> None:
        _, wire = self.link()
        opening = self.open()
        wire.loseConnection()
        error = self.failure(opening, ZoneLinkLost)
        self.assertIn("The connection to the zone madrid was lost.", error.sentence())

    def test_what_the_zone_says(self) -> None:
        link, wire = self.link()
        opening = self.open()
        order = self.order(wire)
        line = f'{{"is": "failed", "tunnel": "{order.tunnel}", "why": "refused by a firewall"}}\n'
        link.control.dataReceived(line.encode())
        self.assertIn("refused by a firewall", self.failure(opening, ZoneUnreachable).detail)

    def test_a_zone_that_never_was_there(self) -> None:
        error = self.failure(self.open(), ZoneNotConnected)
        self.assertEqual(error.sentence(), "The zone madrid is not connected.")

    def test_since_when_it_is_away_as_the_last_process_knows(self) -> None:
        self.link()[1].loseConnection()
        self.neighbours.announce(OTHER, madrid=LinkState("them", 0, NOW + 60))
        error = self.failure(self.open(), ZoneNotConnected)
        words = "The zone madrid is not connected since 2027-01-15 08:01:00 UTC."
        self.assertEqual(error.sentence(), words)

    def test_another_process_that_has_a_link_is_asked(self) -> None:
        self.neighbours.announce(ME, madrid=LinkState("them", 1, NOW))
        self.neighbours.announce("c" * 16, madrid=LinkState("us", 1, NOW))
        self.neighbours.announce(OTHER, madrid=LinkState("them", 1, NOW))
        opening = self.open()
        ((worker, text),) = self.neighbours.told
        message = decode_message(text)
        assert isinstance(message, Wanted)
        self.assertEqual((worker, message.zone), (OTHER, "madrid"))
        self.rendezvous.fail(message.order.tunnel, "its link was lost", True)
        self.failure(opening, ZoneLinkLost)

    def test_a_process_that_is_gone_is_none(self) -> None:
        self.neighbours.announce(OTHER, madrid=LinkState("them", 1, NOW))
        self.neighbours.reached = False
        self.failure(self.open(), ZoneNotConnected)

    def test_nothing_is_left_of_a_wish_that_was_given_up(self) -> None:
        _, wire = self.link()
        opening = self.open()
        opening.cancel()
        self.failureResultOf(opening)
        self.assertIsNone(self.rendezvous.take(self.order(wire).tunnel, "madrid"))

    def test_a_tunnel_that_arrives_while_another_process_is_looked_for_is_used(self) -> None:
        _, wire = self.link()
        self.neighbours.announce(OTHER, madrid=LinkState("them", 1, NOW))
        self.neighbours.answered = Deferred()
        opening, tunnel = self.open(), FakeTunnel()
        self.clock.advance(2)
        self.expected(self.order(wire)).arrive(tunnel)
        self.neighbours.answered.callback(None)
        self.assertIs(self.successResultOf(opening), tunnel)
        self.assertEqual((self.neighbours.told, tunnel.aborted), ([], False))

    def test_a_tunnel_that_arrives_while_no_other_process_is_found_is_used(self) -> None:
        _, wire = self.link()
        self.neighbours.answered = Deferred()
        opening, tunnel = self.open(), FakeTunnel()
        self.clock.advance(2)
        self.expected(self.order(wire)).arrive(tunnel)
        self.neighbours.answered.callback(None)
        self.assertIs(self.successResultOf(opening), tunnel)

    def test_a_tunnel_that_is_not_used_any_more_is_closed(self) -> None:
        for cancelled_first in (True, False):
            _, wire = self.link()
            self.neighbours.answered = Deferred()
            opening, tunnel = self.open(), FakeTunnel()
            self.clock.advance(2)
            expected = self.expected(self.order(wire))
            steps: list[Callable[[], object]] = [opening.cancel, partial(expected.arrive, tunnel)]
            for step in steps if cancelled_first else reversed(steps):
                step()
            self.failureResultOf(opening)
            self.assertTrue(tunnel.aborted)
            wire.loseConnection()

    def test_a_late_failure_over_one_link_does_not_end_the_wait_for_the_next(self) -> None:
        wires = [self.link()[1] for _ in range(2)]
        opening = self.open()
        late = next(wire for wire in wires if wire.value())
        self.clock.advance(2)
        late.loseConnection()
        self.assertNoResult(opening)
        tunnel = FakeTunnel()
        self.expected(self.order(late)).arrive(tunnel)
        self.assertIs(self.successResultOf(opening), tunnel)

    def test_a_link_that_fails_and_is_lost_has_failed_once(self) -> None:
        links = [self.link() for _ in range(2)]
        opening = self.open()
        link, wire = next(each for each in links if each[1].value())
        order = self.order(wire)
        line = f'{{"is": "failed", "tunnel": "{order.tunnel}", "why": "refused"}}\n'
        link.control.dataReceived(line.encode())
        self.assertTrue(all(wire.value() for _, wire in links))
        wire.loseConnection()
        self.assertNoResult(opening)
        self.expected(order).arrive(FakeTunnel())
        self.successResultOf(opening)
