"""Users who are refused often, and those who are not; and connections without room."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent
from twisted.web.resource import IResource

from tests.doubles.users import Answer, Browser, SiteTestCase, program_upgrade, upgrade
from vncproxy.downstream.connections import Connections
from vncproxy.downstream.forwarded import Forwarding
from vncproxy.downstream.trust import Trust
from vncproxy.errors import OverLimit, StoreUnavailable
from vncproxy.model import Limits
from vncproxy.testing import MemoryPeer

BALANCER = IPv4Address("TCP", "10.0.0.1", 50000)
OTHER = IPv4Address("TCP", "192.0.2.2", 50000)


class LimitedTestCase(SiteTestCase):
    limits = Limits(
        refusals=3, refusals_per_minute=6, connections=8, connections_per_address=4, keep_alive=5
    )
    trust = Trust(frozenset(), Forwarding((ip_network("10.0.0.0/8"),)))

    def open_site(self, others: dict[str, IResource] | None = None, **changes: Any) -> None:
        self.connections = Connections(self.limits, self.reactor, self.trust.forwarding.proxies)
        super().open_site(others, observers=(self.observer, self.connections.refusals), **changes)
        self.site.connections = self.connections


class RefusalTests(LimitedTestCase):
    def guess(self, *headers: str, address: IPv4Address | None = None) -> str:
        """Request a console with an unknown token; returns the status line."""
        peer = self.connect(address=address)
        peer.send(upgrade("/?token=a-guess-of-24-characters", *headers))
        line = peer.receive().partition(b"\r\n")[0].decode()
        peer.reset()
        return line

    def test_guesses_are_answered_cheaply_in_the_end(self) -> None:
        lines = [self.guess() for _ in range(6)]

        self.assertEqual([line.split()[1] for line in lines], ["101"] * 3 + ["429"] * 3)
        self.assertEqual(self.connections.counts(), (0, 0, 3))
        self.assertEqual(self.store.calls, ["redeem"] * 3)
        self.assertEqual(len(self.observer.refusals), 3)

    def test_a_viewer_reads_it_in_the_status_line(self) -> None:
        for _ in range(3):
            self.guess()

        answer = self.ask("CONNECT ?token=a-guess-of-24-characters HTTP/1.0")

        self.assertEqual(answer.status, 429)

        # a page does not see the answer to its upgrade, and requests it again
        asked = self.ask("GET /websockify HTTP/1.1")
        self.assertEqual(asked.status, 429)
        self.assertIn(b"Too many requests", asked.body)
        self.assertIn("Wait a minute", answer.line)
        self.assertEqual(answer.header("retry-after"), "60")
        self.assertEqual(answer.header("connection"), "close")

    def test_a_program_that_is_no_browser_gets_no_bytes_that_it_would_take_for_frames(self) -> None:
        for _ in range(3):
            self.guess()
        target = "/?token=a-guess-of-24-characters"

        browsers, programs = map(self.answer_to, (upgrade(target), program_upgrade(target)))

        self.assertEqual((browsers.status, programs.status), (429, 429))
        self.assertIn(b"Too many requests", browsers.body)
        self.assertIn("Too many requests", programs.line)
        self.assertEqual((programs.body, programs.header("content-length")), (b"", "0"))

    def answer_to(self, request: bytes) -> Answer:
        peer = self.connect()
        peer.send(request)
        return Answer.parse(peer.receive())

    def test_the_connection_is_closed(self) -> None:
        for _ in range(3):
            self.guess()
        peer = self.connect()

        peer.send(upgrade("/?token=a-guess-of-24-characters"))
        peer.receive()

        self.assertIsNotNone(peer.closed)

    def test_a_token_that_is_good_waits_as_well(self) -> None:
        for _ in range(3):
            self.guess()
        request = upgrade(f"/?token={self.issue()}")
        peer = self.connect()
        peer.send(request)
        self.assertEqual(Answer.parse(peer.receive()).status, 429)

        self.reactor.advance(10)
        peer = self.connect()
        peer.send(request)
        self.console()

        self.assertEqual(Answer.parse(peer.receive()).status, 101)

    def test_others_are_not_concerned(self) -> None:
        for _ in range(6):
            self.guess()

        self.assertIn("101", self.guess(address=OTHER))

    def test_behind_a_balancer_the_users_address_counts(self) -> None:
        bad, good = "X-Forwarded-For: 203.0.113.7", "X-Forwarded-For: 203.0.113.8"
        lines = [self.guess(bad, address=BALANCER) for _ in range(4)]

        self.assertIn("429", lines[3])
        self.assertIn("101", self.guess(good, address=BALANCER))

    def test_pages_are_served_all_the_same(self) -> None:
        for _ in range(6):
            self.guess()

        self.assertEqual(self.ask("GET /nothing HTTP/1.1").status, 404)

    def test_what_is_not_the_users_fault_does_not_count(self) -> None:
        self.store.fail["redeem"] = StoreUnavailable("away")

        lines = [self.guess() for _ in range(10)]

        self.assertEqual({line.split()[1] for line in lines}, {"101"})

    def test_a_proxy_that_is_full_is_not_the_users_fault(self) -> None:
        self.sessions.other_refusal = lambda: OverLimit("10 sessions are open")

        lines = [self.guess() for _ in range(10)]

        self.assertEqual({line.split()[1] for line in lines}, {"101"})

    def test_one_line_of_log_for_all(self) -> None:
        with capturedLogs() as events:
            for _ in range(20):
                self.guess()

        lines = [formatEvent(event) for event in events]
        self.assertEqual(len([line for line in lines if "limits.refusals" in line]), 1)

    def test_malformed_requests_are_not_logged_without_end(self) -> None:
        with capturedLogs() as events:
            for _ in range(20):
                peer = self.connect()
                peer.send(b"GET / HTTP/1.1\r\na: b\r\n c\r\n\r\n")
                self.assertIn(b" 400 ", peer.receive())

        self.assertEqual(len([e for e in events if "folded" in formatEvent(e)]), 3)


class RoomTests(LimitedTestCase):
    def hold(self, number: int, address: IPv4Address | None = None) -> list[MemoryPeer]:
        """Open connections whose requests are not whole."""
        peers = [self.connect(address=address) for _ in range(number)]
        for peer in peers:
            peer.send(b"GET / HTTP/1.1\r\n")
        return peers

    def test_an_address_with_too_many_is_told(self) -> None:
        self.hold(4)

        peer = self.connect()

        answer = Answer.parse(peer.receive())
        self.assertEqual(answer.status, 503)
        self.assertIn("from your address", answer.line)
        self.assertIsNotNone(peer.closed)
        self.assertEqual(self.connections.counts(), (4, 1, 0))
        self.assertEqual(self.ask("GET /x HTTP/1.1", peer=self.connect(address=OTHER)).status, 404)

    def test_under_tls_no_handshake_is_made_for_that(self) -> None:
        self.hold(4)
        channel = self.site.buildProtocol(None)
        channel.isSecure = lambda: True

        peer = MemoryPeer(channel)

        self.assertEqual(peer.receive(), b"")
        self.assertIsNotNone(peer.closed)

    def test_kept_alive_connections_make_room(self) -> None:
        peers = [self.connect() for _ in range(4)]
        for peer in peers:
            self.assertEqual(self.ask("GET /nothing HTTP/1.1", peer=peer).status, 404)

        answer = self.ask("GET /nothing HTTP/1.1", peer=self.connect())

        self.assertEqual(answer.status, 404)
        self.assertEqual([peer.closed is not None for peer in peers], [True, False, False, False])

    def test_they_are_closed_after_a_short_while(self) -> None:
        peer = self.connect()
        self.ask("GET /nothing HTTP/1.1", peer=peer)

        self.reactor.advance(5)
        peer.pump()

        self.assertIsNotNone(peer.closed)
        self.assertEqual(len(self.connections), 0)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_an_answer_that_is_not_read_is_given_up(self) -> None:
        peer = MemoryPeer(self.site.buildProtocol(None), room=10)
        peer.send(b"GET /static/console.js HTTP/1.1\r\nHost: a\r\n\r\n")

        for _ in range(70):
            self.reactor.advance(1)

        self.assertIsNotNone(peer.closed)
        self.assertEqual(len(self.connections), 0)

    def test_behind_a_balancer_the_users_address_counts(self) -> None:
        peers = [self.connect(address=BALANCER) for _ in range(6)]
        for peer in peers:
            peer.send(upgrade(f"/?token={self.issue()}", "X-Forwarded-For: 203.0.113.7"))

        lines = [peer.receive()[:12] for peer in peers]

        self.assertEqual(lines, [b"HTTP/1.1 101"] * 4 + [b"HTTP/1.1 503"] * 2)

    def test_sessions_are_counted_until_they_are_over(self) -> None:
        browser = Browser(self.connect(), upgrade(f"/?token={self.issue()}"))
        self.console()
        browser.receive()
        browser.send(b"RFB 003.008\n")
        browser.send(b"\x01\x01")
        browser.receive()
        self.assertEqual(len(self.connections), 1)

        browser.peer.reset()

        self.assertEqual(len(self.connections), 0)

    def test_refusals_under_way_are_counted_and_waited_for(self) -> None:
        peer = self.connect()
        peer.send(upgrade("/?token=a-guess-of-24-characters"))
        peer.receive()
        self.assertEqual(len(self.connections), 1)

        stopping = Deferred.fromCoroutine(self.connections.stop(10))
        self.assertNoResult(stopping)
        for _ in range(10):
            self.reactor.advance(1)
            peer.receive()

        self.successResultOf(stopping)
        self.assertIsNotNone(peer.closed)
        self.assertEqual(len(self.connections), 0)
