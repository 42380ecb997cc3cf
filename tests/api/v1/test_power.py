"""Machines are started, stopped and reset over HTTP."""

from __future__ import annotations

from twisted.internet.defer import Deferred

from tests.doubles.api import ApiTestCase
from vncproxy.api import Scope
from vncproxy.errors import PowerDenied
from vncproxy.model import ConsoleEndpoint, PolicyBounds, PowerAction, Transport, VMPatterns
from vncproxy.testing import PoweredConsoles

RESET_WEB = {"vm": "kvm/web-01", "action": "reset"}


class PowerTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        endpoint = ConsoleEndpoint(Transport.TCP, "192.0.2.1", 5900)
        self.host = PoweredConsoles({"web-01": endpoint, "db-01": endpoint}, "kvm")
        self.backends["kvm"] = self.host  # type: ignore[assignment]
        self.serve()


class ActTests(PowerTestCase):
    def test_what_is_done_at_once_is_200_and_what_is_asked_of_a_guest_202(self) -> None:
        answer = self.call("POST", "/v1/power", RESET_WEB)
        self.assertEqual((answer.status, answer.body), (200, {**RESET_WEB, "done": True}))
        asked = {"vm": "kvm/web-01", "action": "shutdown"}
        answer = self.call("POST", "/v1/power", asked)
        self.assertEqual((answer.status, answer.body), (202, {**asked, "done": False}))
        done = [("web-01", PowerAction.RESET), ("web-01", PowerAction.SHUTDOWN)]
        self.assertEqual(self.host.done, done)

    def test_each_request_stands_in_the_audit_with_its_key(self) -> None:
        self.call("POST", "/v1/power", RESET_WEB)
        [line] = [each for each in self.audit if each["event"] == "power"]
        self.assertEqual(line["vm"], "kvm/web-01")
        self.assertEqual((line["action"], line["outcome"]), ("reset", "done"))
        self.assertEqual((line["caller"], line["key"]), ("key", "root"))

    def test_a_state_that_does_not_fit_is_409_in_words(self) -> None:
        answer = self.call("POST", "/v1/power", {"vm": "kvm/web-01", "action": "start"})
        self.assertRefused(answer, 409, "power-state", None)
        self.assertEqual(answer.error["message"], "The virtual machine is running.")
        self.assertEqual(self.host.done, [])

    def test_a_machine_that_is_not_there_is_404(self) -> None:
        answer = self.call("POST", "/v1/power", {"vm": "kvm/gone", "action": "off"})
        self.assertRefused(answer, 404, "vm-not-found", None)
        answer = self.call("POST", "/v1/power", {"vm": "nowhere/gone", "action": "off"})
        self.assertRefused(answer, 404, "vm-not-found", None)

    def test_a_backend_that_cannot_or_may_not_is_422(self) -> None:
        self.host.allowed = ()
        self.assertRefused(
            self.call("POST", "/v1/power", RESET_WEB), 422, "power-unsupported", None
        )
        self.assertEqual(self.host.done, [])
        last = self.audit[-1]
        self.assertEqual((last["event"], last["status"]), ("api-refuse", 422))

    def test_an_account_that_may_only_look_is_told(self) -> None:
        self.host.fail = PowerDenied("the account lacks VirtualMachine.Interact.Reset")
        answer = self.call("POST", "/v1/power", RESET_WEB)
        self.assertRefused(answer, 502, "power-denied", None)
        self.assertNotIn("VirtualMachine", answer.error["message"])
        [line] = [each for each in self.audit if each["event"] == "power"]
        self.assertEqual(line["outcome"], "power-denied")
        self.assertEqual(line["detail"], "the account lacks VirtualMachine.Interact.Reset")

    def test_what_is_no_action_is_422(self) -> None:
        answer = self.call("POST", "/v1/power", {"vm": "kvm/web-01", "action": "explode"})
        self.assertRefused(answer, 422, "invalid-field", "action")

    def test_a_request_that_is_sent_again_has_one_effect(self) -> None:
        headers = {"X-Api-Key": self.key, "Idempotency-Key": "7"}
        first = self.call("POST", "/v1/power", RESET_WEB, headers=headers)
        again = self.call("POST", "/v1/power", RESET_WEB, headers=headers)
        self.assertEqual((first.status, again.status), (200, 200))
        self.assertEqual(self.host.done, [("web-01", PowerAction.RESET)])

    def test_two_at_the_same_time_are_one(self) -> None:
        self.host.wait = Deferred()
        first = self.begin("POST", "/v1/power", RESET_WEB)
        second = self.begin("POST", "/v1/power", RESET_WEB)
        self.host.wait.callback(None)
        self.assertEqual([self.finish(each).status for each in (first, second)], [200, 200])
        self.assertEqual(self.host.done, [("web-01", PowerAction.RESET)])

    def test_each_of_two_at_the_same_time_stands_in_the_audit_with_its_key(self) -> None:
        for fail, outcome in ((None, "done"), (PowerDenied("no right"), "power-denied")):
            self.audit.clear()
            self.host.wait, self.host.fail = Deferred(), fail
            other = self.key_with(Scope.POWER)
            begun = [
                self.begin("POST", "/v1/power", RESET_WEB, key=key) for key in (self.key, other)
            ]
            self.host.wait.callback(None)
            self.assertEqual(len({self.finish(each).status for each in begun}), 1)
            lines = [each for each in self.audit if each["event"] == "power"]
            self.assertEqual([each["outcome"] for each in lines], [outcome] * 2)
            self.assertEqual(len({each["key"] for each in lines}), 2)


class RightsTests(PowerTestCase):
    def test_the_scope_is_power(self) -> None:
        for scope in (Scope.ISSUE, Scope.READ, Scope.KEYS, Scope.SHADOW, Scope.APPROVE):
            key = self.key_with(scope)
            answer = self.call("POST", "/v1/power", RESET_WEB, key=key)
            self.assertRefused(answer, 403, "forbidden", None)
        self.assertEqual(self.host.done, [])
        key = self.key_with(Scope.POWER)
        self.assertEqual(self.call("POST", "/v1/power", RESET_WEB, key=key).status, 200)

    def test_a_key_for_some_machines_acts_on_no_other(self) -> None:
        key = self.key_with(Scope.POWER, vms=VMPatterns.parse(["kvm/db-*"]))
        answer = self.call("POST", "/v1/power", RESET_WEB, key=key)
        self.assertRefused(answer, 403, "forbidden", "vm")
        key = self.key_with(Scope.POWER, backends=["xen"])
        answer = self.call("POST", "/v1/power", RESET_WEB, key=key)
        self.assertRefused(answer, 403, "forbidden", "vm")
        self.assertEqual(self.host.done, [])

    def test_a_link_with_power_is_issued_by_a_key_with_power(self) -> None:
        wanted = {"policy": {"power": ["start", "reset"]}}
        self.key = self.key_with(Scope.ISSUE)
        self.assertRefused(self.issue(**wanted), 403, "forbidden", None)
        self.assertEqual(self.issue().status, 201)
        self.key = self.key_with(Scope.ISSUE, Scope.POWER)
        answer = self.issue(**wanted)
        self.assertEqual(answer.body["policy"]["power"], ["start", "reset"])

    def test_a_key_may_be_limited_to_some_actions(self) -> None:
        bounds = PolicyBounds(power=(PowerAction.START,))
        self.key = self.key_with(Scope.ISSUE, Scope.POWER, policy=bounds)
        self.assertEqual(self.issue(policy={"power": ["start"]}).status, 201)
        answer = self.issue(policy={"power": ["start", "off"]})
        self.assertRefused(answer, 403, "forbidden", "policy.power")
        self.assertEqual(answer.error["message"], "may not name off; it may name start")
        answer = self.call("POST", "/v1/power", RESET_WEB)
        self.assertRefused(answer, 403, "forbidden", "action")
        self.assertEqual(self.host.done, [])
        [line] = [each for each in self.audit if each["event"] == "power"]
        self.assertEqual((line["vm"], line["action"]), ("kvm/web-01", "reset"))
        self.assertEqual((line["outcome"], line["caller"]), ("forbidden", "key"))
        self.assertIn("by its policy", line["detail"])
