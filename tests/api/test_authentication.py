from __future__ import annotations

import hashlib

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from zope.interface import implementer
from zope.interface.verify import verifyObject

from tests.doubles.api import ApiTestCase
from vncproxy.api import (
    ApiKey,
    ApiKeys,
    Caller,
    IAuthenticator,
    Scope,
    Unauthenticated,
    new_api_key,
)

ROUTES: tuple[tuple[str, str, set[Scope]], ...] = (
    ("POST", "/v1/tokens", {Scope.ISSUE}),
    ("DELETE", "/v1/tokens?user=alice", {Scope.ISSUE}),
    ("GET", "/v1/tokens/x", {Scope.ISSUE, Scope.READ}),
    ("DELETE", "/v1/tokens/x", {Scope.ISSUE}),
    ("GET", "/v1/vms", {Scope.READ}),
    ("GET", "/v1/sessions", {Scope.READ}),
    ("DELETE", "/v1/sessions/x", set()),
    ("GET", "/metrics", {Scope.READ}),
)


class KeyTests(ApiTestCase):
    def test_request_without_a_key_is_refused_on_every_route(self) -> None:
        for method, path, _ in ROUTES:
            answer = self.call(method, path, headers={})

            self.assertRefused(answer, 401, "unauthorized", None)
            self.assertEqual(answer.headers["www-authenticate"], 'Bearer realm="vncproxy"')

    def test_unknown_key_is_refused(self) -> None:
        for key in ("wrong", "", self.key[:-1], f"{self.key}x", "\xff"):
            answer = self.call("GET", "/v1/vms", key=key)

            self.assertRefused(answer, 401, "unauthorized", None)
            self.assertIn("invalid_token", answer.headers["www-authenticate"])

    def test_hash_of_a_key_is_no_key(self) -> None:
        for key in (self.keys[0].hash, self.keys[0].hash.removeprefix("sha256:")):
            self.assertEqual(self.call("GET", "/v1/vms", key=key).status, 401)

    def test_each_of_several_keys_is_known(self) -> None:
        keys = [self.add_key(f"k{n}", Scope.READ) for n in range(3)]
        self.serve()

        self.assertEqual([self.call("GET", "/v1/vms", key=k).status for k in keys], [200] * 3)

    def test_hash_may_be_written_in_capitals(self) -> None:
        digest = hashlib.sha256(b"abc").hexdigest().upper()
        self.keys.append(ApiKey(f"sha256:{digest}", Caller("old", frozenset({Scope.READ}))))
        self.serve()

        self.assertEqual(self.call("GET", "/v1/vms", key="abc").status, 200)

    def test_key_is_also_taken_from_its_own_header(self) -> None:
        answer = self.call("GET", "/v1/vms", headers={"X-Api-Key": self.key})

        self.assertEqual(answer.status, 200)

    def test_other_schemes_are_no_key(self) -> None:
        answer = self.call("GET", "/v1/vms", headers={"Authorization": f"Basic {self.key}"})

        self.assertEqual(answer.status, 401)

    def test_scope_that_is_missing_is_named(self) -> None:
        for scope in Scope:
            key = self.key_with(scope)
            for method, path, enough in ROUTES:
                answer = self.call(method, path, key=key)

                if scope is Scope.ADMIN or scope in enough:
                    self.assertNotIn(answer.status, (401, 403), (scope, method, path))
                else:
                    wanted = (
                        "admin"
                        if not enough
                        else " or ".join(s.value for s in Scope if s in enough)
                    )
                    self.assertRefused(answer, 403, "forbidden", None)
                    self.assertIn(f"lacks the scope {wanted!r}", answer.error["message"])


class NewKeyTests(SynchronousTestCase):
    def test_key_has_256_bits_and_its_hash_is_sha256(self) -> None:
        key, digest = new_api_key()

        self.assertEqual(len(key), 43)
        self.assertEqual(digest, f"sha256:{hashlib.sha256(key.encode()).hexdigest()}")
        self.assertNotEqual(new_api_key()[0], key)

    def test_hash_is_not_shown(self) -> None:
        key = ApiKey("sha256:abc", Caller("portal", frozenset({Scope.READ})))

        self.assertNotIn("abc", repr(key))


@implementer(IAuthenticator)
class Badges:
    """Callers of another kind, with ``X-Badge``."""

    challenge = "Badge"
    hint = "a badge is needed: X-Badge"

    async def authenticate(self, headers: Headers) -> Caller | None:
        match headers.getRawHeaders("x-badge"):
            case None:
                return None
            case ["7"]:
                return Caller("seven", frozenset({Scope.READ}), frozenset({"kvm"}), kind="badge")
        raise Unauthenticated("the badge is not known", self.challenge)


class SeveralAuthenticatorsTests(ApiTestCase):
    def authenticators(self) -> list[IAuthenticator]:
        return [ApiKeys(self.keys), Badges()]

    def test_they_provide_what_they_say(self) -> None:
        for each in self.authenticators():
            verifyObject(IAuthenticator, each)

    def test_each_knows_its_own_callers(self) -> None:
        self.assertEqual(self.call("GET", "/v1/vms").status, 200)
        answer = self.call("GET", "/v1/vms", headers={"X-Badge": "7"})

        self.assertEqual({vm["vm"] for vm in answer.body["vms"]}, {"kvm/web-01", "kvm/db-01"})

    def test_what_a_caller_may_not_do_names_its_kind(self) -> None:
        answer = self.call("DELETE", "/v1/sessions/x", headers={"X-Badge": "7"})

        self.assertRefused(answer, 403, "forbidden", None)
        self.assertIn("the badge 'seven' lacks the scope", answer.error["message"])

    def test_credentials_that_are_not_known_are_refused_by_their_own_kind(self) -> None:
        answer = self.call("GET", "/v1/vms", headers={"X-Badge": "8"})

        self.assertRefused(answer, 401, "unauthorized", None)
        self.assertEqual(answer.error["message"], "the badge is not known")

    def test_credentials_that_one_does_not_know_may_be_known_to_the_next(self) -> None:
        headers = {"Authorization": "Bearer wrong", "X-Badge": "7"}

        self.assertEqual(self.call("GET", "/v1/vms", headers=headers).status, 200)

    def test_without_credentials_every_way_is_named(self) -> None:
        answer = self.call("GET", "/v1/vms", headers={})

        self.assertEqual(answer.status, 401)
        self.assertIn("Authorization: Bearer <key>; or a badge", answer.error["message"])
