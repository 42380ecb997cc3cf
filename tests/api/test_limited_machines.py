"""Keys for some machines: by ids, whatever tenants call theirs; and for links that may do less."""

from __future__ import annotations

from typing import Any

from tests.doubles.api import Answer, ApiTestCase, Listing, session
from vncproxy.api import Scope
from vncproxy.model import VMAddress, VMSummary

DB_01 = VMAddress("kvm", "db-01")


class LimitedMachinesTests(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.limited = self.key_with(Scope.ADMIN, vms=["kvm/web-*"])

    def ask(self, method: str, path: str, body: object = None) -> Answer:
        return self.call(method, path, body, key=self.limited)

    def issue_limited(self, vm: str, **policy: Any) -> Answer:
        return self.ask("POST", "/v1/tokens", {"vm": vm, "user": "alice", "policy": policy})

    def assert_forbidden(self, answer: Answer) -> None:
        self.assertRefused(answer, 403, "forbidden", "vm")

    def test_issues_for_machines_that_match_alone(self) -> None:
        self.assertEqual(self.issue_limited("kvm/web-01").status, 201)
        for vm in ("kvm/db-01", "kvm/WEB-01", "kvm/xweb-01", "esx/web-01", "kvm/web-01/x"):
            self.assert_forbidden(self.issue_limited(vm))

    def test_a_machine_that_does_not_match_is_like_one_that_does_not_exist(self) -> None:
        exists, missing = self.issue_limited("kvm/db-01"), self.issue_limited("kvm/db-02")

        self.assertEqual(exists.text, missing.text.replace("db-02", "db-01"))

    def test_a_name_that_looks_like_an_id_widens_nothing(self) -> None:
        """A tenant has called the machine ``db-01`` by a name that the pattern would match."""
        self.kvm.names.add("web-of-a-tenant")

        answer = self.issue_limited("kvm/web-of-a-tenant")

        self.assert_forbidden(answer)
        self.assertIn("by its id, or set match_names", answer.error["message"])

    def test_displayed_names_widen_nothing(self) -> None:
        self.kvm.machines.append(VMSummary(VMAddress("kvm", "77"), "web-of-a-tenant", "running"))

        shown = self.ask("GET", "/v1/vms").body["vms"]

        self.assertEqual([each["vm"] for each in shown], ["kvm/web-01"])
        self.assert_forbidden(self.issue_limited("kvm/77"))

    def test_names_count_where_they_are_configured_to(self) -> None:
        self.kvm.machines = [VMSummary(VMAddress("kvm", "77"), "web-01", "running")]
        self.kvm.names.add("web-01")
        key = self.key_with(Scope.ADMIN, vms=["kvm/web-*"], match_names=True)

        shown = self.call("GET", "/v1/vms", key=key).body["vms"]
        self.assertEqual([each["vm"] for each in shown], ["kvm/web-01"])
        body = {"vm": "kvm/web-01", "user": "alice"}
        self.assertEqual(self.call("POST", "/v1/tokens", body, key=key).status, 201)

    def test_a_name_that_the_backend_takes_for_an_id_counts_for_no_other_machine(self) -> None:
        """A tenant has called its machine by the id of one that the key may use."""
        self.kvm.machines = [
            VMSummary(VMAddress("kvm", "77"), "42", "running"),
            VMSummary(VMAddress("kvm", "42"), "web-01", "running"),
        ]
        key = self.key_with(Scope.ADMIN, vms=["kvm/42"], match_names=True)

        shown = self.call("GET", "/v1/vms", key=key).body["vms"]
        self.assertEqual([(each["vm"], each["name"]) for each in shown], [("kvm/42", "web-01")])

    def test_whole_backends_match_whatever_names_are(self) -> None:
        self.kvm.names.add("a-name")
        self.backends["blind"] = Listing("blind", {})
        for pattern in ("kvm/*", "kvm/**", "*"):
            key = self.key_with(Scope.ISSUE, vms=[pattern])
            body = {"vm": "kvm/a-name", "user": "alice"}
            self.assertEqual(self.call("POST", "/v1/tokens", body, key=key).status, 201, pattern)

    def test_a_backend_that_knows_no_ids_matches_as_a_whole_only(self) -> None:
        for pattern, status in (("b/**", 201), ("b/*", 201), ("b/web-*", 403), ("b/web-01", 403)):
            key = self.key_with(Scope.ISSUE, vms=[pattern])
            body = {"vm": "b/web-01", "user": "alice"}
            self.assertEqual(self.call("POST", "/v1/tokens", body, key=key).status, status, pattern)

    def test_tokens_of_other_machines_are_unknown(self) -> None:
        other = self.issue(vm="kvm/db-01").body["id"]

        for method in ("GET", "DELETE"):
            answer = self.ask(method, f"/v1/tokens/{other}")
            self.assertRefused(answer, 404, "token-unknown", None)
        self.assert_forbidden(self.ask("DELETE", "/v1/tokens?vm=kvm/db-01"))
        self.assertEqual(self.call("GET", f"/v1/tokens/{other}").status, 200)

    def test_a_user_is_revoked_with_a_key_for_all_machines(self) -> None:
        self.assertRefused(self.ask("DELETE", "/v1/tokens?user=alice"), 403, "forbidden", "user")

    def test_sessions_of_other_machines_are_neither_seen_nor_ended(self) -> None:
        for id_, vm in (("01", "web-01"), ("02", "db-01"), ("03", "web-02")):
            self.sessions.add(session(id_, vm=VMAddress("kvm", vm)))
        self.sessions.add(session("04", vm=None))

        seen = self.ask("GET", "/v1/sessions").body["sessions"]
        self.assertEqual([each["id"] for each in seen], ["01", "03"])
        for other in ("02", "04"):
            for method in ("GET", "DELETE"):
                answer = self.ask(method, f"/v1/sessions/{other}")
                self.assertRefused(answer, 404, "session-unknown", None)
        self.assertEqual(self.ask("DELETE", "/v1/sessions?user=alice").body, {"ended": 2})
        self.assertEqual(set(self.sessions.live), {"02", "04"})

    def test_pages_are_full(self) -> None:
        for number in range(10):
            vm = VMAddress("kvm", f"{'web' if number % 2 else 'db'}-{number}")
            self.sessions.add(session(f"{number:02}", vm=vm))

        page = self.ask("GET", "/v1/sessions?limit=3").body
        self.assertEqual([each["id"] for each in page["sessions"]], ["01", "03", "05"])
        rest = self.ask("GET", f"/v1/sessions?limit=3&after={page['next']}").body
        self.assertEqual([each["id"] for each in rest["sessions"]], ["07", "09"])

    def test_ending_the_sessions_of_a_user_without_any_ends_none(self) -> None:
        self.sessions.add(session("02", vm=DB_01))

        self.assertEqual(self.ask("DELETE", "/v1/sessions?user=alice").body, {"ended": 0})
        self.assertEqual(set(self.sessions.live), {"02"})

    def test_sessions_of_a_token_that_is_gone_end_where_they_are_seen(self) -> None:
        self.sessions.add(session("01", vm=VMAddress("kvm", "web-01")))
        self.sessions.add(session("02", vm=DB_01, token_id="cd" * 32))

        self.assertEqual(self.ask("DELETE", f"/v1/tokens/{'ab' * 32}").body["ended"], 1)
        self.assertEqual(self.ask("DELETE", f"/v1/tokens/{'cd' * 32}").status, 404)
        self.assertEqual(set(self.sessions.live), {"02"})

    def test_no_proxy_is_drained(self) -> None:
        self.assertEqual(self.ask("POST", "/v1/proxies/proxy-1/drain").status, 403)


class LimitedPolicyTests(ApiTestCase):
    def limited(self, **policy: Any) -> Answer:
        asked = policy.pop("asked", {})
        key = self.key_with(Scope.ISSUE, policy=policy)
        body = {"vm": "kvm/web-01", "user": "alice", "policy": asked}
        return self.call("POST", "/v1/tokens", body, key=key)

    def test_what_is_left_open_becomes_the_most(self) -> None:
        answer = self.limited(max_duration=60, confirm=True)

        self.assertEqual(answer.body["policy"]["max_duration"], 60)
        self.assertTrue(answer.body["policy"]["confirm"])

    def test_more_is_refused_with_its_field(self) -> None:
        answer = self.limited(max_duration=60, asked={"max_duration": 61})

        self.assertRefused(answer, 403, "forbidden", "policy.max_duration")
        self.assertEqual(answer.error["message"], "may be at most 60 seconds")

    def test_what_no_proxy_enforces_is_refused(self) -> None:
        answer = self.limited(record=True)

        self.assertRefused(answer, 422, "policy-unsupported", "policy.record")

    def test_a_key_for_watching_issues_links_for_watching(self) -> None:
        answer = self.limited(mode="view-only")

        self.assertEqual(answer.body["policy"]["mode"], "view-only")
