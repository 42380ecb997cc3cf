"""A link to a machine that is off: its page may start it, once, and then shows its console."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN
from tests.session.test_page_power import ANY, OFF, START, PowerTestCase
from vncproxy.errors import ConsoleUnavailable, NoGraphicalConsole
from vncproxy.model import Mode, Policy, Visit
from vncproxy.session.changing import LEAVE_TIME
from vncproxy.session.starting import PAUSE, START_TIME

MACHINE_OFF = 4130
NOT_RUNNING = 4100


class StartTestCase(PowerTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.host.off.add("web-01")

    def lose_control(self, policy: Policy) -> None:
        """Watch a machine, and have the control taken by an administrator, who switches it off."""
        self.host.off.clear()
        self.token = self.issue(policy=policy)
        self.enter()
        self.greet()
        assert self.browser.answer is not None
        self.cookie = self.browser.answer.header("set-cookie").partition(";")[0]
        [session] = self.live_sessions()
        changing = self.sessions.change(session.id, Mode.VIEW_ONLY, "key desk")
        self.successResultOf(Deferred.fromCoroutine(changing))
        self.reactor.advance(LEAVE_TIME)
        self.peer.close()
        self.host.off.add("web-01")

    def enter(self, more: str = "", cookie: str = "") -> None:
        """Open a web socket, with a resume cookie where there is one."""
        headers = ["Origin: " + OWN, *([f"Cookie: {cookie}"] if cookie else [])]
        target = f"/websockify?token={self.token}&talks=1&moves=1{more}"
        self.browse(upgrade(target, *headers), self.token)


class OfferTests(StartTestCase):
    def test_the_page_is_told_that_it_may_start_the_machine(self) -> None:
        self.ask_for(Policy(power=(START,)))
        reason, code, farewell = self.reason()
        self.assertIn("The virtual machine is shut off.", reason)
        self.assertEqual((code, farewell), (MACHINE_OFF, reason))
        self.assertEqual(self.host.done, [])

    def test_the_link_is_still_good_then(self) -> None:
        token = self.issue(policy=Policy(power=(START,)))
        for more in ("talks=1", "talks=1"):
            self.ask_for(ANY, more, token)
            self.assertEqual(self.reason()[1], MACHINE_OFF)
        self.ask_for(ANY, "talks=1&start=1", token)
        self.greet()
        self.assertEqual(self.host.done, [("web-01", START)])

    def test_without_the_right_there_is_no_offer(self) -> None:
        for policy in (Policy(), Policy(power=(OFF,))):
            self.ask_for(policy)
            self.assertEqual(self.reason()[1], NOT_RUNNING)

    def test_without_a_backend_that_starts_machines_there_is_no_offer(self) -> None:
        self.host.allowed = (OFF,)
        self.ask_for(ANY)
        self.assertEqual(self.reason()[1], NOT_RUNNING)

    def test_a_user_who_has_lost_the_control_has_none(self) -> None:
        self.lose_control(ANY)
        self.enter(cookie=self.cookie)
        self.assertEqual(self.reason()[1], NOT_RUNNING)
        self.assertEqual(self.powered, [])

    def test_a_session_of_another_zone_tells_it_that_the_machine_is_off(self) -> None:
        token = self.issue(visit=Visit("paris", "7f3a", ("paris",)))
        for more in ("", "&start=1"):
            self.ask_for(ANY, "moves=1" + more, token)
            reason, code, _ = self.reason()
            self.assertEqual(code, MACHINE_OFF)
            self.assertIn("The virtual machine is shut off.", reason)
            self.assertNotIn("Start it", reason)
        self.assertEqual(self.host.done, [])

    def test_a_machine_is_off_where_its_zone_says_so(self) -> None:
        self.host.off.clear()
        said = ConsoleUnavailable("off")
        said.is_off = True
        self.host.consoles["web-01"] = said
        self.ask_for(ANY)
        self.assertEqual(self.reason()[1], MACHINE_OFF)
        self.ask_for(Policy())
        self.assertEqual(self.reason()[1], NOT_RUNNING)

    def test_what_is_not_known_to_be_off_is_not_offered(self) -> None:
        self.host.off.clear()
        self.host.consoles["web-01"] = ConsoleUnavailable("paused")
        for token in (None, self.issue(visit=Visit("paris", "7f3a", ("paris",)))):
            self.ask_for(ANY, token=token)
            self.assertEqual(self.reason()[1], NOT_RUNNING)

    def test_a_machine_that_cannot_be_started_now_has_none(self) -> None:
        self.host.off.clear()
        self.host.consoles["web-01"] = NoGraphicalConsole()
        self.ask_for(ANY, "talks=1&start=1")
        self.assertEqual(self.reason()[1], 4009)
        self.assertEqual(self.host.done, [])

    def test_other_viewers_are_told_where_to_start_it(self) -> None:
        self.ask_for(ANY, "moves=1")
        words = "The virtual machine is shut off. Start it where you got this link, then reconnect."
        self.assertIn(words, self.reason()[0])


class StartTests(StartTestCase):
    def test_it_is_started_and_its_console_is_shown(self) -> None:
        self.ask_for(ANY, "talks=1&start=1")
        self.greet()
        self.assertEqual(self.host.done, [("web-01", START)])
        self.assertEqual([each[1:3] for each in self.powered], [("start", "done")])

    def test_without_the_right_it_is_not(self) -> None:
        for policy in (Policy(), Policy(power=(OFF,))):
            self.ask_for(policy, "talks=1&start=1")
            self.assertEqual(self.reason()[1], NOT_RUNNING)
        self.assertEqual(self.host.done, [])
        self.assertEqual([each[1:3] for each in self.powered], [("start", "forbidden")] * 2)

    def test_a_user_who_has_lost_the_control_starts_nothing(self) -> None:
        self.lose_control(ANY)
        self.enter("&start=1", self.cookie)
        self.assertEqual(self.reason()[1], NOT_RUNNING)
        self.assertEqual(self.host.done, [])
        [(vm, action, outcome, who)] = self.powered
        self.assertEqual((vm, action, outcome), ("kvm/web-01", "start", "forbidden"))
        self.assertEqual(
            (who["user"], who["detail"]), ("alice", "the session has lost the control")
        )

    def test_a_view_only_link_whose_policy_names_it_starts_it(self) -> None:
        self.ask_for(Policy(mode=Mode.VIEW_ONLY, power=(START,)), "talks=1&moves=1&start=1")
        self.greet()
        self.assertEqual(self.host.done, [("web-01", START)])

    def test_a_link_that_is_not_good_starts_nothing(self) -> None:
        self.ask_for(ANY, "talks=1&start=1", "x" * 43)
        self.assertEqual(self.reason()[1], 4001)
        self.assertEqual(self.host.done, [])

    def test_a_page_of_another_site_starts_nothing(self) -> None:
        target = f"/websockify?token={self.issue(policy=ANY)}&talks=1&start=1"
        self.browse(upgrade(target, "Origin: https://evil.example"), "x")
        self.assertEqual(self.reason()[1], 4003)
        self.assertEqual(self.host.done, [])

    def test_a_machine_that_runs_is_left_alone(self) -> None:
        self.host.off.clear()
        self.ask_for(ANY, "talks=1&start=1")
        self.greet()
        self.assertEqual(self.host.done, [])

    def test_two_pages_at_the_same_time_start_it_once(self) -> None:
        self.host.wait = Deferred()
        token = self.issue(policy=Policy(power=(START,), uses=0))
        self.ask_for(ANY, "talks=1&start=1", token)
        self.ask_for(ANY, "talks=1&start=1", token)
        self.host.wait.callback(None)
        self.assertEqual(len(self.reactor.tcpClients), 2)
        self.assertEqual(self.host.done, [("web-01", START)])

    def test_the_console_is_waited_for(self) -> None:
        self.host.power = _accepted  # type: ignore[method-assign]
        self.ask_for(ANY, "talks=1&start=1")
        self.reactor.advance(PAUSE)
        self.assertEqual(self.reactor.tcpClients, [])
        self.host.off.clear()
        self.reactor.advance(PAUSE)
        self.greet()

    def test_one_that_shows_none_in_time_is_refused_with_its_state(self) -> None:
        self.host.power = _accepted  # type: ignore[method-assign]
        self.ask_for(ANY, "talks=1&start=1")
        for _ in range(int(START_TIME / PAUSE) - 1):
            self.assertEqual(self.browser.control, [])
            self.reactor.advance(PAUSE)
        self.assertEqual(self.reason()[1], NOT_RUNNING)
        self.assertEqual(self.live_sessions(), [])

    def test_a_user_who_leaves_meanwhile_is_not_waited_for(self) -> None:
        self.host.power = _accepted  # type: ignore[method-assign]
        self.ask_for(ANY, "talks=1&start=1")
        self.peer.close()
        self.reactor.advance(PAUSE)
        self.assertEqual(self.live_sessions(), [])

    def test_it_is_off_again_after_a_session_and_not_started_by_itself(self) -> None:
        token = self.issue(policy=Policy(power=(START,), uses=0))
        self.ask_for(ANY, "talks=1&start=1", token)
        self.greet()
        self.host.off.add("web-01")
        self.ask_for(ANY, "talks=1", token)
        self.assertEqual(self.reason()[1], MACHINE_OFF)
        self.assertEqual(self.host.done, [("web-01", START)])


async def _accepted(vm: str, action: object) -> bool:
    return False
