"""Sessions that share their machine with no others, and what users are told of each other."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.sessions import GREETING, SessionTestCase, User
from vncproxy.errors import (
    ApprovalWithdrawn,
    ConsoleOccupied,
    EndedByAdministrator,
    Forbidden,
    MayTakeBack,
    OutsideHours,
    Superseded,
    TakenOver,
    UserElsewhere,
    ViewerMessageRefused,
    VNCProxyError,
)
from vncproxy.model import (
    KEPT,
    Decision,
    Grant,
    Limits,
    Ousted,
    Policy,
    SessionLease,
    Sharing,
    Verdict,
    VMAddress,
)
from vncproxy.session.session import Session

EXCLUSIVE, TAKE_OVER = Policy(sharing=Sharing.EXCLUSIVE), Policy(sharing=Sharing.TAKE_OVER)


class SharingCase(SessionTestCase):
    def come(self, policy: Policy, user: str = "alice", **more: Any) -> tuple[Session, User]:
        """Open a console with a new link; returns the session and its user's side."""
        self.user = User(self)
        self.open(self.user_request(self.issue(policy=policy, user=user), **more))
        return self.session, self.user

    def again(self, session: Session, user: User, **more: Any) -> None:
        """Come again with the same link and cookie."""
        self.user = User(self)
        request = self.user_request(session.user_request.token, resume=user.cookie, **more)
        self.open(request)

    def refusal(self, policy: Policy, user: str = "bob", **more: Any) -> VNCProxyError:
        """Come with a new link, and return why it opens nothing."""
        self.user = User(self)
        self.begin(self.user_request(self.issue(policy=policy, user=user), **more))
        ((error, _),) = self.user.refusals
        return error

    def reasons(self) -> list[VNCProxyError]:
        return [why for _, why in self.observer.closings]


class OccupiedTests(SharingCase):
    def test_who_comes_later_is_told_since_when_somebody_else_is_there(self) -> None:
        session, _ = self.come(EXCLUSIVE)
        self.wait(125)
        for policy in (Policy(), EXCLUSIVE):
            error = self.refusal(policy)
            self.assertIsInstance(error, ConsoleOccupied)
            self.assertRegex(
                error.sentence(),
                r"^Somebody else has had this console open since \d\d:\d\d \(UTC\)\. "
                r"Try again when it is closed\.$",
            )
            self.assertIn(f"session {session.id} of user 'alice'", error.detail)
            self.assertIn("for 125 s", error.detail)
        self.assertEqual(self.uses_given_back(), 0)

    def test_the_other_one_is_named_where_the_configuration_says_so(self) -> None:
        self.serve(show_users=True)
        self.come(EXCLUSIVE)
        self.assertTrue(self.refusal(Policy()).sentence().startswith("alice has had this console"))
        self.session.cancel(EndedByAdministrator())

    def test_users_are_told_of_their_own_other_session(self) -> None:
        self.come(EXCLUSIVE)
        mine = self.refusal(EXCLUSIVE, user="alice").sentence()
        self.assertTrue(mine.startswith("You have had this console open since"), mine)

    def test_since_yesterday_is_said_with_the_day(self) -> None:
        self.come(EXCLUSIVE)
        self.wait(86_500)
        self.assertRegex(
            self.refusal(Policy()).sentence(), r"since \d{4}-\d\d-\d\d \d\d:\d\d \(UTC\)"
        )

    def test_a_long_name_leaves_room_for_the_rest(self) -> None:
        self.serve(show_users=True)
        self.come(EXCLUSIVE, "a" * 5000)
        self.assertLess(len(self.refusal(Policy()).sentence().encode()), 124)

    def test_the_refused_link_is_good_when_the_other_is_gone_for_good(self) -> None:
        session, _ = self.come(EXCLUSIVE)
        link = self.issue(user="bob")
        user = User(self)
        self.begin(self.user_request(link), user)
        self.assertEqual(len(user.refusals), 1)
        session.cancel(EndedByAdministrator())
        self.user = User(self)
        self.open(self.user_request(link))

    def test_it_is_kept_for_its_browser_when_the_connection_breaks(self) -> None:
        session, user = self.come(EXCLUSIVE)
        user.peer.close()
        self.assertIsInstance(self.refusal(Policy()), ConsoleOccupied)
        self.again(session, user)
        self.user.peer.close()
        self.wait(KEPT + 1)
        self.come(Policy(), "bob")

    def test_it_is_kept_for_another_link_of_the_same_user_too(self) -> None:
        _, user = self.come(EXCLUSIVE)
        user.peer.close()
        self.assertIsInstance(self.refusal(EXCLUSIVE), ConsoleOccupied)
        self.come(EXCLUSIVE)

    def test_what_never_opened_keeps_nothing(self) -> None:
        self.begin(self.user_request(self.issue(policy=EXCLUSIVE)))
        self.reactor.refuse()
        self.come(Policy(), "bob")


class TakeOverTests(SharingCase):
    def test_the_others_end_and_are_told(self) -> None:
        self.come(Policy())
        self.come(Policy(), "carol")
        session, _ = self.come(TAKE_OVER, "bob")
        for why in self.reasons():
            self.assertEqual(type(why), TakenOver)
            self.assertEqual(why.sentence(), "Another user has taken this console over.")
            self.assertEqual(why.detail, f"by session {session.id} of bob")
        self.assertEqual([info.id for info in self.live_sessions()], [session.id])

    def test_who_may_do_so_too_may_take_it_back_and_is_told_by_whom(self) -> None:
        self.serve(show_users=True)
        first, user = self.come(TAKE_OVER)
        self.come(TAKE_OVER, "bob")
        (why,) = self.reasons()
        self.assertEqual(
            (type(why), why.sentence()), (MayTakeBack, "bob has taken this console over.")
        )

        self.again(first, user, takes=True)
        self.assertEqual(self.reasons()[1].sentence(), "alice has taken this console over.")
        self.assertEqual(len(self.live_sessions()), 1)

    def test_a_page_that_comes_back_by_itself_ends_nobody(self) -> None:
        first, user = self.come(TAKE_OVER)
        self.come(TAKE_OVER, "bob")
        again = User(self)
        request = self.user_request(first.user_request.token, resume=user.cookie)
        self.begin(request, again)
        ((error, _),) = again.refusals
        self.assertIsInstance(error, MayTakeBack)
        self.assertRegex(error.sentence(), r"^Somebody else has had this console since \d\d:\d\d")
        self.assertEqual(len(self.live_sessions()), 1)

    def test_one_s_own_other_browser_is_said_to_be_it(self) -> None:
        self.come(TAKE_OVER)
        self.come(TAKE_OVER)
        (why,) = self.reasons()
        self.assertEqual(why.sentence(), "You have taken this console over from another place.")

    def test_one_that_still_opens_is_taken_over_too(self) -> None:
        opening = User(self)
        self.begin(self.user_request(self.issue(policy=TAKE_OVER)), opening)
        self.console()
        self.come(TAKE_OVER, "bob")
        ((error, _),) = opening.refusals
        self.assertIsInstance(error, TakenOver)
        self.assertEqual(len(self.live_sessions()), 1)

    def test_one_of_another_process_is_named_to_be_ended_there(self) -> None:
        self.serve(worker_id="here")
        named: list[tuple[str, ...]] = []
        self.sessions.replace_elsewhere = lambda *names: named.append(names)
        lease = SessionLease("1", "there", "198.51.100.9", Limits())
        self.successResultOf(self.redeemed(self.issue(), lease))
        session, _ = self.come(TAKE_OVER, "bob")
        self.assertEqual(named, [("there/1", f"session {session.id} of bob", "taken-over")])

    def redeemed(self, secret: str, lease: SessionLease) -> Deferred[Grant]:
        return Deferred.fromCoroutine(self.store.redeem(secret, lease=lease))

    def test_an_open_session_keeps_no_list_of_those_that_it_ended(self) -> None:
        self.come(Policy())
        session, _ = self.come(TAKE_OVER, "bob")
        assert session.grant is not None
        self.assertEqual(session.grant.ousted, ())


class ForbiddenTests(SharingCase):
    """A user whom the policy does not let in ends no session of others."""

    HOME = (ip_network("203.0.113.0/24"),)

    def forbidden(self, policy: Policy, **request: Any) -> None:
        first, _ = self.come(Policy())
        bobs = self.issue(policy=policy, user="bob")
        for _ in range(2):
            user = User(self)
            self.begin(self.user_request(bobs, **request), user)
            ((error, _),) = user.refusals
            self.assertIsInstance(error, Forbidden)
        self.assertEqual(self.reasons(), [])
        self.assertEqual([info.id for info in self.live_sessions()], [first.id])

    def test_from_another_network(self) -> None:
        self.forbidden(replace(TAKE_OVER, client_networks=self.HOME))

    def test_from_another_page(self) -> None:
        self.forbidden(TAKE_OVER, untrusted_origin="https://evil.example")

    def test_another_session_of_the_same_user(self) -> None:
        self.serve(limits=Limits(one_session_per_user=True))
        first, _ = self.come(Policy())
        self.refusal(replace(Policy(), client_networks=self.HOME), user="alice")
        self.assertEqual([info.id for info in self.live_sessions()], [first.id])

    def test_who_takes_the_machine_back_by_a_cookie_from_elsewhere(self) -> None:
        first, user = self.come(replace(TAKE_OVER, client_networks=self.HOME), client="203.0.113.7")
        second, _ = self.come(TAKE_OVER, "bob")
        again = User(self)
        request = self.user_request(first.user_request.token, resume=user.cookie, takes=True)
        self.begin(request, again)
        ((error, _),) = again.refusals
        self.assertIsInstance(error, Forbidden)
        self.assertEqual([info.id for info in self.live_sessions()], [second.id])

    def test_its_audit_line_names_the_link(self) -> None:
        error = self.refusal(replace(Policy(), client_networks=self.HOME))
        self.assertIsInstance(error, Forbidden)
        self.assertEqual(self.session.user, "bob")
        self.assertTrue(self.session.token_id)


class LostTests(SharingCase):
    """A machine that another process has given away while this one was not announced."""

    def test_the_session_that_lost_it_ends(self) -> None:
        session, _ = self.come(EXCLUSIVE)
        self.sessions.end_lost(session.id, "there/7f", "bob", "taken-over")
        (why,) = self.reasons()
        self.assertEqual(type(why), TakenOver)
        self.assertEqual(why.detail, "by session 7f of bob")

    def test_one_of_the_same_browser_ends_as_superseded(self) -> None:
        session, _ = self.come(EXCLUSIVE)
        self.sessions.end_lost("gone", "there/7f", "", "superseded")
        self.assertEqual(self.reasons(), [])
        self.sessions.end_lost(session.id, "there/7f", "", "superseded")
        (why,) = self.reasons()
        self.assertEqual(type(why), Superseded)


class KeptTests(SharingCase):
    def test_it_is_not_kept_after_an_end_for_good(self) -> None:
        for n, why in enumerate((OutsideHours(), ApprovalWithdrawn(), ViewerMessageRefused())):
            session, _ = self.come(EXCLUSIVE)
            session.cancel(why)
            self.come(Policy(), f"user-{n}")
            self.session.cancel(EndedByAdministrator())


class OneOfAUserTests(SharingCase):
    def test_a_user_s_newest_session_ends_the_others(self) -> None:
        self.serve(limits=Limits(one_session_per_user=True))
        self.kvm.consoles["db-01"] = self.kvm.consoles["web-01"]
        self.come(Policy(), "bob")
        self.come(Policy())
        self.user = User(self)
        self.open(self.user_request(self.issue(vm=VMAddress("kvm", "db-01"))))
        (why,) = self.reasons()
        self.assertIsInstance(why, UserElsewhere)
        self.assertEqual(len(self.live_sessions()), 2)


class WaitingTests(SharingCase):
    """A session that waits takes nothing from others before it has what it waits for."""

    def wait_for(self, policy: Policy, user: str = "alice") -> Session:
        self.user = User(self)
        self.begin(self.user_request(self.issue(policy=policy, user=user)))
        self.user.peer.send(GREETING)
        return self.session

    def decide(self, session: Session, verdict: Verdict) -> None:
        deciding = self.sessions.decide(session.id, Decision(verdict, "desk"))
        self.successResultOf(Deferred.fromCoroutine(deciding))

    def test_one_of_a_user_ends_the_others_when_it_is_approved(self) -> None:
        self.serve(limits=Limits(one_session_per_user=True))
        self.come(Policy())
        waiting = self.wait_for(Policy(approval=1))
        self.assertEqual(self.reasons(), [])
        self.decide(waiting, Verdict.APPROVE)
        (why,) = self.reasons()
        self.assertIsInstance(why, UserElsewhere)

    def test_one_that_is_denied_ends_none(self) -> None:
        self.serve(limits=Limits(one_session_per_user=True))
        self.come(Policy())
        self.decide(self.wait_for(Policy(approval=1)), Verdict.DENY)
        self.assertEqual(self.reasons(), [])
        self.assertEqual(len(self.live_sessions()), 1)

    def test_a_machine_is_taken_when_the_text_of_all_is_accepted(self) -> None:
        self.come(Policy())
        self.sessions.services = replace(self.sessions.services, banner="Of all.")
        waiting = self.wait_for(TAKE_OVER, "bob")
        self.assertEqual(self.reasons(), [])
        assert waiting.consent is not None
        waiting.consent.accept()
        (why,) = self.reasons()
        self.assertIsInstance(why, TakenOver)


class CompanyTests(SharingCase):
    def test_it_is_told_when_a_machine_has_others(self) -> None:
        told: list[VMAddress] = []
        self.sessions.on_company = told.append
        first, _ = self.come(Policy())
        self.assertEqual(told, [])  # nothing is asked for one that is alone
        self.come(Policy(), "bob")
        first.cancel(EndedByAdministrator())
        self.assertEqual(told, [VMAddress("kvm", "web-01")] * 2)
        self.session.cancel(EndedByAdministrator())
        self.assertEqual(len(told), 2)

    def test_what_is_ousted_has_a_name_and_a_reason(self) -> None:
        self.assertEqual(Ousted("w/1", "taken-over"), ("w/1", "taken-over"))
