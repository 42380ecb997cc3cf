"""Native viewers: limits of connections, the end of the process, and balancers."""

from __future__ import annotations

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs

from tests.doubles.native_viewers import BANNER, NEGOTIATION, OFFERS, NativeCase, plain
from vncproxy.model import Limits


class LimitTests(NativeCase):
    limits = Limits(connections=3, connections_per_address=2)

    def test_beyond_the_limit_of_an_address_the_one_that_waits_longest_goes(self) -> None:
        first, second = self.connect(), self.connect()

        self.connect()

        self.assertIsNotNone(first.closed)
        self.assertIsNone(second.closed)
        self.assertEqual(len(self.connections), 2)

    def test_half_open_connections_keep_none_out(self) -> None:
        for number in range(1000):
            self.connect(IPv4Address("TCP", f"10.0.{number // 256}.{number % 256}", 1))
        self.assertEqual(len(self.connections), 3)

        self.open()

    def test_viewers_that_have_consoles_are_not_closed_for_others(self) -> None:
        for _ in range(2):
            self.open()
        peer, self.peer = self.peer, self.connect()
        self.peer.send(BANNER)

        told = self.peer.receive()

        self.assertEqual(told[:13], BANNER + b"\0")
        self.assertIn(b"Too many connections are open from your address.", told)
        self.assertIsNone(peer.closed)
        self.assertEqual(len(self.connections), 2)

    def test_connections_beyond_the_limit_do_not_stay_open(self) -> None:
        for _ in range(2):
            self.open()
        for most, balanced in ((1000, False), (2, True)):
            self.connections.descriptor_limit = most
            silent = [self.connect(balanced=balanced) for _ in range(500)]
            for peer in silent:
                peer.receive()

            self.assertEqual([peer for peer in silent if peer.closed is None], [])
        self.assertEqual(len(self.connections), 2)
        self.assertEqual(self.connections.counts()[1], 1000)

    def test_room_is_made_at_once_by_a_viewer_whose_user_enters_a_token(self) -> None:
        for begin in (self.negotiate, self.begin_tls):
            begin()
            waiting = self.peer
            with capturedLogs() as events:
                for _ in range(2):
                    self.connect()
                waiting.pump()

            self.assertIsNotNone(waiting.closed)
            self.assertEqual(len(self.connections), 2)
            self.assertEqual(list(events), [], "no refusal is logged or counted")

    def begin_tls(self) -> None:
        self.connect().send(*NEGOTIATION, b"\x16\x03\x01")


class RestartTests(NativeCase):
    """Viewers that wait for their users when the process ends."""

    def test_a_user_who_enters_a_token_is_told_to_try_again(self) -> None:
        for part in (b"", b"\0\0\0\x05\0\0\0\x05al"):
            self.negotiate().send(*([part] if part else []))

            self.connections.close_idle()

            self.assertIn("restarting. Reconnect in a moment. (id ", self.refusal())
        self.assertFalse(self.connections.refusals.refuses_cheaply("192.0.2.1"))

    def test_a_stop_waits_until_they_have_read_it(self) -> None:
        self.negotiate()

        stopping = Deferred.fromCoroutine(self.connections.stop(10))

        self.assertNoResult(stopping)
        self.assertIn(b"restarting", self.tls.receive())
        self.tls.close()
        self.successResultOf(stopping)

    def test_a_stop_does_not_wait_for_viewers_that_do_not_read(self) -> None:
        sent = b"".join(NEGOTIATION)
        for part in (b"", sent[:5], sent[:12], sent[:15], sent, sent + b"\x16\x03\x01"):
            self.connect().send(part)
            self.peer.receive()
            self.connections.close_idle()
            self.connections.close_idle()
            self.wait(5)
            self.wait(5)
            self.peer.receive()
            self.left()


class BalancerTests(NativeCase):
    def test_the_header_names_the_client(self) -> None:
        self.connect(balanced=True).send(b"PROXY TCP4 198.51.100.7 10.0.0.1 54321 5900\r\n")
        self.peer.send(*NEGOTIATION)
        self.assertEqual(self.peer.receive(), OFFERS)
        self.start_tls().send(plain(b"", self.issue().encode()))
        self.console()
        self.assertEqual(self.tls.receive(), bytes(4))
        self.tls.send(b"\x01")

        self.assertEqual(self.observer.openings[0].client, "198.51.100.7")

    def test_without_a_header_there_is_no_login(self) -> None:
        self.connect(balanced=True).send(*NEGOTIATION)
        self.assertIsNotNone(self.peer.closed)
        self.assertEqual(len(self.connections), 0)

    def test_a_client_at_its_limit_behind_a_balancer(self) -> None:
        self.serve(limits=Limits(connections_per_address=1))
        self.open_listener()
        header = b"PROXY TCP4 198.51.100.7 10.0.0.1 54321 5900\r\n"
        self.connect(balanced=True).send(header, *NEGOTIATION)
        self.start_busy()

        self.connect(balanced=True).send(header, BANNER)

        self.assertIn(b"Too many connections are open from your address.", self.peer.receive())

    def start_busy(self) -> None:
        self.peer.receive()
        self.start_tls().send(plain(b"", self.issue().encode()))
