"""From an endpoint to a console's leg, over connections in memory."""

from __future__ import annotations

import os
import socket
from dataclasses import replace
from functools import partial
from typing import Any

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.error import ConnectionLost
from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure

from tests.doubles.proxy_in_memory import ProxyTestCase
from vncproxy.errors import (
    ConsoleInUse,
    UpstreamRefused,
    UpstreamUnreachable,
    UpstreamViolation,
    VNCProxyError,
)
from vncproxy.model import ConsoleEndpoint, HTTPConnect, RFBSecurity, Timeouts, Transport
from vncproxy.testing import SERVER_INIT, MemoryPeer, ScriptedRFBServer, rfb_script
from vncproxy.upstream import Console, background, open_console, try_login

V4 = ConsoleEndpoint(Transport.TCP, host="192.0.2.10", port=5900)


class ReachTests(ProxyTestCase):
    def reach(self, endpoint: ConsoleEndpoint = V4, **timeouts: float) -> Deferred[Console]:
        limits = Timeouts(**timeouts)
        self.reaching = Deferred.fromCoroutine(open_console(endpoint, limits, self.reactor))
        return self.reaching

    def error(self, kind: type[VNCProxyError]) -> str:
        return str(self.failureResultOf(self.reaching, kind).value)

    def test_a_console_is_reached_and_what_follows_is_kept(self) -> None:
        self.reach()

        near = self.console(ScriptedRFBServer(partial(rfb_script, greeting=b"pixels")))

        console = self.successResultOf(self.reaching)
        self.assertEqual(console.server_init, SERVER_INIT)
        got: list[bytes] = []
        console.leg.deliver(got.append)
        console.leg.send(b"key")
        self.assertEqual((got, near.receive()), ([b"pixels"], b"key"))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_addresses_are_dialled_without_a_resolver(self) -> None:
        for host in ("192.0.2.10", "2001:db8::10"):
            self.reach(ConsoleEndpoint(Transport.TCP, host=host, port=5901))

            dialled: Any = self.reactor.tcpClients.pop(0)
            self.assertEqual(dialled[:2], (host, 5901))

    def test_a_unix_socket_is_dialled(self) -> None:
        self.reach(ConsoleEndpoint(Transport.UNIX, path="/run/vm.sock"))

        self.assertEqual(self.reactor.unixClients[0][0], "/run/vm.sock")

    def test_a_refused_connection(self) -> None:
        self.reach()

        self.reactor.refuse()

        told = self.error(UpstreamUnreachable)
        self.assertIn("tcp:192.0.2.10:5900: Connection was refused", told)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_connection_that_is_not_made_in_time(self) -> None:
        self.reach(connect=5)

        self.wait(5)

        told = self.error(UpstreamUnreachable)
        self.assertEqual(told, "tcp:192.0.2.10:5900: no answer within 5 s, timeouts.connect")

    def test_a_name_that_cannot_be_one(self) -> None:
        self.reach(ConsoleEndpoint(Transport.TCP, host="\udcff", port=5900))

        self.error(UpstreamUnreachable)

    def test_a_name_that_leads_to_this_machine_is_left_before_a_word_is_said(self) -> None:
        for peer in ("127.0.1.1", "::ffff:127.0.0.1", "::1"):
            self.reach(replace(V4, host="192.0.2.10", allow_loopback=False))

            near = self.reactor.accept(peer=peer)

            told = self.error(UpstreamUnreachable)
            self.assertIn(f"192.0.2.10 is {peer} here, which is this machine", told)
            self.assertIn('"192.0.2.10" = "…"', told)
            self.wait(5)
            self.assertEqual(near.receive(), b"")
            self.assertIsNotNone(near.closed)

    def test_one_that_an_operator_wrote_may(self) -> None:
        for allowed, peer in ((True, "127.0.0.1"), (False, "192.0.2.10")):
            self.reach(replace(V4, allow_loopback=allowed))
            near = self.reactor.accept(peer=peer)
            near.send(b"RFB 003.008\n")
            self.assertEqual(near.receive(), b"RFB 003.008\n")

    def test_a_handshake_that_is_not_over_in_time_is_closed(self) -> None:
        self.reach(handshake=10, linger=5)
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n")
        self.wait(9.9)
        self.assertNoResult(self.reaching)

        self.wait(0.1)
        self.assertIn("not over within 10 s", self.error(UpstreamViolation))
        self.wait(5)

        self.assertIsNotNone(near.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_server_that_fails_without_a_reason_and_stays_is_a_refusal_soon(self) -> None:
        endpoint = replace(V4, handshakes=(RFBSecurity("pw"),))
        self.reach(endpoint)
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n", b"\x01\x02", bytes(16), b"\0\0\0\1")

        self.wait(1.9)
        self.assertNoResult(self.reaching)
        self.wait(0.1)

        told = self.error(UpstreamRefused)
        self.assertEqual(told, "authentication failed: result 1")
        self.wait(5)

    def test_a_time_limit_names_the_step(self) -> None:
        self.reach(replace(V4, handshakes=(RFBSecurity(),)), handshake=10)
        near = self.reactor.accept()
        self.wait(6)
        near.send(b"RFB 003.008\n", b"\x01\x01", bytes(4))

        self.wait(4)

        self.assertEqual(
            self.error(UpstreamViolation),
            "tcp:192.0.2.10:5900: handshake not over within 10 s, waiting for its ServerInit "
            "message",
        )
        self.wait(5)

    def test_a_server_that_closes_after_its_banner(self) -> None:
        self.reach()
        near = self.reactor.accept()

        near.send(b"RFB 003.008\n")
        near.close()

        self.assertIn("closed after 0 bytes", self.error(UpstreamViolation))
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_server_that_resets(self) -> None:
        self.reach()

        self.reactor.accept().reset()

        self.error(UpstreamViolation)

    def test_a_connection_that_the_server_does_not_know_is_made_again(self) -> None:
        self.reach(handshake=10)
        near = self.reactor.accept()
        self.wait(2)

        near.reset()

        self.assertNoResult(self.reaching)
        self.console(ScriptedRFBServer())
        self.assertEqual(self.successResultOf(self.reaching).server_init, SERVER_INIT)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_all_of_them_together_have_one_time_limit(self) -> None:
        self.reach(handshake=10)
        for _ in range(4):
            near = self.reactor.accept()
            self.wait(2)
            near.reset()
        self.reactor.accept()
        self.wait(2)

        self.assertIn("not over within 10 s", self.error(UpstreamViolation))
        self.wait(5)

    def test_one_that_a_server_closes_or_knows_is_not_made_again(self) -> None:
        for spoken, end in ((b"", "close"), (b"RFB 003", "reset")):
            self.reach()
            near = self.reactor.accept()
            near.send(spoken)
            self.wait(2)

            getattr(near, end)()

            self.error(UpstreamViolation)

    def test_nor_one_by_a_descriptor_which_is_good_once(self) -> None:
        adopted: list[Any] = []

        def adopt(fd: int, family: int, factory: Any) -> None:
            adopted.append(factory.buildProtocol(None))
            adopted[-1].makeConnection(StringTransport())

        self.reactor.adoptStreamConnection = adopt  # type: ignore[method-assign]
        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        self.reach(ConsoleEndpoint(Transport.FD, fd=ours.detach()))
        self.wait(2)

        adopted[0].connectionLost(Failure(ConnectionLost()))

        self.assertIn("closed after 0 bytes", self.error(UpstreamViolation))

    def test_nor_one_through_a_tunnel_which_has_been_asked_for_something(self) -> None:
        self.reach(ConsoleEndpoint(Transport.TCP, "192.0.2.10", 80, handshakes=TUNNEL))
        near = self.reactor.accept()
        self.wait(2)

        near.reset()

        self.error(UpstreamViolation)

    def test_a_server_that_speaks_something_else(self) -> None:
        self.reach()

        self.reactor.accept().send(b"SSH-2.0-OpenSSH_9.2p1\r\n")

        self.assertIn("not an RFB banner", self.error(UpstreamViolation))
        self.wait(5)

    def test_a_server_that_floods_a_reply_without_end(self) -> None:
        self.reach(ConsoleEndpoint(Transport.TCP, "192.0.2.10", 80, handshakes=TUNNEL))
        near = self.reactor.accept()

        near.send(*[bytes(1000)] * 100)

        self.assertIn("no end within", self.error(UpstreamViolation))
        self.wait(5)

    def test_rfb_in_the_same_segment_as_the_reply_to_connect(self) -> None:
        self.reach(ConsoleEndpoint(Transport.TCP, "192.0.2.10", 80, handshakes=TUNNEL))
        near = self.reactor.accept()
        self.assertEqual(near.receive(), b"CONNECT /console?ref=1 HTTP/1.1\r\n\r\n")

        near.send(b"HTTP/1.1 200 OK\r\n\r\nRFB 003.008\n\x01\x01" + bytes(4) + SERVER_INIT)

        self.assertEqual(self.successResultOf(self.reaching).server_init, SERVER_INIT)

    def test_a_tunnel_that_is_refused(self) -> None:
        self.reach(ConsoleEndpoint(Transport.TCP, "192.0.2.10", 80, handshakes=TUNNEL))

        self.reactor.accept().send(b"HTTP/1.1 404 Not Found\r\n\r\n")

        self.assertIn("404 Not Found", self.error(UpstreamRefused))
        self.wait(5)

    def test_cancelling_while_connecting(self) -> None:
        self.reach()

        self.reaching.cancel()

        self.failureResultOf(self.reaching, CancelledError)
        self.wait(5)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_connection_that_is_made_after_cancelling_is_logged_in_on_and_closed(self) -> None:
        self.reach(linger=5)

        self.reaching.cancel()
        self.failureResultOf(self.reaching, CancelledError)
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n\x01\x01", bytes(4))

        self.assertTrue(near.half_closed)
        self.wait(5)
        self.assertIsNotNone(near.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_cancelling_while_shaking_hands_logs_in_and_closes_then(self) -> None:
        for said in range(4):
            with self.subTest(said=said):
                self.reach(replace(V4, handshakes=(RFBSecurity("pw"),)), linger=5)
                near = self.reactor.accept()
                words = [b"RFB 003.008\n", b"\x01\x02", bytes(16), bytes(4)]
                near.send(*words[:said])

                self.reaching.cancel()
                self.failureResultOf(self.reaching, CancelledError)
                self.assertFalse(near.half_closed)
                near.send(*words[said:])

                heard = near.receive()
                self.assertEqual((heard[:13], len(heard)), (b"RFB 003.008\n\x02", 29))
                self.assertTrue(near.half_closed)
                self.wait(5)
                self.assertIsNotNone(near.closed)
                self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_server_that_is_left_alone_and_falls_silent_is_closed_in_time(self) -> None:
        self.reach(handshake=10, linger=5)
        near = self.reactor.accept()
        self.reaching.cancel()
        self.failureResultOf(self.reaching, CancelledError)

        self.wait(10)
        self.assertTrue(near.half_closed)
        self.wait(5)

        self.assertIsNotNone(near.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_few_handshakes_at_most_go_on_alone(self) -> None:
        self.patch(background, "MAX_IN_BACKGROUND", 2)
        self.patch(background, "_in_background", set())
        peers = []
        for _ in range(3):
            self.reach()
            peers.append(self.reactor.accept())
            self.reaching.cancel()
            self.failureResultOf(self.reaching, CancelledError)

        self.assertEqual([peer.half_closed for peer in peers], [False, False, True])
        self.wait(10)
        self.assertEqual([peer.half_closed for peer in peers], [True, True, True])
        self.wait(5)

    def test_a_defect_in_a_handshake_that_is_left_alone_stands_in_the_log(self) -> None:
        nonsense: Any = ("a handshake that is none",)
        self.reach(replace(V4, handshakes=nonsense))
        near = self.reactor.accept()
        self.reaching.cancel()
        self.failureResultOf(self.reaching, CancelledError)

        near.send(b"RFB 003.008\n\x01\x01")

        self.assertEqual(len(self.flushLoggedErrors(AttributeError)), 1)
        self.assertTrue(near.half_closed)
        self.wait(5)

    def test_cancelling_once_the_screen_is_asked_for_closes_at_once(self) -> None:
        self.reach(replace(V4, handshakes=(RFBSecurity(),)))
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n\x01\x01", bytes(4))
        self.assertTrue(near.receive().endswith(b"\x01"))

        self.reaching.cancel()

        self.failureResultOf(self.reaching, CancelledError)
        self.assertTrue(near.half_closed)
        self.wait(5)

    def test_a_server_that_closes_instead_of_a_screen_has_another_viewer(self) -> None:
        self.reach(replace(V4, handshakes=(RFBSecurity(),)))
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n\x01\x01", bytes(4))

        near.close()

        told = self.error(ConsoleInUse)
        self.assertIn("closed after 0 bytes, waiting for its ServerInit message", told)

    def test_a_login_alone_asks_for_no_screen(self) -> None:
        login = Deferred.fromCoroutine(
            try_login(replace(V4, handshakes=(RFBSecurity(),)), Timeouts(), self.reactor)
        )
        near = self.reactor.accept()
        near.send(b"RFB 003.008\n\x01\x01", bytes(4))

        self.assertEqual(near.receive(), b"RFB 003.008\n\x01")
        self.assertTrue(near.half_closed)
        near.close()
        self.successResultOf(login)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_descriptor_that_is_not_a_socket_is_closed(self) -> None:
        fd, other = os.pipe()
        self.addCleanup(os.close, other)

        self.reach(ConsoleEndpoint(Transport.FD, fd=fd))

        self.error(UpstreamUnreachable)
        self.assertRaises(OSError, os.fstat, fd)

    def test_a_descriptor_is_handed_to_the_reactor_and_closed(self) -> None:
        import socket

        ours, theirs = socket.socketpair()
        self.addCleanup(theirs.close)
        adopted: list[int] = []

        def adopt(fd: int, family: int, factory: Any) -> None:
            adopted.append(family)
            MemoryPeer(factory.buildProtocol(None)).close()

        self.reactor.adoptStreamConnection = adopt  # type: ignore[method-assign]
        fd = ours.detach()

        self.reach(ConsoleEndpoint(Transport.FD, fd=fd))

        self.error(UpstreamViolation)
        self.assertEqual(adopted, [socket.AF_UNIX])
        self.assertRaises(OSError, os.fstat, fd)


TUNNEL = (HTTPConnect("/console?ref=1"), RFBSecurity())
