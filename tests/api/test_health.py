from __future__ import annotations

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.web.resource import Resource
from twisted.web.server import Request

from tests.doubles.api import ApiTestCase
from vncproxy.api import health_resource
from vncproxy.api.health import REMEMBERED, TIME_LIMIT, Readiness
from vncproxy.errors import OverLimit, ProxyStopping, StoreUnavailable


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
        self.patch(self.store, "check", lambda: fail(StoreUnavailable("redis 10.0.0.5")))

        answer = self.call("GET", "/readyz", headers={})

        self.assertRefused(answer, 503, "not-ready", None)
        self.assertEqual(answer.body["parts"], {"store": "store-unavailable", "sessions": "ok"})
        self.assertNotIn("10.0.0.5", answer.text)

    def test_store_that_never_answers_is_given_up(self) -> None:
        self.patch(self.store, "check", lambda: Deferred())
        request = self.begin("GET", "/readyz", headers={})

        self.clock.advance(TIME_LIMIT)

        self.assertEqual(self.finish(request).body["parts"]["store"], "store-unavailable")

    def test_proxy_that_is_stopping_is_alive_and_not_ready(self) -> None:
        self.sessions.full = ProxyStopping()

        answer = self.call("GET", "/readyz", headers={})

        self.assertRefused(answer, 503, "not-ready", None)
        self.assertEqual(answer.body["parts"]["sessions"], "proxy-stopping")
        self.assertIn("sessions", answer.error["message"])
        self.assertEqual(self.call("GET", "/healthz", headers={}).status, 200)

    def test_proxy_at_its_limit_is_not_ready(self) -> None:
        self.sessions.full = OverLimit()

        answer = self.call("GET", "/readyz", headers={})

        self.assertRefused(answer, 503, "not-ready", None)
        self.assertEqual(answer.body["parts"], {"store": "ok", "sessions": "over-limit"})

    def test_store_is_asked_once_a_second_at_most(self) -> None:
        asked: list[Deferred[None]] = []

        def check() -> Deferred[None]:
            asked.append(Deferred())
            return asked[-1]

        self.patch(self.store, "check", check)
        waiting = [self.begin("GET", "/readyz", headers={}) for _ in range(50)]
        self.treq.flush()
        self.assertEqual(len(asked), 1)
        asked[0].callback(None)
        self.assertEqual({self.finish(each).status for each in waiting}, {200})

        self.clock.advance(REMEMBERED - 0.1)
        self.assertEqual(self.call("GET", "/readyz", headers={}).status, 200)
        self.assertEqual(len(asked), 1)
        self.clock.advance(0.1)
        later = self.begin("GET", "/readyz", headers={})
        self.treq.flush()
        asked[1].errback(StoreUnavailable())

        self.assertEqual(self.finish(later).status, 503)

    def test_defect_is_logged_and_answered(self) -> None:
        self.patch(self.store, "check", lambda: fail(ZeroDivisionError()))

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

    def test_caller_that_goes_away_leaves_the_answer_to_others(self) -> None:
        answer: Deferred[None] = Deferred()
        self.patch(self.store, "check", lambda: answer)
        gone = self.begin("GET", "/readyz", headers={})
        gone.addErrback(lambda failure: None)
        other = self.begin("GET", "/readyz", headers={})

        gone.cancel()
        self.treq.flush()
        answer.callback(None)

        self.assertEqual(self.finish(other).status, 200)


class PartsTests(ApiTestCase):
    def test_further_parts_count_too(self) -> None:
        parts = {"audit": "ok"}
        more = {"audit": lambda: parts["audit"]}
        ready = Readiness(self.store, self.sessions, self.clock, more)

        first = self.successResultOf(Deferred.fromCoroutine(ready()))
        parts["audit"] = "audit-unavailable"
        second = self.successResultOf(Deferred.fromCoroutine(ready()))

        self.assertEqual((first.status, second.status), (200, 503))


class Leaf(Resource):
    isLeaf = True

    def __init__(self, health: Resource) -> None:
        super().__init__()
        self._health = health

    def render(self, request: Request) -> object:
        return self._health.children[request.path.strip(b"/")].render(request)
