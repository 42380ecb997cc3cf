"""Logins at a provider in memory, and answers that are not for this login."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from joserfc import jwt
from joserfc.jwk import ECKey, OctKey
from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.openid import CLIENT, ISSUER, RETURN, SECRET, OpenIDProvider
from vncproxy.errors import LoginFailed, ProviderUnavailable
from vncproxy.login.attempt import Attempt
from vncproxy.login.limits import KEYS_AGAIN_AFTER, MOST_GROUPS
from vncproxy.login.login import Login
from vncproxy.login.options import ProviderOptions
from vncproxy.login.provider import Provider

NOW = 1_767_323_045.0


class ProviderTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.openid = OpenIDProvider(NOW)
        self.options = ProviderOptions(ISSUER, CLIENT, RETURN, SECRET)
        self.configure()
        self.attempt = Attempt.new()

    def configure(self, **changes: Any) -> None:
        self.options = replace(self.options, **changes)
        time = lambda: NOW + self.clock.seconds()  # noqa: E731
        self.provider = Provider(self.options, self.openid, time, self.clock.seconds)

    def address(self, attempt: Attempt | None = None) -> str:
        asked = self.provider.address(attempt or self.attempt)
        address: str = self.successResultOf(Deferred.fromCoroutine(asked))
        return address

    def finish(self, query: str, attempt: Attempt | None = None) -> Deferred[Login]:
        async def login() -> Login:
            attempted = attempt or self.attempt
            answer = self.provider.code_in(attempted, query)
            return await self.provider.login(attempted, answer)

        return Deferred.fromCoroutine(login())

    def log_in(self) -> Login:
        return self.successResultOf(self.finish(self.openid.log_in(self.address())))

    def refused(self, query: str | None = None, attempt: Attempt | None = None) -> LoginFailed:
        """Return why a login fails."""
        query = self.openid.log_in(self.address()) if query is None else query
        error: LoginFailed = self.failureResultOf(self.finish(query, attempt), LoginFailed).value
        return error


class LoginTests(ProviderTestCase):
    def test_who_has_logged_in(self) -> None:
        self.assertEqual(
            self.log_in(), Login("u-1", "Alice", ("staff",), NOW + 28800, issuer=ISSUER)
        )

    def test_what_the_id_token_lacks_is_asked_for(self) -> None:
        self.openid.in_token = ("sub",)

        self.assertEqual(self.log_in().groups, ("staff",))
        self.assertIn(f"{ISSUER}/me", self.openid.requests)

    def test_it_is_asked_for_nothing_more_where_the_id_token_says_all(self) -> None:
        self.log_in()

        self.assertNotIn(f"{ISSUER}/me", self.openid.requests)

    def test_a_claim_inside_another_one(self) -> None:
        self.openid.user["realm_access"] = {"roles": ["admin"]}
        self.configure(groups_claim="realm_access.roles")

        self.assertEqual(self.log_in().groups, ("admin",))

    def test_a_secret_that_is_sent_in_the_body(self) -> None:
        self.openid.says["token_endpoint_auth_methods_supported"] = ["client_secret_post"]

        self.assertEqual(self.log_in().user, "u-1")

    def test_description_and_keys_are_read_once(self) -> None:
        for _ in range(3):
            self.attempt = Attempt.new()
            self.log_in()

        self.assertEqual(self.openid.requests.count(f"{ISSUER}/jwks"), 1)
        self.assertEqual(sum("well-known" in url for url in self.openid.requests), 1)

    def test_keys_that_were_exchanged_are_read_again(self) -> None:
        self.log_in()
        self.openid.key = ECKey.generate_key("P-256", {"kid": "second"})
        self.openid.published = [self.openid.key]
        self.clock.advance(KEYS_AGAIN_AFTER)

        self.assertEqual(self.log_in().user, "u-1")

    def test_nobody_can_have_keys_read_all_the_time(self) -> None:
        self.log_in()
        self.openid.key = ECKey.generate_key("P-256", {"kid": "of somebody else"})
        for _ in range(5):
            self.assertEqual(self.refused().word, "untrusted")

        self.assertEqual(self.openid.requests.count(f"{ISSUER}/jwks"), 1)


class HostileAnswerTests(ProviderTestCase):
    def assert_untrusted(self, **change: Any) -> None:
        self.openid.change = change
        self.assertEqual(self.refused().word, "untrusted", change)

    def test_the_login_of_another_browser(self) -> None:
        other = Attempt.new()
        query = self.openid.log_in(self.address(other))

        self.assertEqual(self.refused(query).word, "other-browser")
        self.assertEqual(self.refused("code=x").word, "other-browser")
        self.assertEqual(self.refused("code=x&state=%ff%00").word, "other-browser")

    def test_a_code_that_was_begun_by_another_browser(self) -> None:
        """The state is right, and the verifier is not."""
        code = self.openid.log_in(self.address(Attempt.new())).partition("&")[0]

        refused = self.refused(f"{code}&state={self.attempt.state}&iss={ISSUER}")

        self.assertEqual(refused.word, "used")
        self.assertIn("PKCE", refused.detail)

    def test_a_code_is_good_once(self) -> None:
        query = self.openid.log_in(self.address())
        self.successResultOf(self.finish(query))

        self.assertEqual(self.refused(query).word, "used")

    def test_the_nonce_of_another_login(self) -> None:
        self.assert_untrusted(nonce=Attempt.new().nonce)
        self.assert_untrusted(nonce=None)
        self.assert_untrusted(nonce=["x"])

    def test_another_audience(self) -> None:
        self.assert_untrusted(aud="another client")
        self.assert_untrusted(aud=[CLIENT, "another client"])
        self.assert_untrusted(aud=[CLIENT, "another client"], azp="another client")
        self.assert_untrusted(aud=None)

    def test_several_audiences_where_it_is_issued_to_us(self) -> None:
        self.openid.change = {"aud": [CLIENT, "another client"], "azp": CLIENT}

        self.assertEqual(self.log_in().user, "u-1")

    def test_another_issuer(self) -> None:
        self.assert_untrusted(iss="https://evil.example")
        self.assert_untrusted(iss=ISSUER + "/")
        self.openid.change = {}
        query = self.openid.log_in(self.address())

        self.assertEqual(
            self.refused(query.replace(ISSUER, "https://evil.example")).word, "untrusted"
        )
        self.assertEqual(self.refused(query.partition("&iss")[0]).word, "untrusted")

    def test_a_token_that_is_over_or_not_yet_good(self) -> None:
        self.assert_untrusted(exp=int(NOW) - 120)
        self.assert_untrusted(exp=None)
        self.assert_untrusted(nbf=int(NOW) + 120)
        self.assert_untrusted(iat=int(NOW) + 120)

    def test_a_token_that_another_key_has_signed(self) -> None:
        self.openid.key = ECKey.generate_key("P-256", {"kid": "first"})

        self.assertEqual(self.refused().word, "untrusted")

    def test_a_token_without_a_signature_or_with_a_shared_secret(self) -> None:
        for algorithm, key in (
            ("none", OctKey.import_key("x" * 32)),
            ("HS256", OctKey.import_key(SECRET * 8)),
            ("HS256", OctKey.import_key(str(self.openid.key.as_dict(private=False)))),
        ):
            claims = {"iss": ISSUER, "aud": CLIENT, "sub": "u-1", "exp": NOW + 60, "iat": NOW}
            claims["nonce"] = self.attempt.nonce
            forged = jwt.encode({"alg": algorithm}, claims, key, algorithms=[algorithm])
            self.patch(self.openid, "signed", lambda asked, forged=forged: forged)

            self.assertEqual(self.refused().word, "untrusted", algorithm)

    def test_what_is_no_token(self) -> None:
        for text in ("", "a.b.c", "....", None, 7, "x" * 100_000, ["x"]):
            self.patch(self.openid, "signed", lambda asked, text=text: text)

            self.assertEqual(self.refused().word, "untrusted", str(text)[:20])

    def test_information_of_another_user(self) -> None:
        self.openid.change = {"sub": "u-2", "groups": None}

        self.assertEqual(self.refused().word, "untrusted")

    def test_answers_without_an_end(self) -> None:
        state = f"state={self.attempt.state}"

        self.assertEqual(self.refused(f"{state}&code={'x' * 5000}").word, "untrusted")
        self.assertEqual(self.refused(f"{state}&{'a=b&' * 100}").word, "untrusted")

    def test_a_user_that_cancels(self) -> None:
        refused = self.refused(f"error=access_denied&state={self.attempt.state}")

        self.assertEqual(refused.word, "denied")
        self.assertEqual(
            self.refused(f"error=server_error&state={self.attempt.state}").word, "provider"
        )

    def test_an_error_without_our_state_ends_no_login(self) -> None:
        self.assertEqual(self.refused("error=access_denied").word, "other-browser")


class UserTests(ProviderTestCase):
    def test_a_user_that_cannot_be_used(self) -> None:
        for user in ("", " ", "a\nb", "x" * 257, 7, None, ["a"], "a\u202eb"):
            self.openid.user["login"] = user
            self.openid.in_token = ("sub", "login")
            self.configure(user_claim="login")

            self.assertEqual(self.refused().word, "identity", repr(user))

    def test_an_address_that_is_not_verified(self) -> None:
        self.openid.user["email"] = "root@example.com"
        self.configure(user_claim="email")
        for verified in (None, False, "true", 1):
            self.openid.user["email_verified"] = verified
            self.assertEqual(self.refused().word, "identity")

        self.openid.user["email_verified"] = True
        self.assertEqual(self.log_in().user, "root@example.com")

    def test_groups_that_are_none(self) -> None:
        self.openid.user["groups"] = ["staff", 7, "", "a\nb", None, {"a": 1}]

        self.assertEqual(self.log_in().groups, ("staff",))

    def test_too_many_groups(self) -> None:
        self.openid.user["groups"] = [f"g{n}" for n in range(MOST_GROUPS + 1)]

        self.assertEqual(self.refused().word, "identity")

    def test_a_user_without_a_name(self) -> None:
        del self.openid.user["name"]

        self.assertEqual(self.log_in().name, "u-1")


class AwayTests(ProviderTestCase):
    def test_a_provider_that_is_away(self) -> None:
        self.openid.away = True
        asked = Deferred.fromCoroutine(self.provider.address(self.attempt))

        error = self.failureResultOf(asked, ProviderUnavailable).value
        self.assertEqual(
            error.sentence(), "The login service does not answer. Try again in a moment."
        )

        self.openid.away = False
        self.assertEqual(self.log_in().user, "u-1")

    def test_a_description_that_cannot_be_used(self) -> None:
        for says in (
            {"issuer": "https://evil.example"},
            {"token_endpoint": "http://id.example/token"},
            {"authorization_endpoint": "javascript:alert(1)"},
            {"jwks_uri": None},
            {"userinfo_endpoint": 7},
        ):
            self.openid.says = says
            self.configure()
            asked = Deferred.fromCoroutine(self.provider.address(self.attempt))
            self.failureResultOf(asked, ProviderUnavailable)

    def test_secrets_are_in_no_text(self) -> None:
        texts = repr(self.options), repr(self.attempt)

        self.assertNotIn(SECRET, texts[0])
        self.assertNotIn(self.attempt.secret, texts[1])
