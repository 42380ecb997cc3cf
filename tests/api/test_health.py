from __future__ import annotations

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.web.resource import Resource
from twisted.web.server import Request

from vncproxy.api import health_resource
from vncproxy.api.health import TIME_LIMIT
from vncproxy.errors import StoreUnavailable

from .world import ApiTestCase


class HealthTests(ApiTestCase):
    """Health as the API serves it."""

    def test_process_that_answers_is_alive(self) -> None:
        answer = self.call("GET", "/healthz", headers={})

        self.assertEqual((answer.status, answer.body), (200, {"status": "ok"}))
        self.assertEqual(answer.headers["content-type"], "application/json")

    def test_proxy_is_ready_when_all_parts_are(self) -> None:
        answer = self.call("GET", "/readyz", headers={})

        self.assertEqual(answer.status, 200)
        self.assertEqual(answer.body, {"status": "ok", "parts": {"store": "ok", "sessions": "ok"}})

    def test_store_that_fails_is_named_without_detail(self) -> None:
        self.patch(self.store, "ping", lambda: fail(StoreUnavailable("redis 10.0.0.5")))

        answer = self.call("GET", "/readyz", headers={})

        self.assertRefused(answer, 503, "not-ready", None)
        self.assertEqual(answer.body["parts"], {"store": "store-unavailable", "sessions": "ok"})
        self.assertNotIn("10.0.0.5", answer.text)

    def test_store_that_never_answers_is_given_up(self) -> None:
        self.patch(self.store, "ping", lambda: Deferred())
        request = self.begin("GET", "/readyz", headers={})

        self.clock.advance(TIME_LIMIT)

        self.assertEqual(self.finish(request).body["parts"]["store"], "store-unavailable")

    def test_proxy_that_is_stopping_is_alive_and_not_ready(self) -> None:
        self.sessions.draining = True

        answer = self.call("GET", "/readyz", headers={})

        self.assertRefused(answer, 503, "not-ready", None)
        self.assertEqual(answer.body["parts"]["sessions"], "proxy-stopping")
        self.assertIn("sessions", answer.error["message"])
        self.assertEqual(self.call("GET", "/healthz", headers={}).status, 200)

    def test_defect_is_logged_and_answered(self) -> None:
        self.patch(self.store, "ping", lambda: fail(ZeroDivisionError()))

        answer = self.call("GET", "/readyz", headers={})

        self.assertRefused(answer, 500, "internal-error", None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_other_methods_are_refused_in_json(self) -> None:
        answer = self.call("POST", "/healthz", {}, headers={})

        self.assertRefused(answer, 405, "method-not-allowed", None)


class MountedHealthTests(HealthTests):
    """The same, rendered by another site that is a leaf and keeps the whole path."""

    def serve(self) -> None:
        super().serve()
        health = health_resource(store=self.store, sessions=self.sessions, clock=self.clock)
        self.treq = StubTreq(Leaf(health))

    def test_caller_that_goes_away_stops_the_check(self) -> None:
        cancelled: list[object] = []
        self.patch(self.store, "ping", lambda: Deferred(cancelled.append))
        request = self.begin("GET", "/readyz", headers={})
        request.addErrback(lambda failure: None)

        request.cancel()
        self.treq.flush()

        self.assertEqual(len(cancelled), 1)


class Leaf(Resource):
    isLeaf = True

    def __init__(self, health: Resource) -> None:
        super().__init__()
        self._health = health

    def render(self, request: Request) -> object:
        return self._health.children[request.path.strip(b"/")].render(request)
