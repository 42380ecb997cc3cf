"""Links and tunnels that arrive at the site of users."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.protocol import Protocol
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.links.test_opening import ME, OTHER, FakeNeighbours
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.errors import ZoneUnreachable
from vncproxy.links.dialler import OneProtocol
from vncproxy.links.doors import MOST_LINKS, Surroundings
from vncproxy.links.links import ZoneLinks
from vncproxy.links.messages import Hello, decode
from vncproxy.links.zones import LinkedZones
from vncproxy.model import Limits, LinkState, ZoneService
from vncproxy.testing import MemoryPeer
from vncproxy.tokens.memory import MemoryTokenStore
from vncproxy.zones.keys import PrivateKey
from vncproxy.zones.request import AcceptedKey, Act, Peer, new_request, sign

KEY, OTHER_KEY = PrivateKey.new(), PrivateKey.new()
NOW = 1_800_000_000.0
ZONES = LinkedZones(
    "paris",
    "proxy-1",
    dialling={"madrid": 4.0},
    peers={
        "madrid": Peer("madrid", (AcceptedKey(KEY.public),)),
        "tokyo": Peer("tokyo", (AcceptedKey(OTHER_KEY.public),)),
    },
)


class Recorder(Protocol):
    """Records what comes through a tunnel."""

    received = b""

    def dataReceived(self, data: bytes) -> None:
        self.received += data


class EntranceTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.neighbours = Clock(), FakeNeighbours()
        self.links = ZoneLinks(ME, ZONES, self.clock, lambda: NOW + self.clock.seconds())
        self.links.neighbours, self.links.sites = self.neighbours, {}
        self.changes = 0
        self.links.surroundings = Surroundings(
            MemoryTokenStore(lambda: NOW, 0, self.clock.seconds),
            self.links.refusal,
            lambda *legs: None,
            self.changed,
        )
        self.links.start()
        self.site = ConsoleSite(self.links.entrance, Limits(), self.clock)

    def changed(self) -> None:
        self.changes += 1

    def arrive(self, act: Act, text: str | None = None, /, **more: Any) -> MemoryPeer:
        """Let a request arrive; it is signed by madrid unless it is given."""
        request = new_request(act, "madrid", "paris", NOW + self.clock.seconds(), **more)
        signed = sign(request, KEY) if text is None else text
        peer = MemoryPeer(self.site.buildProtocol(None))
        peer.send(
            f"GET /zones/{act.value} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\n"
            f"Upgrade: vncproxy-zone\r\nAuthorization: Bearer {signed}\r\n\r\n".encode()
        )
        return peer

    def refusal(self, peer: MemoryPeer) -> str:
        """Return the status and the code of a refusal."""
        head = peer.receive().decode("latin-1").lower()
        why = head.partition("vncproxy-refusal: ")[2].partition(":")[0]
        return f"{head.split()[1]} {why}"

    def test_a_link_stands_and_is_greeted(self) -> None:
        answer = self.arrive(Act.LINK).receive()
        head, _, line = answer.partition(b"\r\n\r\n")
        self.assertTrue(head.startswith(b"HTTP/1.1 101 "))
        hello = decode(line.strip())
        assert isinstance(hello, Hello)
        self.assertEqual((hello.zone, hello.proxy, hello.time), ("paris", "proxy-1", NOW))
        self.assertEqual(self.links.states(), {"madrid": LinkState("them", 1, NOW)})
        self.assertEqual(self.changes, 1)
        self.assertEqual(len(self.site.connections), 0)

    def test_links_that_are_refused(self) -> None:
        of_tokyo = new_request(Act.LINK, "tokyo", "paris", NOW)
        of_madrid = new_request(Act.LINK, "madrid", "paris", NOW)
        early = new_request(Act.LINK, "madrid", "paris", NOW - 600)
        for text, expected in (
            ("", "403 zone-key-refused"),
            (sign(of_tokyo, OTHER_KEY), "403 zone-forbidden"),
            (sign(of_madrid, OTHER_KEY), "403 zone-key-refused"),
            (sign(early, KEY), "403 zone-clock"),
            (sign(replace_act(of_madrid), KEY), "403 zone-key-refused"),
        ):
            self.assertEqual(self.refusal(self.arrive(Act.LINK, text)), expected)
        self.assertEqual(self.links.states()["madrid"].count, 0)

    def test_a_request_is_good_for_one_link(self) -> None:
        text = sign(new_request(Act.LINK, "madrid", "paris", NOW), KEY)
        self.arrive(Act.LINK, text)
        self.assertEqual(self.refusal(self.arrive(Act.LINK, text)), "403 zone-replayed")

    def test_a_zone_has_so_many_links_at_most(self) -> None:
        for _ in range(MOST_LINKS):
            self.arrive(Act.LINK)
        self.assertEqual(self.refusal(self.arrive(Act.LINK)), "403 zone-forbidden")

    def test_a_process_that_stops_takes_none(self) -> None:
        peer = self.arrive(Act.LINK)
        self.links.stop("the proxy drains")
        self.assertIn(b'{"is": "end", "why": "the proxy drains"}\n', peer.receive())
        self.assertEqual(self.refusal(self.arrive(Act.LINK)), "503 zone-draining")

    def test_strangers_are_refused_cheaply_after_a_while(self) -> None:
        for _ in range(Limits().refusals):
            self.arrive(Act.LINK, "")
        self.assertTrue(self.arrive(Act.LINK, "").receive().startswith(b"HTTP/1.1 429 "))

    def test_other_requests(self) -> None:
        for line, status in (
            (b"GET /zones/link HTTP/1.1", b"426"),
            (b"GET /zones/other HTTP/1.1", b"404"),
            (b"POST /zones/link HTTP/1.1", b"404"),
        ):
            peer = MemoryPeer(self.site.buildProtocol(None))
            peer.send(line + b"\r\nHost: x\r\n\r\n")
            self.assertEqual(peer.receive().split()[1], status)

    def test_a_link_ends_when_its_key_is_not_accepted_any_more(self) -> None:
        for peers, why in (
            ({}, "may not dial any more"),
            ({"madrid": Peer("madrid", (AcceptedKey(OTHER_KEY.public),))}, "is not accepted any"),
        ):
            peer = self.arrive(Act.LINK)
            dialling = {"madrid": 4.0} if peers else {}
            self.links.update(replace(ZONES, peers=peers, dialling=dialling))
            self.assertIn(why.encode(), peer.receive())
            self.links.update(ZONES)

    def test_a_link_ends_when_its_key_expires(self) -> None:
        keys = (AcceptedKey(KEY.public, until=NOW + 12),)
        self.links.update(replace(ZONES, peers={"madrid": Peer("madrid", keys)}))
        peer = self.arrive(Act.LINK)
        self.clock.advance(5)
        self.assertNotIn(b"expired", peer.receive())
        peer.send(b'{"is": "ping"}\n')
        self.clock.advance(5)
        peer.send(b'{"is": "ping"}\n')
        self.clock.advance(5)
        self.assertIn(b"has expired", peer.receive())

    def expected(self) -> tuple[str, Any]:
        """Ask for a tunnel over a link; returns its name, and what waits for it."""
        link = self.arrive(Act.LINK)
        link.receive()
        recorder = Recorder()
        endpoint = self.links.endpoint("madrid", ZoneService.API)
        connecting = endpoint.connect(OneProtocol(recorder))
        order: Any = decode(link.receive().splitlines()[-1])
        return order.tunnel, connecting

    def test_a_tunnel_carries_what_it_was_asked_for(self) -> None:
        name, connecting = self.expected()
        peer = self.arrive(Act.TUNNEL, tunnel=name)
        recorder = self.successResultOf(connecting)
        self.assertTrue(peer.receive().startswith(b"HTTP/1.1 101 "))
        recorder.transport.write(b"GET / HTTP/1.1\r\n\r\n")
        self.assertEqual(peer.receive(), b"GET / HTTP/1.1\r\n\r\n")
        peer.send(b"HTTP/1.1 200 OK\r\n\r\n")
        self.assertEqual(recorder.received, b"HTTP/1.1 200 OK\r\n\r\n")
        self.assertEqual(self.refusal(self.arrive(Act.TUNNEL, tunnel=name)), "404 zone-unreachable")

    def test_tunnels_that_are_not_expected(self) -> None:
        name, connecting = self.expected()
        of_tokyo = sign(new_request(Act.TUNNEL, "tokyo", "paris", NOW, tunnel=name), OTHER_KEY)
        for peer in (
            self.arrive(Act.TUNNEL, of_tokyo),
            self.arrive(Act.TUNNEL, tunnel=f"{ME}-guessed"),
            self.arrive(Act.TUNNEL, tunnel=f"{OTHER}-of-a-process-that-is-gone"),
            self.arrive(Act.TUNNEL),
        ):
            self.assertEqual(self.refusal(peer), "404 zone-unreachable")
        self.clock.pump([2.0] * 3)
        self.failureResultOf(connecting, ZoneUnreachable)

    def test_a_process_that_announces_no_port_gets_none(self) -> None:
        self.neighbours.announce(OTHER)
        peer = self.arrive(Act.TUNNEL, tunnel=f"{OTHER}-s3cret")
        self.assertEqual(self.refusal(peer), "404 zone-unreachable")

    def test_another_process_asks_by_this_one(self) -> None:
        link = self.arrive(Act.LINK)
        link.receive()
        name = f"{OTHER}-s3cret"
        self.links.take_message(
            f'{{"v": 1, "zone": "madrid", "tunnel": "{name}", "service": "api"}}'.encode()
        )
        self.assertIn(name.encode(), link.receive())
        link.send(f'{{"is": "failed", "tunnel": "{name}", "why": "busy"}}\n'.encode())
        ((worker, text),) = self.neighbours.told
        self.assertEqual(worker, OTHER)
        self.assertIn(b'"failed": "busy"', text)

    def test_a_message_that_is_malformed_changes_nothing(self) -> None:
        self.links.take_message(b'{"tunnel"')


def replace_act(request: Any) -> Any:
    """Return the same request for something else."""
    return request.model_copy(update={"act": Act.CHECK})
