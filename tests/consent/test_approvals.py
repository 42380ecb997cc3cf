from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.consent.approvals import Approvals
from vncproxy.model import Decision, Verdict


def given(key: str, person: str = "") -> Decision:
    return Decision(Verdict.APPROVE, key, person)


class ApprovalsTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.approvals = Approvals(2, "alice")

    def test_a_key_counts_once(self) -> None:
        self.assertEqual(self.approvals.approve(given("desk")), "")
        self.assertIn("already", self.approvals.approve(given("desk")))
        self.assertEqual(self.approvals.approvers, ("key desk",))

    def test_people_behind_one_key_count_each(self) -> None:
        for person in ("bob", "eve"):
            self.assertEqual(self.approvals.approve(given("portal", person)), "")
        self.assertTrue(self.approvals.enough)

    def test_one_person_counts_once_whichever_key_and_spelling(self) -> None:
        self.approvals.approve(given("portal", "Bob  Smith"))
        for key, person in (("portal", "bob smith"), ("other", " BOB SMITH ")):
            self.assertIn("already", self.approvals.approve(given(key, person)))
        self.assertFalse(self.approvals.enough)

    def test_a_key_and_a_person_behind_it_count_once(self) -> None:
        self.approvals.approve(given("portal"))
        self.approvals.approve(given("portal", "bob"))
        self.assertEqual(self.approvals.approvers, ("bob",))

    def test_a_key_that_names_its_person_later_has_that_person_in_its_place(self) -> None:
        self.approvals.approve(given("desk"))
        self.assertEqual(self.approvals.approve(given("desk", "bob")), "")
        self.assertEqual(self.approvals.approvers, ("bob",))
        self.assertIn("already", self.approvals.approve(given("desk")))
        self.assertEqual(self.approvals.withdraw(given("desk", "bob")), "")
        self.assertEqual(self.approvals.approvers, ())

    def test_what_is_refused_does_not_count_later(self) -> None:
        self.approvals.approve(given("portal", "bob"))
        self.assertIn("already", self.approvals.approve(given("other", "bob")))
        self.approvals.withdraw(given("portal", "bob"))
        self.assertEqual(self.approvals.approvers, ())

    def test_a_person_and_a_key_of_the_same_name_count_once(self) -> None:
        self.approvals.approve(given("ann"))
        self.assertIn("already", self.approvals.approve(given("portal", " Ann")))
        self.assertEqual(self.approvals.approvers, ("key ann",))
        others = Approvals(2, "alice")
        others.approve(given("portal", "ann"))
        self.assertIn("already", others.approve(given("ann")))
        self.assertEqual(others.approvers, ("ann",))

    def test_a_key_of_the_user_approves_in_nobody_s_name(self) -> None:
        self.assertIn("cannot approve", self.approvals.approve(given("alice", "x")))
        self.assertEqual(self.approvals.approvers, ())

    def test_nobody_approves_of_a_session_of_their_own(self) -> None:
        for decision in (given("portal", "Alice"), given("alice")):
            self.assertIn("cannot approve", self.approvals.approve(decision))
        self.assertEqual(self.approvals.approvers, ())

    def test_what_is_withdrawn_counts_no_more(self) -> None:
        self.approvals.approve(given("portal", "bob"))
        self.approvals.approve(given("portal", "eve"))
        self.assertEqual(self.approvals.withdraw(given("portal", "bob")), "")
        self.assertEqual(self.approvals.approvers, ("eve",))
        self.assertEqual(self.approvals.withdraw(given("portal")), "")
        self.assertEqual(self.approvals.approvers, ())

    def test_only_a_key_of_its_own_withdraws(self) -> None:
        self.approvals.approve(given("portal", "bob"))
        for decision in (given("other"), given("other", "bob"), given("portal", "eve")):
            self.assertIn("has not approved", self.approvals.withdraw(decision))
        self.assertEqual(self.approvals.approvers, ("bob",))
