"""Browsers: the opening handshake, RFB within WebSocket frames, refusals and the resume cookie."""

from __future__ import annotations

import gc
import weakref

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from tests.doubles.frames import BINARY, CLOSE, PING, PONG, masked
from tests.doubles.users import ACCEPT, Answer, upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.errors import ClientGone, ConnectionLost, ProxyDraining, Superseded
from vncproxy.model import ConsoleType
from vncproxy.relay.framing import FrameError
from vncproxy.testing import SERVER_INIT


class HandshakeTests(WebSocketTestCase):
    def test_the_answer_to_an_upgrade(self) -> None:
        browser = self.browse()
        browser.receive()

        answer = browser.answer
        assert answer is not None
        self.assertEqual(answer.line, "HTTP/1.1 101 Switching Protocols")
        self.assertEqual(answer.header("upgrade").lower(), "websocket")
        self.assertEqual(answer.header("connection"), "Upgrade")
        self.assertEqual(answer.header("sec-websocket-accept"), ACCEPT)
        self.assertEqual(answer.header("server"), "vncproxy")
        self.assertNotIn("sec-websocket-protocol", answer.headers)
        self.assertNotIn("sec-websocket-extensions", answer.headers)

    def test_any_path(self) -> None:
        for path in ("/", "/websockify", "//websockify", "/vnc_lite.html", "/no/such", "/healthz"):
            self.setUp()
            self.browse(upgrade(f"{path}?token={self.issue()}"))
            self.greet()

    def test_subprotocols(self) -> None:
        for offered, chosen in (
            ("binary", ["binary"]),
            ("binary, base64", ["binary"]),
            ("base64, binary", ["binary"]),
            ("chat", []),
        ):
            self.setUp()
            self.browse(upgrade(f"/?token={self.issue()}", f"Sec-WebSocket-Protocol: {offered}"))
            self.browser.receive()
            assert self.browser.answer is not None

            self.assertEqual(
                self.browser.answer.headers.get("sec-websocket-protocol", []), chosen, offered
            )

    def refused_upgrade(self, request: bytes, status: int) -> Answer:
        """Make sure that a handshake is refused in HTTP, and no session begun."""
        self.setUp()
        self.peer = self.connect()
        self.peer.send(request)

        answer = Answer.parse(self.peer.receive())

        self.assertEqual(answer.status, status)
        self.assertIsNotNone(self.peer.closed)
        self.assertEqual((self.store.calls, self.observer.refusals), ([], []))
        self.wait(15)
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        return answer

    def test_base64_alone_is_refused(self) -> None:
        answer = self.refused_upgrade(upgrade("/", "Sec-WebSocket-Protocol: base64"), 400)

        self.assertIn("HTTP/1.1 400 only the binary subprotocol is spoken here", answer.line)

    def test_handshakes_that_are_none(self) -> None:
        good = upgrade("/?token=x")
        self.refused_upgrade(upgrade("/?token=x", version="1.0"), 505)
        self.refused_upgrade(good.replace(b"GET", b"POST"), 405)
        self.refused_upgrade(good.replace(b"-Version: 13", b"-Version: 7"), 400)
        self.refused_upgrade(good.replace(b"Sec-WebSocket-Key", b"X"), 400)
        self.refused_upgrade(good.replace(b"Host", b"X"), 400)
        self.refused_upgrade(good.replace(b"keep-alive, Upgrade", b"close"), 400)
        self.refused_upgrade(upgrade("/", "Origin: not an origin"), 400)

    def test_what_is_wrong_is_told_in_words_of_our_own(self) -> None:
        good = upgrade("/?token=x")
        for spoiled in (
            good.replace(b"-Version: 13", b"-Version: " + b"\x1b[31m" * 2000),
            good.replace(b"-Key: ", b"-Key: \x1b[2J\x9b" + b"k" * 12000),
            good.replace(b"localhost:6080", b"localhost:\x1b[31m"),
            upgrade("/", "Origin: \x1b]0;title\x07"),
            upgrade("/", "Sec-WebSocket-Protocol: \x1b[1m,\x1b[1m"),
            good.replace(b"websocket", b"websocket"[:9]).replace(b"keep-alive, U", b"\x1b[1m"),
        ):
            with capturedLogs() as events:
                answer = self.refused_upgrade(spoiled, 400)

            (line,) = [formatEvent(event) for event in events if "refused" in formatEvent(event)]
            self.assertLess(len(line), 300)
            self.assertTrue(line.isprintable(), line)
            self.assertEqual(answer.header("server"), "vncproxy")
            self.assertEqual(answer.header("sec-websocket-version"), "13")
            self.assertIn("not a WebSocket handshake that is understood", answer.line)
            self.assertTrue(answer.line.isprintable() and len(answer.line) < 200)
            self.assertEqual([event for event in events if "autobahn" in str(event)], [])

    def test_a_handshake_in_single_bytes(self) -> None:
        self.browse(b"G")

        for byte in upgrade(f"/?token={self.token}")[1:]:
            self.peer.send(bytes([byte]))

        self.greet()

    def test_a_handshake_that_is_none_is_cut_when_the_browser_does_not_close(self) -> None:
        self.peer = self.connect()

        self.peer.send(upgrade("/", "Sec-WebSocket-Protocol: base64"))
        self.assertIsNone(self.peer.closed)
        self.wait(5)

        self.assertIsNotNone(self.peer.closed)

    def test_a_slow_store_is_waited_for(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.browse()
        self.wait(30)

        self.store.wait["redeem"].callback(None)

        self.greet()

    def test_frames_behind_the_handshake_are_kept(self) -> None:
        token = self.issue()
        early = masked(BINARY, b"RFB 003.008\n")
        self.browse(upgrade(f"/?token={token}") + early[:7])
        self.peer.send(early[7:])

        self.console()

        self.assertEqual(self.browser.receive(), b"RFB 003.008\n\x01\x01")

    def test_frames_that_come_while_the_token_is_redeemed_are_kept(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.browse()
        self.browser.send(b"RFB 003.008\n\x01\x01")

        self.store.wait["redeem"].callback(None)
        self.console()

        expected = b"RFB 003.008\n\x01\x01" + bytes(4) + SERVER_INIT
        self.assertEqual(self.browser.receive(), expected)


class SessionTests(WebSocketTestCase):
    def test_bytes_go_both_ways_in_frames(self) -> None:
        self.browse()
        self.greet()

        self.browser.send(b"key")
        self.hypervisor.send(b"pixels")

        self.assertEqual((self.hypervisor.receive(), self.browser.receive()), (b"key", b"pixels"))
        self.assertIs(self.observer.openings[0].type, ConsoleType.NOVNC)

    def test_pings_before_the_console_is_there_are_answered(self) -> None:
        self.browse()
        self.browser.receive()

        self.peer.send(masked(PING, b"there?"))

        self.browser.receive()
        self.assertEqual(self.browser.control, [(PONG, b"there?")])

    def test_an_open_console_is_pinged(self) -> None:
        self.browse()
        self.greet()

        self.reactor.pump([1] * 25)

        self.browser.receive()
        self.assertEqual(self.browser.control, [(PING, b"")])

    def test_a_browser_that_is_gone_without_a_word_is_noticed(self) -> None:
        self.browse()
        self.greet()

        self.reactor.pump([1] * 90)

        ((_, why),) = self.observer.closings
        self.assertIsInstance(why, ConnectionLost)
        self.assertIsNotNone(self.peer.closed)

    def test_an_administrator_ends_it_with_code_and_words(self) -> None:
        self.browse()
        self.greet()

        self.end_sessions()

        self.browser.receive()
        self.assertEqual(
            self.browser.control, [(CLOSE, b"\x0f\xaaAn administrator ended this console.")]
        )

    def test_a_frame_that_is_not_masked_ends_it(self) -> None:
        self.browse()
        self.greet()

        self.peer.send(b"\x82\x01x")

        ((_, why),) = self.observer.closings
        self.assertIsInstance(why, FrameError)

    def test_a_connection_that_is_over_is_not_kept_alive(self) -> None:
        self.browse()
        self.greet()
        gone = weakref.ref(self.peer)
        self.peer.send(masked(CLOSE))
        self.browser.receive()
        self.hypervisor.close()

        del self.peer, self.browser, self.hypervisor
        gc.collect()

        self.assertIsNone(gone())
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class MovingTests(WebSocketTestCase):
    """A page is asked to move, and what it has typed before arrives."""

    def setUp(self) -> None:
        super().setUp()
        token = self.issue()
        self.browse(upgrade(f"/websockify?token={token}&moves=1", "Origin: " + OWN))
        self.greet()
        self.hypervisor.receive()
        (self.session,) = self.sessions.snapshot()

    def test_a_page_is_asked_by_a_text_message(self) -> None:
        self.assertTrue(self.session.user_request.can_move)

        self.session.ask_to_move(ProxyDraining())

        self.assertEqual(self.browser.receive(), b"")
        self.assertEqual(self.browser.control, [(0x81, b"vncproxy:move")])

    def test_what_it_sends_before_it_leaves_is_served(self) -> None:
        self.session.ask_to_move(ProxyDraining())
        leaving = ProxyDraining.close_code.to_bytes(2, "big")

        self.browser.send(b"a key")
        self.peer.send(masked(BINARY, b" and another") + masked(CLOSE, leaving))

        self.assertEqual(self.hypervisor.receive(), b"a key and another")
        self.wait(5)
        self.assertEqual([type(why) for _, why in self.observer.closings], [ProxyDraining])

    def test_what_it_sends_is_served_also_when_it_has_entered_elsewhere_already(self) -> None:
        self.session.ask_to_move(ProxyDraining())
        self.session.cancel(Superseded("by another proxy's session"))

        self.browser.send(b"a key")

        self.assertEqual(self.hypervisor.receive(), b"a key")
        self.session.cancel(ProxyDraining())  # as the drain does in the end
        self.wait(5)
        self.assertEqual([type(why) for _, why in self.observer.closings], [ProxyDraining])

    def test_one_that_is_closed_by_its_user_meanwhile_has_left(self) -> None:
        self.session.ask_to_move(ProxyDraining())

        self.peer.send(masked(CLOSE, (1000).to_bytes(2, "big")))
        self.wait(5)

        self.assertEqual([type(why) for _, why in self.observer.closings], [ClientGone])

    def test_one_that_was_not_asked_cannot_say_so(self) -> None:
        self.peer.send(masked(CLOSE, ProxyDraining.close_code.to_bytes(2, "big")))
        self.wait(5)

        self.assertEqual([type(why) for _, why in self.observer.closings], [ClientGone])

    def test_one_that_does_not_answer_is_sent_away(self) -> None:
        self.session.ask_to_move(ProxyDraining())
        self.browser.receive()
        self.browser.control.clear()

        self.session.cancel(ProxyDraining())
        self.browser.receive()

        ((kind, farewell),) = self.browser.control
        self.assertEqual((kind, farewell[:2]), (CLOSE, (4116).to_bytes(2, "big")))
