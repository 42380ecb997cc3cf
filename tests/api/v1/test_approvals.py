from __future__ import annotations

from dataclasses import replace

from tests.doubles.api import NOW, ApiTestCase, session
from vncproxy.api import Scope
from vncproxy.consent.approvals import Approvals
from vncproxy.consent.consent import Consent
from vncproxy.errors import ApprovalDenied, ApprovalWithdrawn
from vncproxy.model import Approval, SessionPhase, VMAddress

ID = "7f3a0001"


class ApprovalTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.key = self.add_key("desk", Scope.APPROVE)
        self.serve()

    def wait_for(self, needed: int = 2, *, banner: str = "", user: str = "alice") -> Consent:
        """Add a session that waits."""
        approval = Approval(needed) if needed else None
        state = SessionPhase.WAITING
        self.sessions.add(replace(session(ID, user=user), state=state, approval=approval))
        consent = Consent(banner, Approvals(needed, user), NOW)
        self.sessions.waiting[ID] = consent
        return consent


class ListTests(ApprovalTestCase):
    def test_sessions_that_wait_for_approval_are_listed(self) -> None:
        self.sessions.add(session("open"))
        self.assertEqual(self.call("GET", "/v1/approvals").body, {"approvals": []})
        self.wait_for(2)
        (shown,) = self.call("GET", "/v1/approvals").body["approvals"]
        self.assertEqual((shown["id"], shown["state"]), (ID, "waiting"))
        self.assertEqual(shown["approval"], {"needed": 2, "by": []})

    def test_those_that_wait_for_a_text_only_are_not(self) -> None:
        self.wait_for(0, banner="text")
        self.assertEqual(self.call("GET", "/v1/approvals").body, {"approvals": []})

    def test_administrators_cannot_approve(self) -> None:
        self.wait_for()
        self.key = self.add_key("root", Scope.ADMIN, Scope.READ)
        self.serve()
        for method, path in (
            ("GET", "/v1/approvals"),
            ("POST", f"/v1/sessions/{ID}/approve"),
            ("DELETE", f"/v1/sessions/{ID}/approve"),
            ("POST", f"/v1/sessions/{ID}/deny"),
        ):
            answer = self.call(method, path, {} if method == "POST" else None)
            self.assertRefused(answer, 403, "forbidden", None)


class DecisionTests(ApprovalTestCase):
    def test_the_key_and_a_person_approve(self) -> None:
        consent = self.wait_for(2)
        answer = self.call("POST", f"/v1/sessions/{ID}/approve", {})
        expected = {"session": ID, "needed": 2, "by": ["key desk"], "ended": 0}
        self.assertEqual((answer.status, answer.body), (200, expected))
        self.key = self.add_key("other", Scope.APPROVE)
        self.serve()
        self.call("POST", f"/v1/sessions/{ID}/approve", {"by": "bob"})
        self.assertFalse(consent.waits)

    def test_conflicts_are_told_in_words(self) -> None:
        self.wait_for(1, user="bob")
        answer = self.call("POST", f"/v1/sessions/{ID}/approve", {"by": "Bob"})
        self.assertRefused(answer, 409, "approval-conflict", None)
        self.assertIn("cannot approve", answer.body["error"]["message"])
        answer = self.call("DELETE", f"/v1/sessions/{ID}/approve")
        self.assertIn("has not approved", answer.body["error"]["message"])
        self.call("POST", f"/v1/sessions/{ID}/approve", {})
        answer = self.call("POST", f"/v1/sessions/{ID}/approve", {"by": "eve"})
        self.assertIn("does not wait", answer.body["error"]["message"])

    def test_a_denial_has_a_reason(self) -> None:
        consent = self.wait_for(1)
        body = {"by": "bob", "reason": "not today"}
        self.assertEqual(self.call("POST", f"/v1/sessions/{ID}/deny", body).status, 200)
        why = self.failureResultOf(consent.given, ApprovalDenied).value
        self.assertEqual(why.sentence(), "The approval for this console was denied: not today")

    def test_bodies_are_checked(self) -> None:
        self.wait_for(1)
        for body, field in (({"by": ""}, "by"), ({"by": "a\n"}, "by"), ({"who": "a"}, "who")):
            answer = self.call("POST", f"/v1/sessions/{ID}/approve", body)
            self.assertRefused(answer, 422, "invalid-field", field)
        answer = self.call("POST", f"/v1/sessions/{ID}/deny", {"reason": "x" * 201})
        self.assertRefused(answer, 422, "invalid-field", "reason")

    def test_a_withdrawal_while_it_waits(self) -> None:
        self.wait_for(2)
        self.call("POST", f"/v1/sessions/{ID}/approve", {"by": "bob"})
        answer = self.call("DELETE", f"/v1/sessions/{ID}/approve?by=bob")
        self.assertEqual(answer.body, {"session": ID, "needed": 2, "by": [], "ended": 0})

    def test_a_withdrawal_ends_what_is_open(self) -> None:
        self.sessions.add(replace(session(ID), approval=Approval(2)))
        answer = self.call("DELETE", f"/v1/sessions/{ID}/approve")
        self.assertEqual(answer.body, {"session": ID, "needed": 2, "by": [], "ended": 1})
        self.assertIsInstance(self.sessions.ended[ID], ApprovalWithdrawn)

    def test_what_needs_no_approval_has_none_to_withdraw(self) -> None:
        self.sessions.add(session(ID))
        answer = self.call("DELETE", f"/v1/sessions/{ID}/approve")
        self.assertRefused(answer, 409, "approval-conflict", None)

    def test_sessions_of_other_machines_are_not_there(self) -> None:
        self.sessions.add(session(ID, vm=VMAddress("esx", "mail")))
        self.key = self.add_key("kvm-only", Scope.APPROVE, backends=("kvm",))
        self.serve()
        for session_id in (ID, "none"):
            answer = self.call("POST", f"/v1/sessions/{session_id}/approve", {})
            self.assertRefused(answer, 404, "session-unknown", None)
