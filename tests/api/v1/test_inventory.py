from __future__ import annotations

from tests.doubles.api import ApiTestCase, broken
from vncproxy.api import Scope
from vncproxy.api.machine_lists import TIME_LIMIT


class InventoryTests(ApiTestCase):
    def names(self, key: str | None = None) -> list[str]:
        return [vm["vm"] for vm in self.call("GET", "/v1/vms", key=key).body["vms"]]

    def test_machines_of_all_backends_that_can_list(self) -> None:
        self.assertEqual(self.names(), ["kvm/db-01", "kvm/web-01", "esx/mail"])

    def test_machine_is_described(self) -> None:
        machine = self.call("GET", "/v1/vms").body["vms"][0]

        self.assertEqual(machine, {"vm": "kvm/db-01", "name": "db-01", "state": "shut off"})

    def test_restricted_key_sees_its_backends_only(self) -> None:
        self.kvm.failure = broken()
        key = self.key_with(Scope.READ, backends=["esx"])

        answer = self.call("GET", "/v1/vms", key=key)

        self.assertEqual([vm["vm"] for vm in answer.body["vms"]], ["esx/mail"])
        self.assertEqual(answer.body["errors"], [])

    def test_backend_that_fails_is_named_without_detail_and_the_others_are_listed(self) -> None:
        self.kvm.failure = broken()

        answer = self.call("GET", "/v1/vms")

        self.assertEqual(answer.status, 200)
        self.assertEqual([vm["vm"] for vm in answer.body["vms"]], ["esx/mail"])
        (error,) = answer.body["errors"]
        self.assertEqual((error["backend"], error["code"]), ("kvm", "backend-error"))
        self.assertNotIn("hunter2", answer.text)

    def test_defect_of_a_backend_is_logged_and_the_others_are_listed(self) -> None:
        self.kvm.failure = ZeroDivisionError()

        answer = self.call("GET", "/v1/vms")

        self.assertEqual([vm["vm"] for vm in answer.body["vms"]], ["esx/mail"])
        self.assertEqual(answer.body["errors"][0]["code"], "backend-error")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_backend_that_never_answers_is_given_up(self) -> None:
        self.kvm.silent = True
        request = self.begin("GET", "/v1/vms")

        self.clock.advance(TIME_LIMIT - 0.1)
        self.assertNoResult(request)
        self.clock.advance(0.1)

        answer = self.finish(request)
        self.assertEqual([vm["vm"] for vm in answer.body["vms"]], ["esx/mail"])
        self.assertEqual(answer.body["errors"][0]["backend"], "kvm")
