"""Browsers that are refused, and browsers that leave."""

from __future__ import annotations

from ipaddress import IPv4Network

from twisted.internet.address import IPv4Address
from twisted.internet.defer import Deferred

from tests.doubles.frames import CLOSE, masked
from tests.doubles.users import Answer, upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.downstream.forwarded import Forwarding
from vncproxy.downstream.trust import Trust
from vncproxy.errors import (
    BadRequest,
    ClientGone,
    ConsoleUnavailable,
    Forbidden,
    ProxyDraining,
    StoreUnavailable,
    TokenUsed,
    UpstreamUnreachable,
)
from vncproxy.model import Policy
from vncproxy.testing import MemoryPeer


class RefusalTests(WebSocketTestCase):
    def test_no_token(self) -> None:
        self.browse(upgrade("/"))

        sentence, code, farewell = self.reason()

        said = f"The link has no valid token. Ask for a new console link. (id {self.refusal_id()})"
        self.assertEqual(sentence, said)
        self.assertEqual((code, farewell), (4000, sentence))
        self.assertIsInstance(self.only_refusal(), BadRequest)

    def test_a_token_that_is_used(self) -> None:
        token = self.issue()
        self.browse(upgrade(f"/?token={token}"))
        self.browse(upgrade(f"/?token={token}"))

        sentence, code, _ = self.reason()

        said = "This console link is not valid any more. Ask for a new one."
        self.assertEqual(sentence, f"{said} (id {self.refusal_id()})")
        self.assertEqual(code, 4001)
        self.assertIsInstance(self.only_refusal(), TokenUsed)

    def test_a_store_that_fails_at_once_or_later(self) -> None:
        for wait in (False, True):
            self.setUp()
            self.store.fail["redeem"] = StoreUnavailable("redis is away")
            if wait:
                self.store.wait["redeem"] = Deferred()
            self.browse()
            if wait:
                self.assertEqual(self.peer.receive(), b"")
                self.store.wait["redeem"].callback(None)

            self.assertEqual(self.reason()[1], 4102)

    def test_a_machine_that_is_off(self) -> None:
        self.kvm.consoles["web-01"] = ConsoleUnavailable("shut off")
        self.browse()

        sentence = f"The virtual machine is shut off. (id {self.refusal_id()})"
        self.assertEqual(self.reason(), (sentence, 4100, sentence))

    def test_a_hypervisor_that_cannot_be_reached(self) -> None:
        self.browse()
        self.reactor.refuse()

        ((info, error),) = self.observer.refusals
        sentence, code, _ = self.reason()

        self.assertIn(f"Ask your administrator, id {info.id}.", sentence)
        self.assertEqual(code, 4101)
        self.assertIsInstance(error, UpstreamUnreachable)

    def test_an_old_viewer_is_told_in_its_version(self) -> None:
        self.browse(upgrade("/"))
        self.browser.receive()

        self.browser.send(b"RFB 003.003\n")

        self.assertEqual(self.browser.receive()[:8], b"\0\0\0\0\0\0\0\x4e")

    def test_a_browser_that_says_nothing_is_told_by_the_close_frame(self) -> None:
        self.browse(upgrade("/"))
        self.browser.receive()

        self.wait(5)
        self.browser.receive()
        self.assertEqual(self.browser.control[0][1][:2], b"\x0f\xa0")
        self.wait(5)

        self.assertIsNotNone(self.peer.closed)
        self.assertEqual(self.reactor.getDelayedCalls(), [])

    def test_a_browser_that_leaves_during_its_refusal(self) -> None:
        self.browse(upgrade("/"))

        self.peer.reset()

        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertIsInstance(self.only_refusal(), BadRequest)

    def test_an_end_while_the_viewer_is_greeted_is_told_at_once(self) -> None:
        for said in (b"RFB 003.008\n", b"RFB 003.008\n\x01"):
            self.setUp()
            self.browse()
            self.console()
            self.browser.send(said)
            self.assertIn(b"RFB 003.008\n\x01\x01", self.browser.receive())

            self.end_sessions()
            if said.endswith(b"\n"):
                self.browser.send(b"\x01")

            self.assertNotIn(b"RFB", self.browser.receive())
            ((kind, farewell),) = self.browser.control
            self.assertEqual((kind, farewell[:2]), (CLOSE, b"\x0f\xaa"))

    def test_a_foreign_page(self) -> None:
        for origin in ("https://evil.example", "null"):
            self.setUp()
            self.browse(upgrade(f"/?token={self.issue()}", f"Origin: {origin}"))

            sentence = f"This console cannot be opened from here. (id {self.refusal_id()})"
            self.assertEqual(self.reason()[:2], (sentence, 4003))
            self.assertIsInstance(self.only_refusal(), Forbidden)
            self.assertEqual(self.store.calls, ["redeem"])

    def test_a_page_that_the_token_allows(self) -> None:
        token = self.issue(Policy(allowed_origins=("https://portal.example",)))

        self.browse(upgrade(f"/?token={token}", "Origin: https://portal.example"))

        self.greet()


class BehindReverseProxyTests(WebSocketTestCase):
    """A reverse proxy may ask another server when this one is being emptied."""

    proxy = IPv4Address("TCP", "192.0.2.80", 40000)
    trust = Trust(origins=frozenset({OWN}), forwarding=Forwarding((IPv4Network("192.0.2.80/32"),)))

    def ask_for_console(self, address: IPv4Address) -> MemoryPeer:
        peer = self.connect(address=address)
        peer.send(upgrade(f"/websockify?token={self.issue()}", "Origin: " + OWN))
        return peer

    def test_it_is_refused_in_http_while_draining(self) -> None:
        self.sessions.draining = True

        peer = self.ask_for_console(self.proxy)

        answer = Answer.parse(peer.receive())
        sentence = "The console service is restarting. Reconnect in a moment."
        self.assertEqual(answer.status, 503)
        self.assertEqual(answer.body.decode(), f"{sentence} (id {self.refusal_id()})\n")
        self.assertIsNotNone(peer.closed)

    def test_a_session_that_moves_before_it_has_begun_is_refused_in_http_too(self) -> None:
        self.store.wait["redeem"] = Deferred()
        peer = self.ask_for_console(self.proxy)

        self.sessions.snapshot()[0].cancel(ProxyDraining())
        self.store.wait["redeem"].callback(None)

        self.assertEqual(Answer.parse(peer.receive()).status, 503)
        self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_a_browser_without_a_reverse_proxy_is_told_in_words(self) -> None:
        self.sessions.draining = True

        peer = self.ask_for_console(IPv4Address("TCP", "198.51.100.7", 40000))

        self.assertEqual(Answer.parse(peer.receive()).status, 101)

    def test_other_refusals_go_through_the_reverse_proxy_in_words(self) -> None:
        peer = self.connect(address=self.proxy)

        peer.send(upgrade(f"/websockify?token={'A' * 43}", "Origin: " + OWN))

        self.assertEqual(Answer.parse(peer.receive()).status, 101)


class LeavingTests(WebSocketTestCase):
    def left(self) -> None:
        self.wait(5)
        self.assertIsInstance(self.only_refusal(), ClientGone)
        self.assertEqual(self.store.calls, ["redeem", "restore"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.live_sessions(), [])

    def test_while_the_token_is_redeemed(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.browse()

        self.peer.close()
        self.store.wait["redeem"].callback(None)

        self.left()
        self.assertEqual(self.peer.receive(), b"")

    def test_while_the_console_is_connected(self) -> None:
        self.browse()

        self.peer.close()

        self.left()

    def test_with_a_close_frame(self) -> None:
        self.browse()
        self.browser.receive()

        self.peer.send(masked(CLOSE, b"\x03\xe9"))

        self.browser.receive()
        self.assertEqual(self.browser.control, [(CLOSE, b"\x03\xe9")])
        self.left()

    def test_with_a_close_frame_behind_the_handshake(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.browse()
        self.peer.send(masked(CLOSE))

        self.store.wait["redeem"].callback(None)
        self.browser.receive()

        self.left()

    def test_during_the_greeting(self) -> None:
        self.browse()
        near = self.console()

        self.peer.close()

        self.left()
        self.assertIsNotNone(near.closed)

    def test_in_mid_session(self) -> None:
        self.browse()
        self.greet()

        self.peer.close()
        self.wait(5)

        ((_, why),) = self.observer.closings
        self.assertIsInstance(why, ClientGone)
        self.assertEqual(self.store.calls, ["redeem", "confirm"])
        self.assertIsNotNone(self.hypervisor.closed)
