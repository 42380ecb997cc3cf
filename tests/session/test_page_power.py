"""Pages start, stop and reset the machine of their session, within its policy."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.frames import TEXT, masked
from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.errors import BackendError, PowerDenied
from vncproxy.model import ConsoleEndpoint, Mode, Policy, PowerAction, Transport
from vncproxy.session.page import BUILT_IN
from vncproxy.session.page_power import PagePower
from vncproxy.testing import PoweredConsoles

START, SHUTDOWN, REBOOT, RESET, OFF = PowerAction
ANY = Policy(power=tuple(PowerAction), uses=0)


class PowerTestCase(WebSocketTestCase):
    def setUp(self) -> None:
        super().setUp()
        endpoint = ConsoleEndpoint(Transport.TCP, "192.0.2.10", 5900)
        self.host = PoweredConsoles({"web-01": endpoint}, "kvm")
        services = self.sessions.services
        requests = {**BUILT_IN, "power": PagePower(services.power).answer}
        self.sessions.services = replace(
            services, backends={"kvm": self.host}, page_requests=requests
        )

    def ask_for(self, policy: Policy, more: str = "talks=1", token: str | None = None) -> None:
        """Open a web socket as a page does."""
        token = token or self.issue(policy=policy)
        self.browse(upgrade(f"/websockify?token={token}&{more}", "Origin: " + OWN), token)

    def open(self, policy: Policy, more: str = "talks=1") -> None:
        self.ask_for(policy, more)
        self.hypervisor = self.console()
        self.browser.send(b"RFB 003.008\n\1\1")
        self.assertIn(b"scripted", self.browser.receive())
        self.hypervisor.receive()

    def act(self, action: object, ask: str = "power") -> None:
        message = json.dumps({"ask": ask, "id": 1, "action": action})
        self.peer.send(masked(TEXT, message.encode()))

    def told(self) -> list[Any]:
        """Return what the page has been told, and forget it."""
        self.browser.receive()
        texts = [data.decode() for head, data in self.browser.control if head == TEXT]
        self.browser.control.clear()
        return [json.loads(text.removeprefix("vncproxy:")) for text in texts if "{" in text]

    def answer(self, action: object) -> Any:
        self.act(action)
        [answer] = self.told()
        return answer


class MenuTests(PowerTestCase):
    def test_a_page_is_told_what_policy_and_backend_allow(self) -> None:
        self.host.allowed = (RESET, OFF, REBOOT)
        self.open(Policy(power=(OFF, START, RESET)))
        self.assertEqual(
            self.told(), [{"event": "power", "actions": ["reset", "off"], "machine": "scripted"}]
        )

    def test_nothing_is_told_without_a_right(self) -> None:
        self.open(Policy())
        self.assertEqual(self.told(), [])

    def test_nothing_is_told_where_the_backend_does_not_act(self) -> None:
        self.host.allowed = ()
        self.open(ANY)
        self.assertEqual(self.told(), [])


class WaitingTests(PowerTestCase):
    """A session that waits for consent or approval has no right yet."""

    def setUp(self) -> None:
        super().setUp()
        self.invited: list[object] = []
        services = self.sessions.services
        requests = {**services.page_requests, "invite": self.invite}
        self.sessions.services = replace(services, page_requests=requests)

    async def invite(self, session: object, message: object) -> dict[str, object]:
        self.invited.append(message)
        return {}

    def test_nothing_but_the_answer_is_taken_while_it_waits(self) -> None:
        for asks in (Policy(approval=1, power=(OFF,)), Policy(banner="Read.", power=(OFF,))):
            self.ask_for(asks)
            self.told()
            for what in ("power", "invite", "drive", "hand-over"):
                self.act("off", what)
                [answer] = self.told()
                self.assertEqual(answer["error"]["code"], "bad-request")
            self.assertEqual((self.host.done, self.invited), ([], []))

    def test_it_is_answered_when_the_console_is_there(self) -> None:
        self.ask_for(Policy(banner="Read.", power=(OFF,)))
        accept = json.dumps({"ask": "consent", "id": 1, "accept": True})
        self.peer.send(masked(TEXT, accept.encode()))
        self.act("off")
        self.assertEqual(self.host.done, [])
        self.hypervisor = self.console()
        self.browser.send(b"RFB 003.008\n\1\1")
        self.told()
        self.assertTrue(self.answer("off")["done"])
        self.act("off", "invite")
        self.assertEqual(len(self.invited), 1)


class AskTests(PowerTestCase):
    def test_it_is_done_and_recorded_with_the_session(self) -> None:
        self.open(Policy(power=(RESET,)))
        self.told()
        self.assertEqual(self.answer("reset"), {"id": 1, "action": "reset", "done": True})
        self.assertEqual(self.host.done, [("web-01", RESET)])
        [(vm, action, outcome, who)] = self.powered
        self.assertEqual((vm, action, outcome), ("kvm/web-01", "reset", "done"))
        self.assertEqual((who["user"], who["client"]), ("alice", "192.0.2.1"))
        self.assertEqual(who["session"], self.live_sessions()[0].id)

    def test_what_the_policy_does_not_name_is_not_done(self) -> None:
        self.open(Policy(power=(RESET,)))
        self.told()
        for action in ("off", "shutdown", "reboot", "start"):
            error = self.answer(action)["error"]
            self.assertEqual(error["code"], "forbidden")
            self.assertIn("This link does not allow that.", error["message"])
        self.assertEqual(self.host.done, [])
        self.assertEqual([each[1:3] for each in self.powered][:1], [("off", "forbidden")])

    def test_a_forged_message_of_a_page_without_rights_does_nothing(self) -> None:
        self.open(Policy())
        self.assertEqual(self.answer("off")["error"]["code"], "forbidden")
        for nonsense in ("explode", None, 7, ["off"], {"off": 1}):
            self.assertEqual(self.answer(nonsense)["error"]["code"], "bad-request")
        self.assertEqual(self.host.done, [])

    def test_a_view_only_session_acts_only_where_its_policy_names_it(self) -> None:
        self.open(Policy(mode=Mode.VIEW_ONLY))
        self.assertEqual(self.answer("reset")["error"]["code"], "forbidden")
        self.assertEqual(self.host.done, [])
        self.open(Policy(mode=Mode.VIEW_ONLY, power=(RESET,)))
        self.told()
        self.assertTrue(self.answer("reset")["done"])

    def test_a_second_click_while_the_first_is_under_way_does_nothing_more(self) -> None:
        self.open(ANY)
        self.told()
        self.host.wait = Deferred()
        self.act("reset")
        self.act("reset")
        self.assertEqual(self.told(), [])
        self.host.wait.callback(None)
        self.assertEqual([each["done"] for each in self.told()], [True, True])
        self.assertEqual(self.host.done, [("web-01", RESET)])
        self.assertEqual([each[1:3] for each in self.powered], [("reset", "done")] * 2)

    def test_a_link_may_ask_a_few_times_in_a_minute(self) -> None:
        self.open(ANY)
        self.told()
        answers = [self.answer("reset") for _ in range(7)]
        self.assertEqual(["error" in each for each in answers], [False] * 5 + [True] * 2)
        self.assertEqual(answers[-1]["error"]["code"], "power-too-often")
        self.assertEqual(len(self.host.done), 5)
        self.reactor.advance(60)
        self.assertTrue(self.answer("reset")["done"])

    def test_another_session_of_the_link_has_no_other_count(self) -> None:
        token = self.issue(policy=ANY)
        for _ in range(2):
            self.ask_for(ANY, token=token)
            self.greet()
            self.told()
            answers = [self.answer("reset") for _ in range(5)]
        self.assertEqual({each["error"]["code"] for each in answers}, {"power-too-often"})
        self.assertEqual(len(self.host.done), 5)

    def test_why_it_failed_is_told_in_words(self) -> None:
        self.open(ANY)
        self.told()
        for error, words in (
            (PowerDenied("no right"), "The hypervisor does not allow this to the console service."),
            (BackendError("x", public="The hypervisor could not do that."), "could not do that."),
        ):
            self.host.fail = error
            self.assertIn(words, self.answer("reset")["error"]["message"])

    def test_the_action_goes_on_when_its_page_has_gone(self) -> None:
        self.open(ANY)
        self.host.wait = Deferred()
        self.act("off")
        self.peer.close()
        self.host.wait.callback(None)
        self.assertEqual(self.host.off, {"web-01"})
        self.assertEqual([each[2] for each in self.powered], ["done"])
