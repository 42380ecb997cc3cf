"""Issuing without HTTP: what is stored, and which field a refusal names."""

from __future__ import annotations

from collections.abc import Coroutine
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import VNCProxyError
from vncproxy.model import ConsoleType, Policy, Token, VMAddress, secret_id
from vncproxy.tokens.issuing import IssuedToken, IssueRequest, IssueRules, TokenIssuer
from vncproxy.tokens.machine_check import MachineCheck
from vncproxy.tokens.memory import MemoryTokenStore
from vncproxy.tokens.refusals import IssueRefused

NOW = 1_767_323_045.0
URLS = {ConsoleType.NOVNC: "https://c.example.com/", ConsoleType.XVPVNC: "http://c.example.com/x"}
REQUEST = IssueRequest(VMAddress("kvm", "web-01"), "alice")


class IssuingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.store = MemoryTokenStore(lambda: NOW, 0, lambda: 0.0)
        rules = IssueRules(ttl=600, max_ttl=3600, urls=URLS, backends={"kvm"})
        machines = MachineCheck({}, Clock(), 10)
        self.issuer = TokenIssuer(self.store, rules, machines, lambda: NOW)

    def result_of(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.successResultOf(Deferred.fromCoroutine(work))

    def issue(self, request: IssueRequest) -> IssuedToken:
        issued: IssuedToken = self.result_of(self.issuer.issue(request))
        return issued

    def refusal_of(self, request: IssueRequest) -> tuple[str, str, str]:
        failure = self.failureResultOf(Deferred.fromCoroutine(self.issuer.issue(request)))
        error = failure.value
        assert isinstance(error, IssueRefused) and isinstance(error, VNCProxyError)
        return error.field, error.reason, error.message

    def test_the_token_is_stored_under_its_id(self) -> None:
        issued = self.issue(REQUEST)

        token = Token(REQUEST.vm, "alice", ConsoleType.NOVNC, Policy(), NOW, NOW + 600)
        self.assertEqual(issued.token, token)
        self.assertEqual(issued.id, secret_id(issued.secret))
        self.assertEqual(self.result_of(self.store.show(issued.id)).token, token)

    def test_the_url_is_that_of_the_console_type(self) -> None:
        issued = self.issue(replace(REQUEST, type=ConsoleType.XVPVNC))

        self.assertEqual(issued.url, f"http://c.example.com/x?token={issued.secret}")

    def test_the_secret_is_not_shown(self) -> None:
        issued = self.issue(REQUEST)

        self.assertNotIn(issued.secret, repr(issued))

    def test_refusals_name_their_field(self) -> None:
        for request, field, code in (
            (replace(REQUEST, vm=VMAddress("esx", "x")), "vm", "backend-unknown"),
            (replace(REQUEST, ttl=3601), "ttl", "invalid-field"),
            (
                replace(REQUEST, policy=Policy(allowed_origins=("https://ok.example.com", "x"))),
                "policy.allowed_origins.1",
                "invalid-field",
            ),
        ):
            with self.subTest(field=field):
                self.assertEqual(self.refusal_of(request)[:2], (field, code))

    def test_the_longest_time_that_may_be_asked_for(self) -> None:
        self.assertEqual(self.issue(replace(REQUEST, ttl=3600)).token.expires_at, NOW + 3600)
