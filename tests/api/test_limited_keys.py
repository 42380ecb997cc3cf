"""What a key for some backends is shown: no answer contains anything of the others."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

from tests.doubles.api import ApiTestCase, broken, session
from vncproxy.api import Scope
from vncproxy.errors import OverLimit, StoreUnavailable, TokenUnknown
from vncproxy.metrics.labels import BackendLabels
from vncproxy.model import VMAddress
from vncproxy.session.metrics import Metrics

SECRET = VMAddress("esx", "mail-server-of-others")


class LimitedKeyTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        for scope in Scope:
            self.add_key(scope.value, scope)
        self.limited = [
            self.add_key("portal", scope, backends=["kvm"]) for scope in (Scope.READ, Scope.ADMIN)
        ]
        self.serve()

    def answers(self, method: str, path: str, body: object = None) -> list[str]:
        """Send a request with each limited key; returns the bodies of all answers."""
        found = []
        for key in self.limited:
            answer = self.call(method, path, body, key=key)
            headers = {
                name: text
                for name, text in answer.headers.items()
                if name not in ("date", "x-request-id")
            }
            found.append(f"{headers} {answer.text}")
        return found

    def assert_silent(self, method: str, path: str, body: object = None) -> None:
        for text in self.answers(method, path, body):
            self.assertNotIn("esx", text)
            self.assertNotIn("others", text)

    def observe(self) -> None:
        metrics = Metrics(self.registry, BackendLabels())
        for vm in (VMAddress("kvm", "web-01"), SECRET, None):
            metrics.refused(session(vm=vm), TokenUnknown())
            metrics.opened(session(vm=vm))
            metrics.closed(session(vm=vm), OverLimit())

    def test_metrics(self) -> None:
        self.observe()
        for kind in (Gauge, Counter, Histogram):
            labelled = kind(f"of_{kind.__name__}", "x", ("backend",), registry=self.registry)
            for backend in ("kvm", "esx"):
                labelled.labels(backend)

        whole = self.call("GET", "/metrics").text
        (shown, _) = self.answers("GET", "/metrics")

        self.assertIn('backend="esx"', whole)
        self.assertNotIn("esx", shown)
        self.assertIn(
            'vncproxy_sessions_total{backend="kvm",outcome="token-unknown",type="novnc"} 1.0', shown
        )
        self.assertIn('vncproxy_sessions_total{backend="",outcome="token-unknown"', shown)
        self.assertIn("vncproxy_sessions_open 0.0", shown)
        self.assertIn("vncproxy_open_seconds_bucket", shown)

    def test_inventory(self) -> None:
        self.assert_silent("GET", "/v1/vms")
        listing = self.backends["esx"]
        self.patch(listing, "failure", broken())
        self.assert_silent("GET", "/v1/vms")

    def test_sessions(self) -> None:
        info = self.sessions.add(session("7f3a0002", vm=SECRET, user="bob of others"))

        self.assert_silent("GET", "/v1/sessions")
        (_, text) = self.answers("DELETE", f"/v1/sessions/{info.id}")
        self.assertIn("session-unknown", text)
        self.assertEqual(self.sessions.ended, {})

    def test_tokens(self) -> None:
        issued = self.issue(vm="esx/mail", user="bob of others").body
        self.sessions.add(session("7f3a0002", vm=SECRET, token_id="cd" * 32))

        for token_id in (issued["id"], "cd" * 32):
            self.assert_silent("GET", f"/v1/tokens/{token_id}")
            self.assert_silent("DELETE", f"/v1/tokens/{token_id}")
        unknown = self.answers("GET", f"/v1/tokens/{'ef' * 32}")
        self.assertEqual(self.answers("GET", f"/v1/tokens/{issued['id']}"), unknown)

    def test_a_backend_that_is_not_theirs_is_like_one_that_is_not_there(self) -> None:
        body = {"vm": "esx/mail", "user": "bob"}
        theirs = self.call("POST", "/v1/tokens", body, key=self.limited[1])
        missing = self.call("POST", "/v1/tokens", {**body, "vm": "ex1/mail"}, key=self.limited[1])
        self.assertEqual(theirs.text.replace("esx", "ex1"), missing.text)

        theirs = self.call("DELETE", "/v1/tokens?vm=esx/mail", key=self.limited[1])
        missing = self.call("DELETE", "/v1/tokens?vm=ex1/mail", key=self.limited[1])
        self.assertEqual(theirs.text.replace("esx", "ex1"), missing.text)

    def test_health(self) -> None:
        self.assert_silent("GET", "/readyz")
        self.sessions.full = OverLimit("10 sessions of esx/others")
        self.assert_silent("GET", "/readyz")

        async def away() -> None:
            raise StoreUnavailable("the redis of esx and others")

        self.clock.advance(10)
        self.patch(self.store, "check", away)
        self.assert_silent("GET", "/readyz")
