"""What a link to a live session is good for."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.api import NOW, WEB_01, session
from tests.doubles.consoles import OneViewer
from vncproxy.errors import Forbidden
from vncproxy.model import (
    Border,
    Clipboard,
    ConsoleType,
    JoinKind,
    Joins,
    Mode,
    Policy,
    PolicyBounds,
    PowerAction,
    SessionInfo,
    SessionPhase,
    Sharing,
    Token,
)
from vncproxy.testing import StaticConsoles
from vncproxy.together.links import CannotJoin, SessionLinks, Wanted
from vncproxy.tokens.bounds import BeyondBounds
from vncproxy.tokens.issuing import IssueRules, TokenIssuer
from vncproxy.tokens.machine_check import MachineCheck
from vncproxy.tokens.memory import MemoryTokenStore

URLS = {ConsoleType.NOVNC: "https://console/", ConsoleType.XVPVNC: "http://console:6081/"}
MAY_INVITE = Policy(may_invite=Mode.CONTROL)


def live(policy: Policy = MAY_INVITE, mode: Mode = Mode.CONTROL, **more: Any) -> SessionInfo:
    return replace(session(**more), policy=policy, mode=mode)


class LinksCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.serve(StaticConsoles({}))

    def serve(self, backend: StaticConsoles) -> None:
        backends, clock = {"kvm": backend}, Clock()
        self.store = MemoryTokenStore(lambda: NOW, 600, clock.seconds)
        rules = IssueRules(ttl=600, max_ttl=3600, urls=URLS, backends=backends)
        machines = MachineCheck(backends, clock, 5)
        issuer = TokenIssuer(self.store, rules, machines, lambda: NOW)
        self.links = SessionLinks(issuer, backends)

    def made(self, making: Coroutine[Any, Any, Any]) -> Token:
        issued = self.successResultOf(Deferred.fromCoroutine(making))
        token: Token = issued.token
        return token

    def refused(self, making: Coroutine[Any, Any, Any], kind: type[Exception]) -> str:
        failure = self.failureResultOf(Deferred.fromCoroutine(making), kind)
        return str(failure.value.sentence())

    def invite(
        self, host: SessionInfo, mode: Mode = Mode.VIEW_ONLY, name: str = "Bob", **more: Any
    ) -> Any:
        return self.links.invite(host, Wanted(name, mode), **more)

    def shadow(self, host: SessionInfo, mode: Mode = Mode.VIEW_ONLY, **more: Any) -> Any:
        return self.links.shadow(host, Wanted("dora", mode), "desk", announced=True, **more)


class GuestTests(LinksCase):
    def test_a_guest_may_do_what_the_user_may_and_no_more(self) -> None:
        policy = Policy(
            may_invite=Mode.CONTROL,
            clipboard=Clipboard.TO_GUEST,
            clipboard_limit=100,
            client_networks=(ip_network("10.0.0.0/8"),),
            idle_timeout=60,
            max_duration=3600,
            uses=0,
        )

        token = self.made(self.invite(live(policy), Mode.CONTROL))

        expected = replace(policy, may_invite=None, max_duration=None, uses=1)
        self.assertEqual(token.policy, expected)
        self.assertEqual(token.user, "guest of alice: Bob")
        self.assertEqual(token.joins, Joins("7f3a0001", JoinKind.GUEST, "alice"))
        self.assertEqual(token.vm, WEB_01)

    def test_a_guest_has_no_power_over_the_machine(self) -> None:
        host = live(replace(MAY_INVITE, power=(PowerAction.RESET,)))
        self.assertEqual(self.made(self.invite(host)).policy.power, ())

    def test_it_stays_within_the_bounds_of_the_key(self) -> None:
        bounds = PolicyBounds(
            mode=Mode.VIEW_ONLY,
            sharing=Sharing.EXCLUSIVE,
            client_networks=(ip_network("10.0.0.0/8"),),
            banner="Be careful.",
            approval=1,
        )

        policy = self.made(self.invite(live(), Mode.CONTROL, bounds=bounds)).policy

        self.assertIs(policy.mode, Mode.VIEW_ONLY)
        self.assertIs(policy.sharing, Sharing.SHARED)
        self.assertEqual(policy.client_networks, bounds.client_networks)
        self.assertEqual((policy.banner, policy.approval), (bounds.banner, 1))

    def test_a_session_beyond_the_bounds_of_the_key_gets_no_guest_by_it(self) -> None:
        host = live(replace(MAY_INVITE, client_networks=(ip_network("192.0.2.0/24"),)))
        bounds = PolicyBounds(client_networks=(ip_network("10.0.0.0/8"),))
        making = Deferred.fromCoroutine(self.invite(host, bounds=bounds))
        error = self.failureResultOf(making, BeyondBounds).value
        self.assertEqual((error.status, error.field), (403, "policy.client_networks"))

    def test_nobody_is_invited_without_the_right(self) -> None:
        self.refused(self.invite(live(Policy())), Forbidden)

    def test_one_who_may_let_others_watch_lets_nobody_control(self) -> None:
        host = live(Policy(may_invite=Mode.VIEW_ONLY))
        self.refused(self.invite(host, Mode.CONTROL), Forbidden)
        self.assertEqual(self.made(self.invite(host)).policy.mode, Mode.VIEW_ONLY)

    def test_one_who_does_not_control_now_lets_nobody_control(self) -> None:
        host = live(mode=Mode.VIEW_ONLY)
        self.refused(self.invite(host, Mode.CONTROL), Forbidden)

    def test_names_are_shown_without_control_characters(self) -> None:
        token = self.made(self.invite(live(), name=" Bob\n\u202eof networks "))
        self.assertNotIn("\n", token.user)
        self.assertNotIn("\u202e", token.user)


class ShadowTests(LinksCase):
    def test_it_is_bound_to_the_session_and_names_the_key(self) -> None:
        token = self.made(self.shadow(live(Policy()), Mode.CONTROL))
        self.assertEqual(token.joins, Joins("7f3a0001", JoinKind.SHADOW, "desk", announced=True))
        self.assertEqual((token.policy, token.user), (Policy(), "dora"))

    def test_it_stays_within_the_bounds_of_the_key(self) -> None:
        bounds = PolicyBounds(mode=Mode.VIEW_ONLY, idle_timeout=60)
        token = self.made(self.shadow(live(), Mode.CONTROL, bounds=bounds))
        self.assertEqual((token.policy.mode, token.policy.idle_timeout), (Mode.VIEW_ONLY, 60))


class RefusalTests(LinksCase):
    def test_a_console_of_one_viewer_is_not_joined(self) -> None:
        self.serve(OneViewer({}))
        said = self.refused(self.shadow(live()), CannotJoin)
        self.assertIn("one viewer at a time", said)

    def test_a_session_that_has_joined_another_is_not_joined(self) -> None:
        host = replace(live(), joins=Joins("0123", JoinKind.GUEST, "alice"))
        self.assertIn("0123", self.refused(self.shadow(host), CannotJoin))
        self.refused(self.invite(host), CannotJoin)

    def test_a_session_that_is_not_open_is_not_joined(self) -> None:
        for state, word in ((SessionPhase.WAITING, "approval"), (SessionPhase.OPENING, "moment")):
            host = replace(live(replace(MAY_INVITE, approval=1)), state=state)
            self.assertIn(word, self.refused(self.shadow(host), CannotJoin))
            self.assertIn(word, self.refused(self.invite(host), CannotJoin))
        self.made(self.shadow(replace(host, state=SessionPhase.OPEN)))

    def test_a_session_of_another_zone_is_joined_there(self) -> None:
        host = live(border=Border("paris", "99ab"))
        said = self.refused(self.shadow(host), CannotJoin)
        self.assertIn("paris", said)
        self.assertIn("99ab", said)
        self.made(self.shadow(live(border=Border(to_zone="paris", to_session="99ab"))))

    def test_a_session_alone_at_its_server_and_one_without_a_machine_are_not_joined(self) -> None:
        alone = live(Policy(exclusive_at_server=True))
        self.assertIn("the screen alone", self.refused(self.shadow(alone), CannotJoin))
        self.refused(self.shadow(live(vm=None)), CannotJoin)
