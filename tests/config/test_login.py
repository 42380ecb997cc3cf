"""``[login]``: what is refused, and in which words."""

from __future__ import annotations

from tests.doubles.config import LoadCase

OK = """
[public]
base_url = "https://console.example.com/"
[login]
issuer = "https://id.example.com/realms/staff"
client_id = "vncproxy"
"""


class LoginTests(LoadCase):
    def test_what_is_needed(self) -> None:
        login = self.load(OK).login
        self.assertEqual((login.user_claim, login.bound_to, login.required), ("sub", "user", False))

    def test_the_provider_is_named_whole(self) -> None:
        self.assert_mistake(
            OK.replace('client_id = "vncproxy"', ""),
            "[login] client_id: is missing: the provider knows this gateway by it",
        )
        self.assert_mistake(
            "[login]\nclient_id = 'x'", "[login] client_id: has no effect without issuer"
        )
        self.assert_mistake(
            OK + 'scopes = ["profile"]',
            '[login] scopes: must have "openid", or the provider says not who logs in',
        )

    def test_nothing_that_decides_who_logs_in_travels_unencrypted(self) -> None:
        (line,) = self.errors_in(OK.replace("https://id", "http://id"))
        self.assertIn("must begin with https://: what it says decides who logs in", line)
        (line,) = self.errors_in(OK.replace("https://console", "http://console"))
        self.assertIn("[login] issuer: needs https in [public] base_url", line)
        (line,) = self.errors_in(
            '[public]\nbase_url = "http://console.example.com/"\n[login]\napi_keys = true'
        )
        self.assertIn("[login] api_keys: needs https in [public] base_url", line)

    def test_on_this_machine_it_may(self) -> None:
        for host in ("127.0.0.1:6080", "localhost:6080", "[::1]:6080"):
            text = OK.replace("https://console.example.com", f"http://{host}")
            self.load(text.replace("https://id.example.com", "http://127.0.0.1:9000"))

    def test_a_login_that_is_demanded_and_cannot_be_had(self) -> None:
        self.assert_mistake(
            "[login]\nrequired = true", "[login] required: has no effect without issuer"
        )
        self.assert_mistake(
            OK + "required = true\napi_keys = true",
            "[login] api_keys: has no use with required: links need a login then",
        )

    def test_mistyped_words(self) -> None:
        for text, told in (
            ("requird = true", "[login] requird: unknown key; did you mean required?"),
            ('bound_to = "users"', "one of 'user' or 'any'"),
            ("lifetime = 5", "at least 60"),
            ("[[login.policies]]\ngroup = ['a']", "did you mean groups?"),
            ("[[login.policies]]\nscopes = ['read']", "names no group, and users no user"),
            ("[[login.policies]]\ngroups = ['a']\nscopes = ['raed']", "scopes"),
            ("[[login.policies]]\ngroups = ['a']\nbackends = ['kvn']", "NAME of a [backends.NAME]"),
            ("[[login.policies]]\ngroups = ['a']\nvms = ['web-01']", "<backend>/<id>"),
        ):
            lines = self.errors_in(OK + text)
            self.assertTrue(any(told in line for line in lines), lines)

    def test_the_secret_is_in_no_error_and_no_text(self) -> None:
        settings = self.load(OK + 'client_secret = "s3cret"')
        self.assertNotIn("s3cret", repr(settings))
        for line in self.errors_in(OK + 'client_secret = ["s3cret"]'):
            self.assertNotIn("s3cret", line)
