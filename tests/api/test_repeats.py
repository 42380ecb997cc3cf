"""Requests that are sent again have one effect and one answer; each request has an id."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.api import Answer, ApiTestCase
from vncproxy.api import Scope
from vncproxy.model import ConsoleEndpoint, Token, Transport, VMAddress, VMSummary
from vncproxy.portals.limits import PENDING

BODY = {"vm": "kvm/web-01", "user": "alice"}


class RepeatsTests(ApiTestCase):
    def headers(self, repeat: str, key: str | None = None) -> dict[str, str]:
        return {"Authorization": f"Bearer {key or self.key}", "Idempotency-Key": repeat}

    def repeat(self, repeat: str = "order-1", key: str | None = None, **changes: Any) -> Answer:
        body = {**BODY, **changes}
        return self.call("POST", "/v1/tokens", body, headers=self.headers(repeat, key))

    def test_same_key_and_body_give_the_same_answer(self) -> None:
        first, second = self.repeat(), self.repeat()

        self.assertEqual((second.status, second.text), (first.status, first.text))
        self.assertEqual(second.headers["location"], first.headers["location"])
        self.assertNotIn("idempotent-replayed", first.headers)
        self.assertEqual(second.headers["idempotent-replayed"], "true")
        self.assertEqual(len([each for each in self.audit if each["event"] == "api-issue"]), 1)

    def test_order_and_space_of_json_do_not_matter(self) -> None:
        first = self.repeat()
        raw = b'{ "user": "alice",\n"vm": "kvm/web-01" }'
        second = self.call("POST", "/v1/tokens", raw, headers=self.headers("order-1"))

        self.assertEqual(second.text, first.text)

    def test_same_key_and_other_body_are_refused(self) -> None:
        self.repeat()

        answer = self.repeat(user="bob")
        self.assertRefused(answer, 422, "idempotency-key-reused", "Idempotency-Key")

    def test_other_keys_and_other_callers_are_other_requests(self) -> None:
        other = self.key_with(Scope.ISSUE)
        answers = [self.repeat(), self.repeat("order-2"), self.repeat(key=other)]

        self.assertEqual(len({answer.body["id"] for answer in answers}), 3)

    def test_a_request_that_was_refused_may_be_sent_again(self) -> None:
        self.assertEqual(self.repeat(vm="kvm/gone", check=True).status, 422)
        self.kvm.machines.append(VMSummary(VMAddress("kvm", "gone"), "gone", "running"))

        self.assertEqual(self.repeat(vm="kvm/gone", check=True).status, 201)

    def test_a_header_that_is_not_sane_is_refused(self) -> None:
        for text in ("", " ", "x" * 256, "a b", "é"):
            answer = self.repeat(text)
            self.assertRefused(answer, 400, "bad-request", "Idempotency-Key")

    def slow(self) -> Deferred[ConsoleEndpoint]:
        """Let the backend take its time."""
        located: Deferred[ConsoleEndpoint] = Deferred()

        async def locate(vm: str) -> ConsoleEndpoint:
            return await located

        self.patch(self.kvm, "locate", locate)
        return located

    def test_of_two_at_once_the_second_waits_for_the_first(self) -> None:
        located = self.slow()
        body = {**BODY, "check": True}
        racing = [
            self.begin("POST", "/v1/tokens", body, headers=self.headers("order-1"))
            for _ in range(2)
        ]
        self.clock.advance(0.5)
        located.callback(ConsoleEndpoint(Transport.TCP, host="10.0.0.1", port=5900))
        self.clock.pump([0.1] * 10)

        first, second = (self.finish(each) for each in racing)
        self.assertEqual((first.status, second.text), (201, first.text))

    def test_a_second_that_waits_too_long_is_told_to_try_again(self) -> None:
        self.slow()
        body = {**BODY, "check": True}
        self.begin("POST", "/v1/tokens", body, headers=self.headers("order-1"))
        second = self.begin("POST", "/v1/tokens", body, headers=self.headers("order-1"))
        self.clock.pump([0.1] * 25)

        answer = self.finish(second)
        self.assertRefused(answer, 409, "request-pending", "Idempotency-Key")
        self.assertEqual(answer.headers["retry-after"], "1")

    def test_one_that_takes_minutes_has_one_effect(self) -> None:
        answering: Deferred[None] = Deferred()
        issue = self.store.issue

        async def slow(token: Token) -> str:
            await answering
            return await issue(token)

        self.patch(self.store, "issue", slow)
        first = self.begin("POST", "/v1/tokens", BODY, headers=self.headers("order-1"))
        self.clock.pump([1.0] * int(3 * PENDING))
        second = self.begin("POST", "/v1/tokens", BODY, headers=self.headers("order-1"))
        self.clock.pump([0.1] * 25)
        self.assertRefused(self.finish(second), 409, "request-pending", "Idempotency-Key")

        answering.callback(None)

        self.assertEqual(self.finish(first).text, self.repeat().text)
        self.assertEqual(len([each for each in self.audit if each["event"] == "api-issue"]), 1)

    def test_without_the_header_nothing_is_kept(self) -> None:
        async def begin(*_: object) -> tuple[str, str]:
            raise AssertionError("the store is not asked")

        self.patch(self.portals, "begin", begin)
        self.assertEqual(self.issue().status, 201)


class RequestIdTests(ApiTestCase):
    def sent(self, text: str) -> str:
        headers = {"Authorization": f"Bearer {self.key}", "X-Request-Id": text}
        return self.call("GET", "/v1/vms", headers=headers).headers["x-request-id"]

    def test_a_sane_one_is_answered(self) -> None:
        for text in ("order-1", "req-6b1e:7/x+y=", "a" * 64):
            self.assertEqual(self.sent(text), text)

    def test_another_one_is_replaced(self) -> None:
        for text in ("", "a" * 65, "a b", 'a"b', "é", "x" * 9000):
            self.assertRegex(self.sent(text), r"\A[0-9a-f]{16}\Z")

    def test_each_answer_has_one(self) -> None:
        for path in ("/v1/vms", "/v1/nothing", "/healthz", "/v1/openapi.json", "/v2.1/servers"):
            self.assertIn("x-request-id", self.call("GET", path).headers, path)


class AuditTests(ApiTestCase):
    def lines(self, event: str) -> list[dict[str, Any]]:
        return [each for each in self.audit if each["event"] == event]

    def test_issue_and_revoke_have_the_key_and_the_request(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "X-Request-Id": "r-1"}
        issued = self.call("POST", "/v1/tokens", BODY, headers=headers).body
        self.call("DELETE", f"/v1/tokens/{issued['id']}", headers=headers)
        self.call("DELETE", "/v1/tokens?user=alice")
        self.call("DELETE", "/v1/tokens?vm=kvm/web-01")

        (line,) = self.lines("api-issue")
        self.assertEqual((line["key"], line["request"], line["caller"]), ("root", "r-1", "key"))
        self.assertEqual((line["vm"], line["user"]), ("kvm/web-01", "alice"))
        self.assertEqual(line["token"], issued["id"][:12])
        self.assertNotIn(issued["token"], str(self.audit))
        by_id, by_user, by_vm = self.lines("api-revoke")
        self.assertEqual((by_id["token"], by_id["revoked"]), (issued["id"][:12], 1))
        self.assertEqual((by_user["user"], by_vm["vm"]), ("alice", "kvm/web-01"))

    def test_refusals_have_their_code_and_field(self) -> None:
        key = self.key_with(Scope.ISSUE, vms=["kvm/web-*"])
        self.call("POST", "/v1/tokens", {**BODY, "vm": "kvm/db-01"}, key=key)
        self.call("GET", "/v1/vms", key=key)
        self.call("POST", "/v1/tokens", {**BODY, "user": ""}, key=key)

        machine, scope, user = self.lines("api-refuse")
        self.assertEqual((machine["status"], machine["reason"]), (403, "forbidden"))
        self.assertEqual((machine["field"], machine["key"]), ("vm", "portal"))
        self.assertEqual(machine["request_to"], "POST /v1/tokens")
        self.assertIn("'read'", scope["message"])
        self.assertEqual((user["status"], user["field"]), (422, "user"))

    def test_reading_what_is_not_there_is_no_line(self) -> None:
        self.call("GET", f"/v1/tokens/{'a' * 64}")

        self.assertEqual(self.audit, [])

    def test_strangers_do_not_fill_the_disk(self) -> None:
        for _ in range(100):
            self.call("GET", "/v1/vms", key="wrong")
        self.assertEqual(len(self.lines("api-refuse")), 60)
        self.clock.advance(60)
        self.call("GET", "/v1/vms", key="wrong")

        last = self.lines("api-refuse")[-1]
        self.assertEqual(
            (last["suppressed"], last["key"], last["reason"]), (40, None, "unauthorized")
        )

    def test_no_line_holds_a_key(self) -> None:
        manager = self.key_with(Scope.KEYS, Scope.ISSUE)
        created = self.call(
            "POST", "/v1/keys", {"name": "tenant", "scopes": ["issue"]}, key=manager
        ).body
        self.call("DELETE", f"/v1/keys/{created['id']}", key=manager)

        events = [(each["event"], each["of_key"]) for each in self.audit]
        self.assertEqual(events, [("api-key-create", "tenant"), ("api-key-revoke", "tenant")])
        for secret in (created["key"], manager):
            self.assertNotIn(secret, str(self.audit))


class ExpiryTests(ApiTestCase):
    def test_a_key_of_the_configuration_ends(self) -> None:
        key = self.key_with(Scope.READ, expires=self.time + 10)
        self.assertEqual(self.call("GET", "/v1/vms", key=key).status, 200)
        self.time += 10

        answer = self.call("GET", "/v1/vms", key=key)
        self.assertRefused(answer, 401, "unauthorized", None)
        self.assertEqual(answer.error["message"], "the API key has expired")
