"""Consent and approval before a console is connected, of our page, on the site in memory."""

from __future__ import annotations

import json
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.frames import CLOSE, PONG, TEXT, masked
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.errors import ApprovalWithdrawn
from vncproxy.model import Decided, Decision, Policy, SessionFilter, SessionPhase, Verdict

TEXT_TO_ACCEPT = "Authorised use only."


class ConsentTestCase(WebSocketTestCase):
    """Our page at links that ask for something."""

    def ask_for(self, **policy: Any) -> None:
        token = self.issue(Policy(**policy))
        target = f"/websockify?token={token}&talks=1"
        self.browse(upgrade(target, "Origin: " + OWN), token)

    def told(self) -> list[dict[str, Any]]:
        """Return what the page was told so far."""
        self.browser.receive()
        texts = [text.decode() for kind, text in self.browser.control if kind == TEXT]
        self.browser.control.clear()
        return [json.loads(text.removeprefix("vncproxy:")) for text in texts]

    def answer(self, accept: object) -> None:
        message = json.dumps({"ask": "consent", "id": 1, "accept": accept})
        self.peer.send(masked(TEXT, message.encode()))

    def decide(self, verdict: Verdict, key: str, person: str = "", reason: str = "") -> Decided:
        (session,) = self.live_sessions()
        decision = Decision(verdict, key, person, reason)
        deciding = self.sessions.decide(session.id, decision)
        decided = self.successResultOf(Deferred.fromCoroutine(deciding))
        assert isinstance(decided, Decided)
        return decided

    def refusal(self) -> tuple[str, int]:
        """Go through a refusal; returns its reason and its close code."""
        self.assertEqual(self.browser.receive()[-12:], b"RFB 003.008\n")
        self.browser.send(b"RFB 003.008\n")
        reason = self.browser.receive()[5:].decode()
        return reason, self.close_code()

    def close_code(self) -> int:
        self.browser.receive()
        (farewell,) = [payload for kind, payload in self.browser.control if kind == CLOSE]
        return int.from_bytes(farewell[:2], "big")

    def state(self) -> SessionPhase:
        (session,) = self.live_sessions()
        return session.state


class BannerTests(ConsentTestCase):
    def test_nothing_is_connected_before_the_page_says_yes(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)

        (message,) = self.told()
        self.assertEqual((message["event"], message["banner"]), ("consent", TEXT_TO_ACCEPT))
        self.assertFalse(message["accepted"])
        self.assertEqual(self.kvm.asked, [])
        self.assertEqual(self.reactor.tcpClients, [])
        self.assertIs(self.state(), SessionPhase.WAITING)

        self.answer(True)
        self.greet()
        self.assertIs(self.state(), SessionPhase.OPEN)

    def test_a_session_without_consent_is_told_nothing(self) -> None:
        self.ask_for()
        self.assertEqual(self.told(), [])
        self.greet()

    def test_the_page_is_told_of_no_approval_that_is_not_needed(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)
        self.told()
        self.answer(True)
        self.assertEqual(self.told(), [{"event": "consent", "given": True}, {"id": 1}])

    def test_declining_gives_the_use_back(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)
        self.answer(False)
        text, code = self.refusal()
        self.assertEqual(code, 4140)
        self.assertIn("left before", text)
        self.assertEqual(self.only_refusal().code, "banner-declined")

        self.browse(
            upgrade(f"/websockify?token={self.token}&talks=1", "Origin: " + OWN), self.token
        )
        (message,) = self.told()
        self.assertEqual(message["banner"], TEXT_TO_ACCEPT)

    def test_a_page_that_leaves_ends_the_wait(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)
        self.peer.close()
        self.assertEqual(self.live_sessions(), [])
        self.assertEqual(self.only_refusal().code, "client-gone")

    def test_the_text_of_the_configuration_comes_first(self) -> None:
        self.open_site(banner="Of all.")
        self.ask_for(banner="Of this.")
        self.assertEqual(self.told()[0]["banner"], "Of all.\n\nOf this.")

    def test_an_answer_that_is_none_changes_nothing(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)
        for wrong in (None, 1, "true", [True]):
            self.answer(wrong)
        self.assertIs(self.state(), SessionPhase.WAITING)
        self.assertEqual(self.kvm.asked, [])

    def test_nothing_in_time_refuses(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)
        for _ in range(36):
            self.wait(25.0)
            self.peer.send(masked(PONG, b""))
        text, code = self.refusal()
        self.assertEqual(code, 4141)
        self.assertIn("did not answer in time", text)

    def test_a_browser_that_does_not_answer_pings_is_gone(self) -> None:
        self.ask_for(banner=TEXT_TO_ACCEPT)
        self.reactor.pump([25.0] * 5)
        self.assertEqual(self.live_sessions(), [])
        self.assertEqual(self.only_refusal().code, "connection-lost")


class ApprovalTests(ConsentTestCase):
    def test_it_opens_when_enough_have_approved(self) -> None:
        self.ask_for(approval=2)
        self.assertEqual(self.told()[0]["needed"], 2)

        self.assertEqual(self.decide(Verdict.APPROVE, "desk", "bob").approval.by, ("bob",))
        self.assertEqual(self.told()[0]["by"], ["bob"])
        self.assertEqual(self.kvm.asked, [])

        self.assertEqual(self.decide(Verdict.APPROVE, "desk", "eve").refused, "")
        self.greet()

    def test_a_banner_and_an_approval_are_both_needed(self) -> None:
        self.ask_for(approval=1, banner=TEXT_TO_ACCEPT)
        self.decide(Verdict.APPROVE, "desk")
        self.assertEqual(self.kvm.asked, [])
        self.answer(True)
        self.greet()

    def test_the_page_is_told_of_a_name_and_not_of_what_is_refused(self) -> None:
        self.ask_for(approval=2)
        self.told()
        self.decide(Verdict.APPROVE, "desk")
        self.assertEqual(self.decide(Verdict.APPROVE, "desk", "bob").refused, "")
        self.assertNotEqual(self.decide(Verdict.APPROVE, "other", "bob").refused, "")
        self.assertEqual([each["by"] for each in self.told()], [["key desk"], ["bob"]])

    def test_a_denial_tells_the_user_why(self) -> None:
        self.ask_for(approval=1)
        self.decide(Verdict.DENY, "desk", reason="not today")
        reason, code = self.refusal()
        self.assertEqual(code, 4031)
        self.assertIn("was denied: not today", reason)

    def test_a_session_that_is_open_takes_no_decision(self) -> None:
        self.ask_for(approval=1)
        self.decide(Verdict.APPROVE, "desk")
        self.greet()
        for verdict in Verdict:
            self.assertFalse(self.decide(verdict, "desk").waits)

    def test_a_withdrawal_ends_what_is_live(self) -> None:
        self.ask_for(approval=1)
        self.decide(Verdict.APPROVE, "desk")
        self.greet()
        (session,) = self.live_sessions()
        ending = self.sessions.end_where(
            ApprovalWithdrawn("by desk"), SessionFilter(tokens=frozenset({session.token_id}))
        )
        self.successResultOf(Deferred.fromCoroutine(ending))
        self.assertEqual(self.close_code(), 4033)

    def test_what_waits_is_listed_and_can_be_ended(self) -> None:
        self.ask_for(approval=2)
        self.decide(Verdict.APPROVE, "desk")
        (session,) = self.live_sessions()
        self.assertEqual(session.approval and session.approval.needed, 2)
        self.assertTrue(self.end_session(session.id))
        _, code = self.refusal()
        self.assertEqual(code, 4010)

    def test_many_that_wait_let_others_open(self) -> None:
        self.open_site(limits=type(self.limits)(openings=1))
        for _ in range(3):
            self.ask_for(approval=1)
        self.ask_for()
        self.greet()

    def test_a_browser_that_comes_back_is_not_asked_again(self) -> None:
        self.ask_for(approval=1)
        self.decide(Verdict.APPROVE, "desk")
        self.greet()
        answer = self.browser.answer
        assert answer is not None
        cookie = answer.header("set-cookie").partition(";")[0]
        self.peer.close()

        target = f"/websockify?token={self.token}&talks=1"
        self.browse(upgrade(target, "Origin: " + OWN, f"Cookie: {cookie}"), self.token)
        self.assertEqual(self.told(), [])
        self.greet()
        (session,) = self.live_sessions()
        self.assertEqual(session.approval and session.approval.needed, 1)
