"""Sessions that one browser opens again by its resume cookie."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.sessions import GREETING, SessionTestCase, User
from vncproxy.errors import (
    OverLimit,
    StoreUnavailable,
    Superseded,
    TokenUsed,
)
from vncproxy.model import Limits, SessionLease
from vncproxy.session.session import Session


class SameBrowserTests(SessionTestCase):
    """One live session for each resume cookie: the newest."""

    def again(self, **more: Any) -> tuple[User, Session]:
        """Come again with the same link and cookie, as F5 does; returns what was before."""
        before = self.user, self.session
        resume = self.user.cookie
        self.user = User(self)
        self.open(self.user_request(self.session.user_request.token, resume=resume, **more))
        self.user.cookie = self.user.cookie or resume
        return before

    def test_the_older_session_ends_at_once(self) -> None:
        self.open()

        user, session = self.again()

        ((info, why),) = self.observer.closings
        self.assertEqual((info.id, type(why)), (session.id, Superseded))
        self.assertTrue(user.peer.half_closed)
        self.assertEqual([info.id for info in self.live_sessions()], [self.session.id])

    def test_the_older_one_of_three_and_so_on(self) -> None:
        self.open()
        for _ in range(5):
            self.again()

        self.assertEqual(len(self.live_sessions()), 1)
        self.assertEqual([type(why) for _, why in self.observer.closings], [Superseded] * 5)

    def test_a_try_that_is_still_opening_ends(self) -> None:
        secret = self.issue()
        self.begin(self.user_request(secret))
        opening, cookie = self.user, self.user.cookie
        self.console()
        self.user = User(self)

        self.open(self.user_request(secret, resume=cookie))
        self.wait(5)

        ((error, _),) = opening.refusals
        self.assertIsInstance(error, Superseded)
        self.assertEqual(len(self.live_sessions()), 1)
        self.assertNotEqual(self.user.cookie, cookie)

    def test_a_session_is_replaced_also_at_the_moment_when_it_would_open(self) -> None:
        self.serve(limits=Limits(openings=1))
        secret = self.issue()
        self.begin(self.user_request(secret))
        first, session = self.user, self.session
        newer = User(self)
        self.begin(self.user_request(secret, resume=first.cookie), newer)  # waits for its turn

        self.console()
        first.peer.send(GREETING)

        ((error, _),) = first.refusals
        self.assertIsInstance(error, Superseded)
        self.assertEqual(self.observer.openings, [])
        self.console()
        newer.peer.send(GREETING)
        ((info),) = self.observer.openings
        self.assertEqual(info.id, self.session.id)
        self.assertNotEqual(info.id, session.id)
        self.wait(10)
        self.assertEqual([each.id for each in self.live_sessions()], [self.session.id])

    def test_one_use_gives_no_second_session_whatever_is_closed(self) -> None:
        secret, cookie = self.issue(), None
        users = []
        for _ in range(5):
            self.user = User(self)
            self.begin(self.user_request(secret, resume=cookie))
            cookie = self.user.cookie or cookie
            users.append(self.user)
        del self.reactor.tcpClients[:-1]  # those were given up
        self.console()
        self.user.peer.send(GREETING)
        for user in users[:-1]:
            user.peer.close()
        self.wait(10)
        self.assertEqual(len(self.live_sessions()), 1)

        self.user = User(self)
        self.begin(self.user_request(secret))

        ((error, _),) = self.user.refusals
        self.assertIsInstance(error, TokenUsed)

    def test_it_takes_the_place_of_the_older_one_in_every_limit(self) -> None:
        for limits in (
            Limits(sessions=1),
            Limits(sessions_per_address=1),
            Limits(sessions_per_vm=1),
            Limits(sessions_per_user=1),
        ):
            self.setUp()
            self.serve(limits=limits)
            self.open()
            self.again()
            self.again()
            self.assertEqual(self.observer.refusals, [])

    def test_one_at_another_process_is_named_to_be_ended_there(self) -> None:
        self.serve(worker_id="here")
        named: list[tuple[str, ...]] = []
        self.sessions.replace_elsewhere = lambda *names: named.append(names)
        self.open()
        self.again()
        self.assertEqual(named, [])  # it was ended here

        secret, session = self.issue(), SessionLease("1", "there", "198.51.100.9", Limits())
        redeem = self.store.redeem(secret, lease=session)
        grant = self.successResultOf(Deferred.fromCoroutine(redeem))
        self.successResultOf(Deferred.fromCoroutine(self.store.confirm(grant)))
        self.user = User(self)
        self.open(self.user_request(secret, resume=grant.resume_secret))
        self.assertEqual(named, [("there/1", f"session {self.session.id}", "superseded")])

    def test_another_browser_has_no_place_to_take(self) -> None:
        self.serve(limits=Limits(sessions_per_address=1))
        self.open()
        for resume in (None, "guess-guess-guess"):
            user = User(self)
            self.begin(self.user_request(resume=resume), user)
            self.assertIsInstance(user.refusals[0][0], OverLimit)

    def test_the_cookie_of_another_link_has_no_place_to_take(self) -> None:
        self.serve(limits=Limits(sessions=1))
        self.open()
        user = User(self)
        self.begin(self.user_request(resume=self.user.cookie), user)
        self.assertIsInstance(user.refusals[0][0], OverLimit)

    def test_a_try_that_is_refused_ends_no_other_session(self) -> None:
        self.open()
        self.store.fail["redeem"] = StoreUnavailable("redis is away")
        user = User(self)
        self.begin(
            self.user_request(self.session.user_request.token, resume=self.user.cookie), user
        )

        self.assertIsInstance(user.refusals[0][0], StoreUnavailable)
        self.assertEqual((self.observer.closings, len(self.live_sessions())), ([], 1))

    def test_many_tries_at_once_count_one_too_many_at_most(self) -> None:
        self.serve(limits=Limits(sessions_per_address=1))
        self.open()
        token, cookie = self.session.user_request.token, self.user.cookie
        self.store.wait["redeem"] = Deferred()
        users = [User(self) for _ in range(5)]
        for user in users:
            self.begin(self.user_request(token, resume=cookie), user)

        self.assertEqual(len(self.live_sessions()), 2)
        self.assertEqual(sum(bool(user.refusals) for user in users), 4)

    def test_nothing_is_left_in_the_counters(self) -> None:
        self.serve(limits=Limits(sessions_per_address=1, sessions_per_vm=1))
        self.open()
        self.again()
        self.user.peer.close()
        self.observer.closings.clear()
        self.user = User(self)

        self.open()

        self.assertEqual(self.observer.closings, [])
        self.assertEqual(len(self.live_sessions()), 1)

    def test_stopping_waits_for_one_that_is_being_replaced(self) -> None:
        self.open()
        user, _ = self.again()

        stopped = Deferred.fromCoroutine(self.sessions.stop())
        self.wait(5)

        self.successResultOf(stopped)
        self.assertIsNotNone(user.peer.closed)
