from __future__ import annotations

from typing import Any
from urllib.parse import quote

from twisted.internet.defer import Deferred, fail
from twisted.logger import capturedLogs

from tests.doubles.api import NOW, WEB_01, ApiTestCase, session
from vncproxy.api import Scope
from vncproxy.errors import EndedByAdministrator, StoreUnavailable
from vncproxy.model import VMAddress, secret_id

UNKNOWN_ID = "0" * 64


class IssueTests(ApiTestCase):
    def test_token_opens_what_was_asked_for(self) -> None:
        answer = self.issue()

        grant = self.successResultOf(self.redeem(answer.body["token"]))
        self.assertEqual(answer.status, 201)
        self.assertEqual(grant.token.vm, WEB_01)
        self.assertEqual(grant.token.user, "alice")
        self.assertEqual(grant.token.expires_at, NOW + 600)

    def redeem(self, secret: str) -> Deferred[Any]:
        async def redeem() -> Any:
            return await self.store.redeem(secret)

        return Deferred.fromCoroutine(redeem())

    def test_answer_has_everything_a_portal_needs(self) -> None:
        answer = self.issue(ttl=60)

        body = answer.body
        self.assertEqual(body["id"], secret_id(body["token"]))
        self.assertEqual(answer.headers["location"], f"/v1/tokens/{body['id']}")
        self.assertEqual(body["url"], f"https://console.example.com/?token={body['token']}")
        self.assertEqual(body["expires_at"], "2026-01-02T03:05:05Z")
        self.assertEqual(body["issued_at"], "2026-01-02T03:04:05Z")
        self.assertEqual((body["vm"], body["user"], body["type"]), ("kvm/web-01", "alice", "novnc"))
        self.assertEqual(body["policy"]["uses"], 1)

    def test_secret_is_not_cached(self) -> None:
        self.assertEqual(self.issue().headers["cache-control"], "no-store")

    def test_tcp_viewer_gets_its_own_url(self) -> None:
        body = self.issue(type="xvpvnc").body

        expected = f"http://console.example.com:6081/console?token={body['token']}"
        self.assertEqual(body["url"], expected)

    def test_enforced_policy_is_kept(self) -> None:
        policy = {
            "uses": 0,
            "max_duration": 3600,
            "idle_timeout": 60.5,
            "client_networks": ["10.0.0.0/8", "fd00::/8"],
            "allowed_origins": ["https://Portal.example.com:443"],
        }

        body = self.issue(policy=policy).body

        kept = {name: body["policy"][name] for name in policy}
        self.assertEqual(kept, {**policy, "allowed_origins": ["https://portal.example.com"]})

    def test_parts_that_are_not_enforced_are_refused_by_name(self) -> None:
        answer = self.issue(policy={"exclusive_at_server": True})

        self.assertRefused(answer, 422, "policy-unsupported", "policy.exclusive_at_server")
        self.assertIn("not enforced", answer.error["message"])

    def test_defaults_of_those_parts_can_be_spelled_out(self) -> None:
        policy = {"mode": "control", "sharing": "shared", "record": False}

        self.assertEqual(self.issue(policy=policy).status, 201)

    def test_names_that_would_change_a_log_or_a_terminal_are_refused(self) -> None:
        for character in "\x1b\x9b\u2028\u2029\u202e\u200f\u2066\u061c\x00":
            self.assertRefused(self.issue(user=f"al{character}ice"), 422, "invalid-field", "user")
            self.assertRefused(self.issue(vm=f"kvm/w{character}"), 422, "invalid-field", "vm")
            query = quote(f"al{character}ice")
            answer = self.call("DELETE", f"/v1/tokens?user={query}")
            self.assertRefused(answer, 422, "invalid-field", "user")

    def test_wrong_fields_are_named(self) -> None:
        for changes, field in (
            ({"vm": "web-01"}, "vm"),
            ({"vm": 7}, "vm"),
            ({"user": ""}, "user"),
            ({"user": "a\nb"}, "user"),
            ({"user": "a" * 257}, "user"),
            ({"type": "spice"}, "type"),
            ({"ttl": 0}, "ttl"),
            ({"ttl": "600"}, "ttl"),
            ({"ttl": 86401}, "ttl"),
            ({"colour": "red"}, "colour"),
            ({"policy": None}, "policy"),
            ({"policy": {"uses": -1}}, "policy.uses"),
            ({"policy": {"uses": "1"}}, "policy.uses"),
            ({"policy": {"max_duration": 0}}, "policy.max_duration"),
            ({"policy": {"record": "yes"}}, "policy.record"),
            ({"policy": {"colour": "red"}}, "policy.colour"),
            ({"policy": {"client_networks": ["10.1.2.3/8"]}}, "policy.client_networks.0"),
            ({"policy": {"allowed_origins": ["https://a", "b"]}}, "policy.allowed_origins.1"),
        ):
            self.assertRefused(self.issue(**changes), 422, "invalid-field", field)

    def test_unknown_key_is_answered_with_the_known_ones(self) -> None:
        top = self.issue(colour="red").error["message"]
        policy = self.issue(policy={"colour": "red"}).error["message"]

        self.assertIn("vm, user, type, ttl, policy", top)
        self.assertIn("max_duration", policy)

    def test_missing_field_is_named(self) -> None:
        answer = self.call("POST", "/v1/tokens", {"vm": "kvm/web-01"})

        self.assertRefused(answer, 422, "invalid-field", "user")
        self.assertEqual(answer.error["message"], "is required")

    def test_body_that_is_no_object_is_refused(self) -> None:
        self.assertRefused(self.call("POST", "/v1/tokens", []), 422, "invalid-field", None)

    def test_body_that_is_not_json_is_refused(self) -> None:
        for body in (b"{", b"\xff", b"vm=kvm%2Fweb-01", None):
            answer = self.call("POST", "/v1/tokens", body)

            self.assertRefused(answer, 400, "bad-request", None)

    def test_long_body_is_refused(self) -> None:
        answer = self.call("POST", "/v1/tokens", {"user": "a" * 65536})

        self.assertRefused(answer, 413, "body-too-large", None)

    def test_unknown_backend_is_refused(self) -> None:
        self.assertRefused(self.issue(vm="nowhere/1"), 422, "backend-unknown", "vm")

    def test_restricted_key_issues_for_its_backends_only(self) -> None:
        key = self.key_with(Scope.ISSUE, backends=["esx"])
        body = {"vm": "esx/mail", "user": "alice"}

        allowed = self.call("POST", "/v1/tokens", body, key=key)
        other = self.call("POST", "/v1/tokens", {**body, "vm": "kvm/web-01"}, key=key)
        unknown = self.call("POST", "/v1/tokens", {**body, "vm": "nowhere/1"}, key=key)

        self.assertEqual(allowed.status, 201)
        self.assertRefused(other, 403, "forbidden", "vm")
        self.assertRefused(unknown, 403, "forbidden", "vm")

    def test_store_that_is_away_is_told_without_its_detail(self) -> None:
        self.patch(self.store, "issue", lambda token: fail(StoreUnavailable("redis 10.0.0.5")))

        answer = self.issue()

        self.assertRefused(answer, 503, "store-unavailable", None)
        self.assertNotIn("10.0.0.5", answer.text)

    def test_defect_is_logged_and_answered_in_the_same_shape(self) -> None:
        self.patch(self.store, "issue", lambda token: fail(ZeroDivisionError()))

        answer = self.issue()

        self.assertRefused(answer, 500, "internal-error", None)
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_log_says_who_issued_what_and_no_secret(self) -> None:
        with capturedLogs() as events:
            body = self.issue().body

        (event,) = [e for e in events if e.get("done") == "issued"]
        self.assertEqual((event["key"], event["vm"], event["user"]), ("root", WEB_01, "alice"))
        self.assertEqual(event["token"], body["id"][:12])
        self.assertNotIn(body["token"], repr(events))
        self.assertNotIn(body["id"], repr(event))
        self.assertNotIn(self.key, repr(events))


class ShowTests(ApiTestCase):
    def test_token_is_shown_without_its_secret(self) -> None:
        issued = self.issue(policy={"uses": 3})

        shown = self.call("GET", issued.headers["location"])

        self.assertEqual(shown.status, 200)
        self.assertNotIn(issued.body["token"], shown.text)
        self.assertEqual(shown.body["uses_left"], 3)
        self.assertEqual(shown.body["id"], issued.body["id"])

    def test_unlimited_uses_are_null(self) -> None:
        issued = self.issue(policy={"uses": 0})

        self.assertIsNone(self.call("GET", issued.headers["location"]).body["uses_left"])

    def test_unknown_and_malformed_ids_are_not_found(self) -> None:
        for token_id in (UNKNOWN_ID, "x", UNKNOWN_ID.replace("0", "A")):
            answer = self.call("GET", f"/v1/tokens/{token_id}")

            self.assertRefused(answer, 404, "token-unknown", None)

    def test_token_of_another_backend_is_not_found(self) -> None:
        location = self.issue().headers["location"]
        key = self.key_with(Scope.READ, backends=["esx"])

        self.assertRefused(self.call("GET", location, key=key), 404, "token-unknown", None)


class RevokeTests(ApiTestCase):
    def test_revoked_token_is_gone_and_its_sessions_end(self) -> None:
        issued = self.issue()
        self.sessions.add(session("1", token_id=issued.body["id"]))
        self.sessions.add(session("2"))

        answer = self.call("DELETE", issued.headers["location"])

        self.assertEqual((answer.status, answer.body), (200, {"revoked": 1, "ended": 1}))
        self.assertIsInstance(self.sessions.ended["1"], EndedByAdministrator)
        self.assertEqual(list(self.sessions.live), ["2"])
        self.assertEqual(self.call("GET", issued.headers["location"]).status, 404)

    def test_session_of_a_token_that_expired_ends_too(self) -> None:
        issued = self.issue()
        self.sessions.add(session(token_id=issued.body["id"]))
        self.time += 601

        answer = self.call("DELETE", issued.headers["location"])

        self.assertEqual((answer.status, answer.body), (200, {"revoked": 0, "ended": 1}))

    def test_unknown_and_malformed_ids_are_not_found(self) -> None:
        for token_id in (UNKNOWN_ID, "x"):
            answer = self.call("DELETE", f"/v1/tokens/{token_id}")

            self.assertRefused(answer, 404, "token-unknown", None)

    def test_token_of_another_backend_stays(self) -> None:
        issued = self.issue()
        self.sessions.add(session(token_id=issued.body["id"]))
        key = self.key_with(Scope.ISSUE, backends=["esx"])

        answer = self.call("DELETE", issued.headers["location"], key=key)

        self.assertRefused(answer, 404, "token-unknown", None)
        self.assertEqual(len(self.sessions.live), 1)
        self.assertEqual(self.call("GET", issued.headers["location"]).status, 200)

    def test_machine_loses_its_tokens_and_sessions(self) -> None:
        self.issue()
        self.issue(user="bob")
        other = self.issue(vm="kvm/db-01")
        self.sessions.add(session("1"))
        self.sessions.add(session("2", vm=VMAddress("kvm", "db-01")))

        answer = self.call("DELETE", "/v1/tokens?vm=kvm/web-01")

        self.assertEqual((answer.status, answer.body), (200, {"revoked": 2, "ended": 1}))
        self.assertEqual(list(self.sessions.live), ["2"])
        self.assertEqual(self.call("GET", other.headers["location"]).status, 200)

    def test_user_loses_tokens_and_sessions(self) -> None:
        self.issue(user="zoë")
        self.issue()
        self.sessions.add(session("1", user="zoë"))
        self.sessions.add(session("2"))

        answer = self.call("DELETE", "/v1/tokens?user=zo%C3%AB")

        self.assertEqual((answer.status, answer.body), (200, {"revoked": 1, "ended": 1}))
        self.assertEqual(list(self.sessions.live), ["2"])

    def test_user_loses_logins_as_well(self) -> None:
        for number, user in enumerate(("zoë", "zoë", "bob")):
            self.successResultOf(
                Deferred.fromCoroutine(self.logins.add(str(number), user, "{}", 60))
            )

        self.assertEqual(self.call("DELETE", "/v1/tokens?user=zo%C3%AB").status, 200)

        found = [
            self.successResultOf(Deferred.fromCoroutine(self.logins.find(str(number))))
            for number in range(3)
        ]
        self.assertEqual(found, [None, None, "{}"])

    def test_machine_of_a_backend_that_is_gone_can_be_revoked(self) -> None:
        self.assertEqual(self.call("DELETE", "/v1/tokens?vm=gone/1").status, 200)

    def test_restricted_key_revokes_machines_of_its_backends_only(self) -> None:
        key = self.key_with(Scope.ISSUE, backends=["esx"])

        own = self.call("DELETE", "/v1/tokens?vm=esx/mail", key=key)
        other = self.call("DELETE", "/v1/tokens?vm=kvm/web-01", key=key)

        self.assertEqual(own.status, 200)
        self.assertRefused(other, 403, "forbidden", "vm")

    def test_restricted_key_cannot_reach_a_user_in_all_backends(self) -> None:
        self.sessions.add(session())
        key = self.key_with(Scope.ADMIN, backends=["esx"])

        answer = self.call("DELETE", "/v1/tokens?user=alice", key=key)

        self.assertRefused(answer, 403, "forbidden", "user")
        self.assertEqual(len(self.sessions.live), 1)

    def test_exactly_one_parameter_is_needed(self) -> None:
        for query in ("", "?", "?vms=kvm/1", "?vm=kvm/1&user=a", "?user=a&user=b", "?%ff=1"):
            answer = self.call("DELETE", f"/v1/tokens{query}")

            self.assertRefused(answer, 400, "bad-request", None)

    def test_parameter_that_cannot_be_is_named(self) -> None:
        for query, status, code, field in (
            ("vm=web", 422, "invalid-field", "vm"),
            ("vm=", 422, "invalid-field", "vm"),
            ("user=", 422, "invalid-field", "user"),
            ("user=%ff", 400, "bad-request", "user"),
        ):
            answer = self.call("DELETE", f"/v1/tokens?{query}")

            self.assertRefused(answer, status, code, field)

    def test_sessions_end_although_the_store_is_away(self) -> None:
        self.sessions.add(session())
        self.patch(self.store, "revoke_vm", lambda vm: fail(StoreUnavailable()))

        answer = self.call("DELETE", "/v1/tokens?vm=kvm/web-01")

        self.assertRefused(answer, 503, "store-unavailable", None)
        self.assertEqual(self.sessions.live, {})

    def test_revocation_is_carried_through_when_the_caller_goes_away(self) -> None:
        self.sessions.add(session())
        revoking: Deferred[list[str]] = Deferred()
        self.patch(self.store, "revoke_vm", lambda vm: revoking)
        request = self.begin("DELETE", "/v1/tokens?vm=kvm/web-01")
        request.addErrback(lambda failure: None)

        request.cancel()
        self.treq.flush()
        revoking.callback([UNKNOWN_ID])

        self.assertEqual(self.sessions.live, {})
