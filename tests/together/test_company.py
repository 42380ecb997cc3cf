"""Several pages at one machine in one process: who is told what, and who drives."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.proxy_in_memory import WEB_01
from tests.doubles.sessions import GREETING, SessionTestCase, User
from vncproxy.errors import BadRequest, Busy, ClientGone, Forbidden, VNCProxyError
from vncproxy.model import (
    ConsoleType,
    Decision,
    JoinKind,
    Joins,
    Mode,
    Policy,
    SessionPhase,
    Sharing,
    Token,
    Verdict,
)
from vncproxy.rfb.server_init import desktop_name
from vncproxy.session.session import Session
from vncproxy.together.driving import HOLD, Seat
from vncproxy.together.handing import CONSENT_TIME
from vncproxy.together.people import DELAY

ONE_DRIVER = Policy(sharing=Sharing.ONE_DRIVER)


class Page:
    """The page of a session, which records what it is told."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Mapping[str, Any]]] = []

    def tell(self, event: str, **members: Any) -> bool:
        self.told.append((event, members))
        return True

    def last(self, event: str) -> Mapping[str, Any] | None:
        found = [members for name, members in self.told if name == event]
        return found[-1] if found else None


class CompanyCase(SessionTestCase):
    show_users = True

    def setUp(self) -> None:
        super().setUp()
        self.serve_together(show_users=self.show_users)

    def enter(
        self, user: str, policy: Policy | None = None, *, page: bool = True, **more: Any
    ) -> tuple[Session, Page]:
        """Open a console, with a page that records or with a viewer without one."""
        now, policy = self.time(), policy or Policy()
        token = Token(WEB_01, user, ConsoleType.NOVNC, policy, now, now + 600, **more)
        secret = self.successResultOf(Deferred.fromCoroutine(self.store.issue(token)))
        self.viewer = User(self)
        session = self.begin(self.user_request(secret, can_talk=page), self.viewer)
        self.console()
        self.viewer.peer.send(GREETING)
        received = self.viewer.peer.receive()
        self.name = desktop_name(received[16 + 2 :]) if session.is_open else ""
        shown = Page()
        if page:
            session.page = shown
        self.wait(DELAY)
        return session, shown

    def result(self, asked: Any) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(asked))

    def is_refused(self, asked: Any, kind: type[VNCProxyError]) -> None:
        self.failureResultOf(Deferred.fromCoroutine(asked), kind)


class PeopleTests(CompanyCase):
    def test_one_alone_is_told_nothing(self) -> None:
        _, page = self.enter("alice")
        self.assertIsNone(page.last("people"))

    def test_both_learn_of_each_other_and_of_the_end(self) -> None:
        alice, page = self.enter("alice")
        bob, other = self.enter("bob", Policy(mode=Mode.VIEW_ONLY))

        joined = [{"name": "bob", "mode": "view-only"}]
        self.assertEqual(page.last("people"), {"others": joined, "found": False})
        found = [{"name": "alice", "mode": "control"}]
        self.assertEqual(other.last("people"), {"others": found, "found": True})

        self.end_session(bob.id)
        self.wait(DELAY)
        self.assertEqual(page.last("people"), {"others": [], "found": False})
        self.assertFalse(alice.ending)

    def test_a_silent_shadow_is_seen_by_nobody(self) -> None:
        alice, page = self.enter("alice")
        silent = Joins(alice.id, JoinKind.SHADOW, "desk", announced=False)
        _, shadow = self.enter("dora", joins=silent)

        self.assertIsNone(page.last("people"))
        self.assertEqual(shadow.last("people"), {"others": [{"name": "alice", "mode": "control"}],
                                                 "found": True})  # fmt: skip
        self.enter("tcp", page=False)
        self.assertTrue(self.name.endswith(" (with alice)"), self.name)

    def test_an_announced_one_is_an_administrator(self) -> None:
        alice, page = self.enter("alice")
        self.enter("dora", joins=Joins(alice.id, JoinKind.SHADOW, "desk"))
        seen = page.last("people")
        assert seen is not None
        self.assertEqual(seen["others"], [{"name": "dora", "mode": "control", "shadow": True}])

    def test_a_viewer_without_a_page_reads_it_in_the_desktops_name(self) -> None:
        self.enter("alice")
        self.enter("tcp", page=False)
        self.assertTrue(self.name.endswith(" (with alice)"), self.name)
        self.assertFalse(self.name.startswith(" ("), self.name)


class NamelessTests(CompanyCase):
    show_users = False

    def test_names_are_kept_from_others(self) -> None:
        _, page = self.enter("alice")
        self.enter("bob")
        seen = page.last("people")
        assert seen is not None
        self.assertEqual(seen["others"], [{"name": "", "mode": "control"}])
        self.enter("tcp", page=False)
        self.assertTrue(self.name.endswith(" (with 2 others)"), self.name)

    def test_one_who_asks_has_no_name(self) -> None:
        _, page = self.enter("alice", ONE_DRIVER)
        bob, _ = self.enter("bob", ONE_DRIVER)
        self.result(self.company.handing.ask(bob, {}))
        asked = page.last("drive-asked")
        assert asked is not None
        self.assertEqual(asked["name"], "")


class WaitingTests(CompanyCase):
    def test_one_who_waits_for_approval_neither_drives_nor_is_seen(self) -> None:
        waiting = self.begin(self.user_request(self.issue(replace(ONE_DRIVER, approval=1))))
        self.assertIs(waiting.state, SessionPhase.WAITING)

        alice, page = self.enter("alice", ONE_DRIVER)

        self.assertTrue(alice.rights.may_control)
        self.assertIsNone(page.last("people"))
        waiting.cancel(ClientGone())

    def wait_for_approval(self, user: str, *, page: bool = True) -> tuple[Session, Page]:
        """Begin a session that waits, in a browser or at a TCP viewer."""
        secret = self.issue(Policy(approval=1), user=user)
        self.viewer = User(self)
        waiting = self.begin(self.user_request(secret, can_talk=page), self.viewer)
        if not page:
            self.viewer.peer.send(GREETING)
        self.assertIs(waiting.state, SessionPhase.WAITING)
        shown = Page()
        if page:
            waiting.page = shown
        return waiting, shown

    def approve(self, session: Session) -> None:
        decision = Decision(Verdict.APPROVE, "desk")
        self.result(self.sessions.decide(session.id, decision))

    def test_one_who_waited_alone_is_seen_once_approved(self) -> None:
        waiting, page = self.wait_for_approval("alice")
        viewer = self.viewer
        _, other = self.enter("bob")
        self.assertIsNone(other.last("people"))
        self.assertIsNone(page.last("people"))

        self.approve(waiting)
        self.console()
        viewer.peer.send(GREETING)
        self.assertTrue(waiting.is_open)
        waiting.page = page
        self.wait(DELAY)

        seen = [{"name": "alice", "mode": "control"}]
        self.assertEqual(other.last("people"), {"others": seen, "found": False})
        found = [{"name": "bob", "mode": "control"}]
        self.assertEqual(page.last("people"), {"others": found, "found": True})

    def test_one_who_waited_alone_without_a_page_is_seen_once_approved(self) -> None:
        waiting, _ = self.wait_for_approval("tcp", page=False)
        _, other = self.enter("bob")

        self.approve(waiting)
        self.wait(DELAY)

        self.assertEqual(self.people_of(other), ["tcp"])
        waiting.cancel(ClientGone())

    def test_one_who_waits_is_told_no_names(self) -> None:
        alice, _ = self.enter("alice")
        waiting, page = self.wait_for_approval("bob")
        self.enter("carol")
        self.end_session(alice.id)
        self.wait(DELAY)
        self.assertIsNone(page.last("people"))
        waiting.cancel(ClientGone())

    def people_of(self, page: Page) -> list[str]:
        told = page.last("people")
        return [] if told is None else [each["name"] for each in told["others"]]


class DriveCase(CompanyCase):
    def setUp(self) -> None:
        super().setUp()
        self.alice, self.page = self.enter("alice", ONE_DRIVER)
        self.bob, self.other = self.enter("bob", ONE_DRIVER)

    def drivers(self) -> list[str]:
        return [each.user for each in self.sessions.snapshot() if each.rights.may_control]

    def ask(self, session: Session) -> Any:
        return self.company.handing.ask(session, {})

    def answer(self, session: Session, **message: Any) -> Any:
        return self.company.handing.answer(session, message)

    def asked(self) -> str:
        """Let the second one ask; returns the name by which the first one answers."""
        self.assertEqual(
            self.result(self.ask(self.bob)), {"drives": False, "seconds": CONSENT_TIME}
        )
        asked = self.page.last("drive-asked")
        assert asked is not None
        self.assertEqual(asked["name"], "bob")
        return str(asked["to"])


class DriveTests(DriveCase):
    def test_the_first_drives_and_others_watch(self) -> None:
        self.assertEqual(self.drivers(), ["alice"])
        tcp, _ = self.enter("tcp", ONE_DRIVER, page=False)
        self.assertEqual(tcp.rights.holds, (HOLD,))
        self.assertTrue(self.name.endswith(" (with alice, bob) (view only)"), self.name)

    def test_it_is_handed_over_with_consent(self) -> None:
        to = self.asked()

        self.assertEqual(self.result(self.answer(self.alice, to=to, agrees=True)), {"done": True})

        self.assertEqual(self.drivers(), ["bob"])
        self.assertEqual(self.other.last("driver"), {"who": "you", "may": True})
        self.assertEqual(self.page.last("driver"), {"who": "other", "may": True})
        event, members = self.notes[-1]
        self.assertEqual((event, members["to"]), ("drive-handed", self.bob.id))

    def test_it_is_refused(self) -> None:
        to = self.asked()
        self.result(self.answer(self.alice, to=to, agrees=False))
        self.assertEqual(self.drivers(), ["alice"])
        self.assertIsNotNone(self.other.last("drive-refused"))

    def test_one_who_was_refused_asks_again_only_after_a_while(self) -> None:
        self.result(self.answer(self.alice, to=self.asked(), agrees=False))
        self.is_refused(self.ask(self.bob), Busy)
        self.wait(CONSENT_TIME)
        self.asked()

    def test_nothing_is_kept_of_drivers_that_were_asked_long_ago(self) -> None:
        for name in ("dave", "eve", "fay"):
            self.asked()
            self.end_session(self.alice.id)
            self.end_session(self.bob.id)
            self.wait(CONSENT_TIME)
            self.alice, self.page = self.enter(name, ONE_DRIVER)
            self.bob, self.other = self.enter("bob", ONE_DRIVER)
        self.asked()
        handing = self.company.handing
        self.assertEqual((len(handing._asked), len(handing._asking)), (1, 1))

    def test_consent_that_comes_too_late_or_twice_hands_nothing_over(self) -> None:
        to = self.asked()
        self.wait(CONSENT_TIME + 1)
        self.is_refused(self.answer(self.alice, to=to, agrees=True), BadRequest)
        to = self.asked()
        self.result(self.answer(self.alice, to=to, agrees=True))
        self.is_refused(self.answer(self.alice, to=to, agrees=True), Forbidden)
        self.assertEqual(self.drivers(), ["bob"])

    def test_nothing_is_handed_to_one_who_has_not_asked(self) -> None:
        carol, _ = self.enter("carol", ONE_DRIVER)
        name = self.sessions.lease(carol).name
        self.is_refused(self.answer(self.alice, to=name, agrees=True), BadRequest)
        self.is_refused(self.answer(self.bob, to=name, agrees=True), Forbidden)
        self.is_refused(self.answer(self.alice, to=7), BadRequest)

    def test_one_who_asked_and_left_gets_nothing(self) -> None:
        to = self.asked()
        self.end_session(self.bob.id)
        self.assertEqual(self.result(self.answer(self.alice, to=to, agrees=True)), {"done": False})
        self.assertEqual(self.drivers(), [])
        self.assertEqual(self.result(self.ask(self.alice)), {"drives": True})

    def test_asking_again_and_again_is_refused(self) -> None:
        self.asked()
        self.is_refused(self.ask(self.bob), Busy)
        self.wait(CONSENT_TIME)
        self.asked()

    def test_it_is_given_up_and_taken(self) -> None:
        self.result(self.answer(self.alice, to=""))
        self.assertEqual(self.drivers(), [])
        self.assertEqual(self.page.last("driver"), {"who": "none", "may": True})
        self.assertEqual(self.other.last("driver"), {"who": "none", "may": True})
        self.assertEqual(self.result(self.ask(self.bob)), {"drives": True})
        self.assertEqual(self.drivers(), ["bob"])

    def test_the_end_of_the_driver_frees_it(self) -> None:
        self.end_session(self.alice.id)
        self.wait(DELAY)
        self.assertEqual(self.other.last("driver"), {"who": "none", "may": True})
        self.assertEqual(self.result(self.ask(self.bob)), {"drives": True})

    def test_one_who_may_only_watch_never_drives(self) -> None:
        eve, page = self.enter("eve", replace(ONE_DRIVER, mode=Mode.VIEW_ONLY))
        self.result(self.answer(self.alice, to=""))
        self.is_refused(self.ask(eve), Forbidden)
        self.assertEqual(page.last("driver"), {"who": "none", "may": False})

    def change(self, session: Session, mode: Mode) -> None:
        """Change the mode of a session, as an administrator."""
        self.assertTrue(self.result(self.sessions.change(session.id, mode, "desk")).known)

    def test_a_driver_who_may_only_watch_from_now_on_gives_it_up(self) -> None:
        self.change(self.alice, Mode.VIEW_ONLY)

        self.assertEqual(self.page.last("driver"), {"who": "none", "may": False})
        self.assertEqual(self.other.last("driver"), {"who": "none", "may": True})
        self.assertEqual(self.result(self.ask(self.bob)), {"drives": True})
        self.change(self.alice, Mode.CONTROL)
        self.assertEqual(self.drivers(), ["bob"])
        self.assertEqual(self.page.last("driver"), {"who": "other", "may": True})

    def test_one_who_may_control_again_drives_if_no_other_does(self) -> None:
        self.change(self.alice, Mode.VIEW_ONLY)
        self.change(self.alice, Mode.CONTROL)
        self.assertEqual(self.drivers(), ["alice"])

    def test_one_who_is_made_the_driver_but_may_only_watch_gives_it_up(self) -> None:
        self.change(self.bob, Mode.VIEW_ONLY)
        to = self.sessions.lease(self.bob).name
        self.result(self.company.driving.give(self.seat(self.alice), to))
        self.assertEqual(self.drivers(), [])
        self.assertEqual(self.result(self.ask(self.alice)), {"drives": True})

    def seat(self, session: Session) -> Seat:
        seat = self.company.driving.seat(session)
        assert seat is not None
        return seat

    def test_a_session_says_whether_its_control_is_only_held_back(self) -> None:
        held = {each.user: each.held for each in self.live_sessions()}
        self.assertEqual(held, {"alice": False, "bob": True})
        self.change(self.bob, Mode.VIEW_ONLY)
        self.assertFalse(any(each.held for each in self.live_sessions()))

    def test_a_driver_without_a_page_refuses(self) -> None:
        self.end_session(self.alice.id)
        self.end_session(self.bob.id)
        self.enter("tcp", ONE_DRIVER, page=False)
        bob, page = self.enter("bob", ONE_DRIVER)
        self.result(self.ask(bob))
        self.assertIsNotNone(page.last("drive-refused"))

    def test_an_administrator_gives_it_to_another_one(self) -> None:
        forcing = Deferred.fromCoroutine(self.company.handing.force(WEB_01, self.bob.id, "desk"))
        for _ in range(5):
            self.wait(0.1)
        self.assertTrue(self.successResultOf(forcing))
        self.assertEqual(self.drivers(), ["bob"])
        self.assertFalse(self.result(self.company.handing.force(WEB_01, "none", "desk")))

    def test_where_all_may_control_nobody_drives_alone(self) -> None:
        for each in (self.alice, self.bob):
            self.end_session(each.id)
        carol, _ = self.enter("carol")
        self.assertTrue(carol.rights.may_control)
        self.is_refused(self.ask(carol), Forbidden)

    def test_messages_that_cannot_be_read_change_nothing(self) -> None:
        name = self.sessions.lease(self.alice).name
        bad: list[Any] = [7, [], {}, {"driver": "changed"}, {"driver": "give", "vm": "kvm/web-01"}]
        bad.append({"driver": "give", "vm": "kvm/db", "session": name, "to": "x/y", "user": ""})
        bad.append({"driver": "give", "vm": str(WEB_01), "session": 7, "to": "x/y", "user": ""})
        for members in bad:
            self.company.handing.received(json.dumps(members).encode())
        self.company.handing.received(b"{")
        self.assertEqual(self.drivers(), ["alice"])
