"""Browsers: the opening handshake, RFB within WebSocket frames, refusals and the resume cookie."""

from __future__ import annotations

import gc
import weakref
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import capturedLogs, formatEvent

from tests.doubles.users import ACCEPT, Answer, Browser, SiteTestCase, upgrade
from tests.relay.relay_contract import BINARY, CLOSE, PING, PONG, masked
from vncproxy.downstream.resume_cookie import resume_cookie_name
from vncproxy.downstream.trust import Trust
from vncproxy.errors import (
    BadRequest,
    ClientGone,
    ConnectionLost,
    ConsoleUnavailable,
    EndedByAdministrator,
    Forbidden,
    StoreUnavailable,
    TokenUsed,
    UpstreamUnreachable,
)
from vncproxy.model import ConsoleType, Policy
from vncproxy.relay.frames import FrameError
from vncproxy.testing import SERVER_INIT


class WebSocketTestCase(SiteTestCase):
    def browse(self, request: bytes | None = None, token: str | None = None) -> Browser:
        """Connect a browser that opens a console."""
        self.token = self.issue() if token is None else token
        self.peer = self.connect()
        self.browser = Browser(
            self.peer, request or upgrade(f"/websockify?token={self.token}", "Origin: " + OWN)
        )
        return self.browser

    def greet(self) -> None:
        """Bring the browser to where bytes flow."""
        self.hypervisor = self.console()
        self.assertEqual(self.browser.hear(), b"RFB 003.008\n")
        self.browser.say(b"RFB 003.008\n")
        self.assertEqual(self.browser.hear(), b"\x01\x01")
        self.browser.say(b"\x01\x01")
        self.assertEqual(self.browser.hear(), bytes(4) + SERVER_INIT)

    def reason(self, browser: Browser | None = None) -> tuple[str, int, str]:
        """Go through an RFB refusal as noVNC does; returns its words, and the close frame's."""
        browser = browser or self.browser
        self.assertEqual(browser.hear(), b"RFB 003.008\n")
        browser.say(b"RFB 003.008\n")
        heard = browser.hear()
        self.assertEqual(heard[0], 0, "security types were offered")
        self.assertEqual(int.from_bytes(heard[1:5], "big"), len(heard) - 5)
        ((kind, farewell),) = browser.control
        self.assertEqual(kind, CLOSE)
        browser.peer.send(masked(CLOSE, farewell))
        browser.hear()
        self.assertIsNotNone(browser.peer.closed)
        return heard[5:].decode(), int.from_bytes(farewell[:2], "big"), farewell[2:].decode()


OWN = "http://localhost:6080"


class HandshakeTests(WebSocketTestCase):
    def test_the_answer_to_an_upgrade(self) -> None:
        browser = self.browse()
        browser.hear()

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
            self.browser.hear()
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
        self.assertEqual((self.store.calls, self.told.refusals), ([], []))
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

        self.assertEqual(self.browser.hear(), b"RFB 003.008\n\x01\x01")

    def test_frames_that_come_while_the_token_is_redeemed_are_kept(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.browse()
        self.browser.say(b"RFB 003.008\n\x01\x01")

        self.store.wait["redeem"].callback(None)
        self.console()

        expected = b"RFB 003.008\n\x01\x01" + bytes(4) + SERVER_INIT
        self.assertEqual(self.browser.hear(), expected)


class SessionTests(WebSocketTestCase):
    def test_bytes_go_both_ways_in_frames(self) -> None:
        self.browse()
        self.greet()

        self.browser.say(b"key")
        self.hypervisor.send(b"pixels")

        self.assertEqual((self.hypervisor.receive(), self.browser.hear()), (b"key", b"pixels"))
        self.assertIs(self.told.openings[0].type, ConsoleType.NOVNC)

    def test_pings_before_the_console_is_there_are_answered(self) -> None:
        self.browse()
        self.browser.hear()

        self.peer.send(masked(PING, b"there?"))

        self.browser.hear()
        self.assertEqual(self.browser.control, [(PONG, b"there?")])

    def test_an_open_console_is_pinged(self) -> None:
        self.browse()
        self.greet()

        self.reactor.pump([1] * 25)

        self.browser.hear()
        self.assertEqual(self.browser.control, [(PING, b"")])

    def test_a_browser_that_is_gone_without_a_word_is_noticed(self) -> None:
        self.browse()
        self.greet()

        self.reactor.pump([1] * 90)

        ((_, why),) = self.told.closings
        self.assertIsInstance(why, ConnectionLost)
        self.assertIsNotNone(self.peer.closed)

    def test_an_administrator_ends_it_with_code_and_words(self) -> None:
        self.browse()
        self.greet()

        self.sessions.end_where(EndedByAdministrator())

        self.browser.hear()
        self.assertEqual(
            self.browser.control, [(CLOSE, b"\x0f\xaaAn administrator ended this console.")]
        )

    def test_a_frame_that_is_not_masked_ends_it(self) -> None:
        self.browse()
        self.greet()

        self.peer.send(b"\x82\x01x")

        ((_, why),) = self.told.closings
        self.assertIsInstance(why, FrameError)

    def test_a_connection_that_is_over_is_not_kept_alive(self) -> None:
        self.browse()
        self.greet()
        gone = weakref.ref(self.peer)
        self.peer.send(masked(CLOSE))
        self.browser.hear()
        self.hypervisor.close()

        del self.peer, self.browser, self.hypervisor
        gc.collect()

        self.assertIsNone(gone())
        self.assertEqual(self.reactor.getDelayedCalls(), [])


class RefusalTests(WebSocketTestCase):
    def test_no_token(self) -> None:
        self.browse(upgrade("/"))

        words, code, farewell = self.reason()

        said = f"The link has no valid token. Ask for a new console link. (id {self.refusal_id()})"
        self.assertEqual(words, said)
        self.assertEqual((code, farewell), (4000, words))
        self.assertIsInstance(self.only_refusal(), BadRequest)

    def test_a_token_that_is_used(self) -> None:
        token = self.issue()
        self.browse(upgrade(f"/?token={token}"))
        self.browse(upgrade(f"/?token={token}"))

        words, code, _ = self.reason()

        said = "This console link is not valid any more. Ask for a new one."
        self.assertEqual(words, f"{said} (id {self.refusal_id()})")
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

        words = f"The virtual machine is shut off. (id {self.refusal_id()})"
        self.assertEqual(self.reason(), (words, 4100, words))

    def test_a_hypervisor_that_cannot_be_reached(self) -> None:
        self.browse()
        self.reactor.refuse()

        ((info, error),) = self.told.refusals
        words, code, _ = self.reason()

        self.assertIn(f"Ask your administrator, id {info.id}.", words)
        self.assertEqual(code, 4101)
        self.assertIsInstance(error, UpstreamUnreachable)

    def test_an_old_viewer_is_told_in_its_version(self) -> None:
        self.browse(upgrade("/"))
        self.browser.hear()

        self.browser.say(b"RFB 003.003\n")

        self.assertEqual(self.browser.hear()[:8], b"\0\0\0\0\0\0\0\x46")

    def test_a_browser_that_says_nothing_is_told_by_the_close_frame(self) -> None:
        self.browse(upgrade("/"))
        self.browser.hear()

        self.wait(5)
        self.browser.hear()
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
            self.browser.say(said)
            self.assertIn(b"RFB 003.008\n\x01\x01", self.browser.hear())

            self.sessions.end_where(EndedByAdministrator())
            if said.endswith(b"\n"):
                self.browser.say(b"\x01")

            self.assertNotIn(b"RFB", self.browser.hear())
            ((kind, farewell),) = self.browser.control
            self.assertEqual((kind, farewell[:2]), (CLOSE, b"\x0f\xaa"))

    def test_a_foreign_page(self) -> None:
        for origin in ("https://evil.example", "null"):
            self.setUp()
            self.browse(upgrade(f"/?token={self.issue()}", f"Origin: {origin}"))

            words = f"This console cannot be opened from here. (id {self.refusal_id()})"
            self.assertEqual(self.reason()[:2], (words, 4003))
            self.assertIsInstance(self.only_refusal(), Forbidden)
            self.assertEqual(self.store.calls, ["redeem", "restore"])

    def test_a_page_that_the_token_allows(self) -> None:
        token = self.issue(Policy(allowed_origins=("https://portal.example",)))

        self.browse(upgrade(f"/?token={token}", "Origin: https://portal.example"))

        self.greet()


class LeavingTests(WebSocketTestCase):
    def left(self) -> None:
        self.wait(5)
        self.assertIsInstance(self.only_refusal(), ClientGone)
        self.assertEqual(self.store.calls, ["redeem", "restore"])
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.sessions.list(), [])

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
        self.browser.hear()

        self.peer.send(masked(CLOSE, b"\x03\xe9"))

        self.browser.hear()
        self.assertEqual(self.browser.control, [(CLOSE, b"\x03\xe9")])
        self.left()

    def test_with_a_close_frame_behind_the_handshake(self) -> None:
        self.store.wait["redeem"] = Deferred()
        self.browse()
        self.peer.send(masked(CLOSE))

        self.store.wait["redeem"].callback(None)
        self.browser.hear()

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

        ((_, why),) = self.told.closings
        self.assertIsInstance(why, ClientGone)
        self.assertEqual(self.store.calls, ["redeem", "confirm"])
        self.assertIsNotNone(self.hypervisor.closed)


class CookieTests(WebSocketTestCase):
    def cookie(self) -> str:
        self.browser.hear()
        assert self.browser.answer is not None
        return self.browser.answer.header("set-cookie")

    def test_an_upgrade_sets_a_resume_cookie(self) -> None:
        self.browse()

        value, *attributes = self.cookie().split("; ")

        name, _, secret = value.partition("=")
        self.assertEqual(name, resume_cookie_name(self.token))
        self.assertRegex(secret, r"\A[A-Za-z0-9_-]{43}\Z")
        self.assertEqual(attributes, ["Path=/", "Max-Age=600", "HttpOnly", "SameSite=Strict"])

    def test_a_site_that_is_https_sets_it_for_https(self) -> None:
        self.trust = replace(self.trust, secure=True, cookie_path="/consoles/")
        self.open_site()
        self.browse()

        self.assertTrue(self.cookie().endswith("; Secure"))
        self.assertIn("; Path=/consoles/; ", self.cookie_of_answer())

    def set_by(self, policy: Policy | None = None, **trust: Any) -> str:
        self.trust = replace(self.trust, **trust)
        self.open_site()
        self.token = self.issue(policy)
        self.browse()
        return self.cookie()

    def test_a_page_that_others_may_embed_over_https_sets_one_that_frames_send(self) -> None:
        portal = "https://portal.example"
        for found in (
            self.set_by(embedders=(portal,), secure=True),
            self.set_by(Policy(allowed_origins=(portal,)), secure=True),
        ):
            self.assertTrue(found.endswith("; HttpOnly; SameSite=None; Secure; Partitioned"), found)

    def test_without_https_no_browser_would_take_such_a_cookie(self) -> None:
        found = self.set_by(embedders=("http://portal.example",), secure=False)

        self.assertTrue(found.endswith("; HttpOnly; SameSite=Strict"), found)

    def test_the_oldest_of_too_many_are_removed(self) -> None:
        old = [resume_cookie_name(str(n)) for n in range(111)]
        token = self.issue()
        header = "; ".join(["other=1", *(f"{name}=secret" for name in old)])
        self.browse(upgrade(f"/?token={token}", f"Cookie: {header}"))
        self.browser.hear()
        assert self.browser.answer is not None

        own, *removed = self.browser.answer.headers["set-cookie"]
        self.assertTrue(own.startswith(resume_cookie_name(token)))
        self.assertEqual(
            removed,
            [f"{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Strict" for name in old[:5]],
        )

    def cookie_of_answer(self) -> str:
        assert self.browser.answer is not None
        return self.browser.answer.header("set-cookie")

    def test_the_cookie_reenters_and_is_not_set_again(self) -> None:
        self.browse()
        value = self.cookie().partition(";")[0]
        self.greet_after_upgrade()
        self.peer.close()

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"))
        self.greet()

        self.assertEqual(self.told.refusals, [])
        assert self.browser.answer is not None
        self.assertNotIn("set-cookie", self.browser.answer.headers)

    def greet_after_upgrade(self) -> None:
        self.console()
        self.browser.say(b"RFB 003.008\n\x01\x01")
        self.browser.hear()

    def test_a_second_tab_takes_the_console_over_and_the_first_is_told(self) -> None:
        self.browse()
        value = self.cookie().partition(";")[0]
        self.greet_after_upgrade()
        first = self.browser

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"), self.token)
        first.hear()

        words = b"This console was opened again in another tab or window."
        self.assertEqual(first.control, [(CLOSE, (4114).to_bytes(2, "big") + words)])
        self.greet()

    def test_a_cookie_whose_session_never_opened_gives_no_second_session(self) -> None:
        self.browse()
        silent, value = self.browser, self.cookie().partition(";")[0]
        self.console()
        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"), self.token)
        self.greet()
        silent.peer.close()
        self.wait(10)
        live = self.browser

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {value}"), self.token)

        self.assertEqual(self.reason()[1], 4001)
        live.say(b"key")
        self.assertEqual(self.hypervisor.receive(), b"key")

    def test_another_browser_cannot_reenter(self) -> None:
        self.browse()
        name = self.cookie().partition("=")[0]
        self.greet_after_upgrade()

        self.browse(upgrade(f"/?token={self.token}", f"Cookie: {name}=guess-guess-guess"))

        self.assertEqual(self.reason()[1], 4001)

    def test_a_refused_token_sets_none(self) -> None:
        self.browse(upgrade("/?token=0123456789abcdef"))
        self.browser.hear()

        assert self.browser.answer is not None
        self.assertNotIn("set-cookie", self.browser.answer.headers)


class SecrecyTests(WebSocketTestCase):
    def test_nothing_that_is_logged_shows_a_token_or_a_cookie(self) -> None:
        self.trust = Trust(frozenset())
        self.open_site()
        with capturedLogs() as events:
            self.browse()
            self.greet()
            cookie = self.browser.answer.header("set-cookie") if self.browser.answer else ""
            self.sessions.end_where(EndedByAdministrator())
            for spoilt in (
                upgrade(f"/?token={self.token}", version="1.0"),
                upgrade(f"/?token={self.token}#fragment"),
                upgrade(f"/ x?token={self.token}"),
                upgrade(f"//[?token={self.token}"),
                upgrade(f"/?token={self.token}").replace(b"-Key", b"-No"),
                upgrade(f"/?token={self.token}", "Origin: https://evil.example"),
            ):
                self.connect().send(spoilt)
            self.wait(60)

        self.assertNotEqual(events, [])
        self.assertNotIn(self.token, str(events))
        secret = cookie.partition("=")[2].partition(";")[0]
        self.assertNotIn(secret, str(events))
