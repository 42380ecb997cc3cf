from __future__ import annotations

import os

from tests.doubles.api import ApiTestCase
from vncproxy.errors import BackendError


class CheckTests(ApiTestCase):
    def test_a_machine_that_is_there_gets_its_token_running_or_not(self) -> None:
        for vm in ("kvm/web-01", "kvm/db-01"):
            self.assertEqual(self.issue(vm=vm, check=True).status, 201)

    def test_a_socket_that_the_backend_opened_is_closed(self) -> None:
        before = len(os.listdir("/proc/self/fd"))

        self.issue(vm="kvm/web-01", check=True)

        self.assertEqual(len(os.listdir("/proc/self/fd")), before)

    def test_a_machine_that_is_not_there_gets_none(self) -> None:
        answer = self.issue(vm="kvm/gone", check=True)

        self.assertRefused(answer, 422, "vm-not-found", "vm")
        self.assertIn("the backend 'kvm' has no machine 'gone'", answer.error["message"])

    def test_no_backend_is_called_unless_it_is_requested(self) -> None:
        self.assertEqual(self.issue(vm="kvm/gone").status, 201)
        self.assertEqual(self.issue(vm="b/x", check=False).status, 201)

    def test_a_backend_that_fails_issues_none(self) -> None:
        self.kvm.failure = BackendError("the API is down")

        self.assertRefused(self.issue(check=True), 502, "backend-error", None)

    def test_a_backend_that_hangs_issues_none(self) -> None:
        self.kvm.silent = True
        body = {"vm": "kvm/web-01", "user": "alice", "check": True}
        asked = self.begin("POST", "/v1/tokens", body)
        self.assertNoResult(asked)

        self.clock.advance(self.locate_timeout)

        self.assertRefused(self.finish(asked), 502, "backend-error", None)
