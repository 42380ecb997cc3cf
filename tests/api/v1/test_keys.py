"""Keys by HTTP: created, listed and revoked, and never with more than their creator."""

from __future__ import annotations

from typing import Any

from tests.doubles.api import NOW, Answer, ApiTestCase
from vncproxy.api import Scope
from vncproxy.errors import StoreUnavailable
from vncproxy.model import Rate

DAY = 86400.0


class KeysTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.manager = self.add_key("manager", Scope.ADMIN, Scope.KEYS)
        self.serve()

    def create(self, key: str | None = None, **changes: Any) -> Answer:
        body = {"name": "tenant", "scopes": ["issue"], **changes}
        return self.call("POST", "/v1/keys", body, key=key or self.manager)

    def listed(self, key: str | None = None) -> list[dict[str, Any]]:
        answer: list[dict[str, Any]] = self.call("GET", "/v1/keys", key=key or self.manager).body[
            "keys"
        ]
        return answer


class CreateTests(KeysTestCase):
    def test_a_new_key_works_at_once_and_does_what_it_may(self) -> None:
        created = self.create(vms=["kvm/web-*"]).body

        body = {"vm": "kvm/web-01", "user": "alice"}
        self.assertEqual(self.call("POST", "/v1/tokens", body, key=created["key"]).status, 201)
        body["vm"] = "kvm/db-01"
        self.assertEqual(self.call("POST", "/v1/tokens", body, key=created["key"]).status, 403)
        self.assertEqual(self.call("GET", "/v1/vms", key=created["key"]).status, 403)

    def test_its_bounds_are_kept_where_they_allow_nothing(self) -> None:
        hours = ["mon-fri 08:00-18:00 Europe/Berlin"]
        bounds = {"hours": hours, "bandwidth": 100_000, "power": []}
        created = self.create(policy=bounds).body
        body = {"vm": "kvm/web-01", "user": "alice"}

        policy = self.call("POST", "/v1/tokens", body, key=created["key"]).body["policy"]
        self.assertEqual((policy["hours"], policy["bandwidth"]), (hours, 100_000))
        self.assertEqual(self.listed()[-1]["policy"]["power"], [])
        for name, value in (("hours", ["sun 08:00-09:00 Europe/Berlin"]), ("bandwidth", 200_000)):
            answer = self.call(
                "POST", "/v1/tokens", {**body, "policy": {name: value}}, key=created["key"]
            )
            field = f"policy.{name}.0" if name == "hours" else f"policy.{name}"
            self.assertRefused(answer, 403, "forbidden", field)

    def test_bounds_that_are_no_windows_are_refused(self) -> None:
        answer = self.create(policy={"hours": ["mon-fri"]})
        self.assertEqual(answer.status, 422)
        self.assertIn("days, times and a time zone", answer.error["message"])

    def test_the_secret_is_shown_once(self) -> None:
        created = self.create().body

        self.assertNotIn(created["key"], str(self.listed()))
        self.assertNotIn("key", self.listed()[-1])

    def test_it_needs_a_scope_of_its_own(self) -> None:
        for scope in (Scope.ADMIN, Scope.ISSUE, Scope.READ):
            answer = self.create(self.key_with(scope))
            self.assertRefused(answer, 403, "forbidden", None)
            self.assertIn("'keys'", answer.error["message"])

    def test_two_of_one_name_for_rotation(self) -> None:
        self.assertEqual([self.create().status for _ in range(2)], [201, 201])
        self.assertRefused(self.create(), 409, "key-conflict", None)

    def test_names_of_the_configuration_are_taken(self) -> None:
        self.assertRefused(self.create(name="root"), 409, "key-conflict", None)

    def test_names_with_other_characters_are_refused(self) -> None:
        for name in ("*", "a*", "a b", "", "x" * 65, "a\n", "[a]", "é"):
            self.assertRefused(self.create(name=name), 422, "invalid-field", "name")

    def test_members_are_checked(self) -> None:
        for change, field in (
            ({"scopes": []}, "scopes"),
            ({"scopes": ["root"]}, "scopes.0"),
            ({"vms": ["kvm"]}, "vms"),
            ({"expires_in": 0}, "expires_in"),
            ({"expires_in": 401 * DAY}, "expires_in"),
            ({"requests_per_minute": 0}, "requests_per_minute"),
            ({"policy": {"mod": 1}}, "policy.mod"),
            ({"colour": "red"}, "colour"),
        ):
            self.assertRefused(self.create(**change), 422, "invalid-field", field)

    def test_its_life(self) -> None:
        self.assertEqual(self.create(name="a").body["expires_at"], "2026-04-02T03:04:05Z")
        short = self.create(name="b", expires_in=60).body
        self.clock.advance(61)
        self.time += 61

        self.assertEqual(self.call("GET", "/v1/keys", key=short["key"]).status, 401)
        self.assertEqual([each["name"] for each in self.listed() if each["created_by"]], ["a"])


class LimitedManagerTests(KeysTestCase):
    """A key that may create keys, and that is limited itself."""

    def limited(self, **rights: Any) -> str:
        return self.key_with(Scope.ISSUE, Scope.KEYS, **rights)

    def test_what_is_left_out_is_what_the_creator_may(self) -> None:
        key = self.limited(
            backends=["kvm"], vms=["kvm/web-*"], policy={"max_duration": 60, "uses": 2}
        )
        created = self.create(key).body

        self.assertEqual((created["backends"], created["vms"]), (["kvm"], ["kvm/web-*"]))
        policy = created["policy"]
        self.assertEqual((policy["max_duration"], policy["uses"]), (60, 2))

    def test_names_are_matched_only_where_it_is_asked_for(self) -> None:
        key = self.limited(vms=["kvm/web-*"], match_names=True)
        self.assertIs(self.create(key, name="ids").body["match_names"], False)
        self.assertIs(self.create(key, name="names", match_names=True).body["match_names"], True)
        described = self.call("GET", "/v1/openapi.json").body["components"]["schemas"]
        told = described["KeyRequest"]["properties"]["match_names"]["description"]
        self.assertIn("false where it is left out", told)

    def test_keys_of_a_revoked_key_live_on_and_tell_who_created_them(self) -> None:
        creator = self.create(name="creator", scopes=["issue", "keys"]).body
        left = self.create(creator["key"], name="left").body["id"]
        self.call("DELETE", f"/v1/keys/{creator['id']}")

        (found,) = (each for each in self.listed() if each["created_by"] == "creator")
        self.assertEqual(found["id"], left)

    def test_more_is_refused_with_its_field(self) -> None:
        key = self.limited(
            backends=["kvm"],
            vms=["kvm/web-*"],
            policy={"max_duration": 60, "allowed_origins": ["https://a.example.com"]},
        )
        for change, field in (
            ({"scopes": ["read"]}, "scopes"),
            ({"scopes": ["issue", "admin"]}, "scopes"),
            ({"backends": ["*"]}, "backends"),
            ({"backends": ["kvm", "esx"]}, "backends"),
            ({"vms": ["*"]}, "vms"),
            ({"vms": ["kvm/**"]}, "vms"),
            ({"vms": ["kvm/we*"]}, "vms"),
            ({"vms": ["kvm/web-1", "kvm/db-1"]}, "vms"),
            ({"vms": ["*/web-*"]}, "vms"),
            ({"match_names": True}, "match_names"),
            ({"policy": {"max_duration": 61}}, "policy.max_duration"),
            (
                {"policy": {"allowed_origins": ["https://b.example.com"]}},
                "policy.allowed_origins.0",
            ),
        ):
            self.assertRefused(self.create(key, **change), 403, "forbidden", field)

    def test_less_is_given(self) -> None:
        key = self.limited(vms=["kvm/web-*"], policy={"max_duration": 60})
        created = self.create(
            key,
            vms=["kvm/web-0*", "kvm/web-1-*-x"],
            policy={"max_duration": 30, "mode": "view-only"},
        )

        self.assertEqual(created.status, 201)
        self.assertEqual(created.body["policy"]["max_duration"], 30)

    def test_it_sees_and_revokes_only_what_it_could_create(self) -> None:
        key = self.limited(vms=["kvm/web-*"])
        theirs = self.create(name="theirs").body["id"]
        mine = self.create(key, name="mine").body["id"]

        self.assertEqual([each["name"] for each in self.listed(key)], ["portal", "mine"])
        answer = self.call("DELETE", f"/v1/keys/{theirs}", key=key)
        self.assertRefused(answer, 404, "key-unknown", None)
        self.assertRefused(self.create(key, name="theirs"), 409, "key-conflict", None)
        self.assertEqual(self.call("DELETE", f"/v1/keys/{mine}", key=key).body, {"revoked": 1})

    def test_a_key_of_a_key_has_no_more_either(self) -> None:
        key = self.limited(vms=["kvm/web-*"])
        child = self.create(key, scopes=["issue", "keys"], vms=["kvm/web-1*"]).body["key"]

        self.assertRefused(self.create(child, name="x", vms=["kvm/web-*"]), 403, "forbidden", "vms")
        self.assertEqual(self.create(child, name="x").body["vms"], ["kvm/web-1*"])

    def test_it_ends_no_later_than_its_creator(self) -> None:
        key = self.limited(expires=NOW + DAY)

        self.assertEqual(self.create(key).body["expires_at"], "2026-01-03T03:04:05Z")

    def test_requests_count_for_the_creator_as_well(self) -> None:
        key = self.limited(rates=(Rate("key:portal", 30),))
        child = self.create(key, requests_per_minute=6000).body

        answers = [self.call("GET", "/v1/keys", key=child["key"]).status for _ in range(6)]
        self.assertEqual(answers, [403, 403, 403, 403, 429, 429])
        self.assertEqual(child["requests_per_minute"], 30)


class RevokeTests(KeysTestCase):
    def test_a_revoked_key_is_refused_within_a_second(self) -> None:
        created = self.create().body
        self.assertEqual(self.call("GET", "/v1/keys", key=created["key"]).status, 403)
        self.assertEqual(
            self.call("DELETE", f"/v1/keys/{created['id']}", key=self.manager).body, {"revoked": 1}
        )
        self.clock.advance(1)

        self.assertEqual(self.call("GET", "/v1/keys", key=created["key"]).status, 401)
        again = self.call("DELETE", f"/v1/keys/{created['id']}", key=self.manager)
        self.assertRefused(again, 404, "key-unknown", None)

    def test_keys_of_the_configuration_stay(self) -> None:
        (configured, *_) = [each["id"] for each in self.listed() if each["name"] == "root"]

        answer = self.call("DELETE", f"/v1/keys/{configured}", key=self.manager)
        self.assertRefused(answer, 409, "key-conflict", None)

    def test_what_is_no_id(self) -> None:
        for text in ("*", "a" * 63, "A" * 64, "..", "%2A"):
            answer = self.call("DELETE", f"/v1/keys/{text}", key=self.manager)
            self.assertEqual(answer.status, 404, text)

    def test_without_the_store_created_keys_are_refused_and_others_not(self) -> None:
        created = self.create().body

        async def away(*_: object) -> None:
            raise StoreUnavailable("redis is away")

        self.patch(self.portals, "find_key", away)
        self.clock.advance(1)
        self.assertEqual(self.call("GET", "/v1/vms", key=created["key"]).status, 503)
        self.assertEqual(self.call("GET", "/v1/vms", key=self.manager).status, 200)


class LastUseTests(KeysTestCase):
    def test_it_is_written_in_batches(self) -> None:
        for _ in range(3):
            self.call("GET", "/v1/vms", key=self.manager)
        self.assertEqual({each["last_used_at"] for each in self.listed()}, {None})
        self.clock.advance(10)
        self.time += 10

        used = {each["name"]: each["last_used_at"] for each in self.listed()}
        self.assertEqual(used["manager"], "2026-01-02T03:04:05Z")
        self.assertIsNone(used["root"])
