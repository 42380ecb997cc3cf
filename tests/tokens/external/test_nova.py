from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from twisted.internet.defer import Deferred, fail
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.external_tokens import make_source, source_context
from vncproxy.errors import (
    BackendError,
    ConfigurationError,
    ConsoleUnavailable,
    NoGraphicalConsole,
    StoreUnavailable,
)
from vncproxy.interfaces import ITokenSource
from vncproxy.model import HTTPConnect, RFBSecurity, TLSTrust
from vncproxy.openstack import cloud
from vncproxy.openstack.cloud import Cloud
from vncproxy.tokens.external.nova import Nova, NovaTokens
from vncproxy.tokens.external.nova_console import NovaConsole
from vncproxy.tokens.external.nova_settings import NovaTokensSettings

TOKEN = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"
KEYS: dict[str, Any] = {
    "auth_url": "https://keystone.example.com/v3",
    "username": "vncproxy",
    "password": "horse",
    "project_name": "service",
}


def settings(**changes: Any) -> NovaTokensSettings:
    return NovaTokensSettings.model_validate({**KEYS, **changes})


class SettingsTests(SynchronousTestCase):
    def problem(self, **table: Any) -> str:
        return str(self.assertRaises(ValidationError, NovaTokensSettings.model_validate, table))

    def test_the_keys_of_an_account(self) -> None:
        options = settings(region_name="R1", interface="internal", ca_file="/ca.pem").sdk_options()
        self.assertEqual(options["auth"]["password"], "horse")
        self.assertEqual(options["auth"]["user_domain_name"], "Default")
        self.assertEqual(
            (options["region_name"], options["interface"], options["cacert"]),
            ("R1", "internal", "/ca.pem"),
        )

    def test_a_cloud_of_a_file(self) -> None:
        table = NovaTokensSettings(cloud="mine", clouds_file="/etc/openstack/clouds.yaml")
        self.assertEqual(table.sdk_options(), {"api_timeout": 8.0, "cloud": "mine"})
        self.assertEqual(str(table), "cloud mine")

    def test_what_cannot_work(self) -> None:
        self.assertIn("needs cloud = …, or auth_url", self.problem())
        self.assertIn("and not both", self.problem(cloud="mine", **KEYS))
        self.assertIn("auth_url needs username", self.problem(auth_url="https://k/v3"))
        self.assertIn("clouds_file needs cloud", self.problem(**KEYS, clouds_file="/c.yaml"))

    def test_what_is_no_url_of_keystone(self) -> None:
        for url in (
            "keystone",
            "ftp://k/v3",
            "https://",
            "https://u:horse@k/v3",
            "https://[::1/v3",
        ):
            problem = self.problem(**{**KEYS, "auth_url": url})
            self.assertIn("must be Keystone's URL without a user", problem)
            self.assertNotIn("horse", problem)

    def test_a_password_that_would_travel_in_clear_text_is_warned_of(self) -> None:
        (told,) = settings(auth_url="http://keystone.example.com/v3").warnings()
        self.assertIn("unencrypted to http://keystone.example.com/v3: use https", told)
        for url in ("http://localhost/v3", "http://127.0.0.1:5000/v3", KEYS["auth_url"]):
            self.assertEqual(settings(auth_url=url).warnings(), [])

    def test_the_password_is_not_shown(self) -> None:
        self.assertNotIn("horse", repr(settings()) + str(settings()))


class ConsoleTests(SynchronousTestCase):
    def endpoint(self, console: NovaConsole, **changes: Any) -> Any:
        return console.endpoint(settings(**changes))

    def test_a_host_and_a_port(self) -> None:
        endpoint = self.endpoint(NovaConsole("i", "10.0.0.1", 5900))
        self.assertEqual((endpoint.host, endpoint.port), ("10.0.0.1", 5900))
        self.assertEqual(endpoint.handshakes, (RFBSecurity(),))

    def test_a_container_of_ironic_on_an_ipv6_address(self) -> None:
        endpoint = self.endpoint(NovaConsole("i", "[2001:db8::1]", 40011))
        self.assertEqual((endpoint.host, endpoint.port), ("2001:db8::1", 40011))

    def test_a_host_that_is_dialled_elsewhere(self) -> None:
        console = NovaConsole("i", "compute1", 5900)
        self.assertEqual(
            self.endpoint(console, addresses={"compute1": "192.0.2.1"}).host, "192.0.2.1"
        )

    def test_an_access_path_comes_before_the_console(self) -> None:
        console = NovaConsole("i", "10.0.0.1", 80, "/console?ref=OpaqueRef:x")
        endpoint = self.endpoint(console, tls={"ca_file": "/ca.pem"})
        self.assertEqual(
            endpoint.handshakes,
            (
                HTTPConnect("/console?ref=OpaqueRef:x", (("Host", "10.0.0.1:80"),)),
                RFBSecurity(tls=TLSTrust(ca_file="/ca.pem")),
            ),
        )
        self.assertNotIn("OpaqueRef", repr(endpoint) + repr(console))

    def test_an_mks_console_is_of_another_kind(self) -> None:
        console = NovaConsole("i", "esx1", 902, '{"ticket": "horse"}')
        error = self.assertRaises(NoGraphicalConsole, self.endpoint, console)
        self.assertIn("VMware MKS console", error.sentence())
        self.assertNotIn("horse", str(error))

    def test_this_machine_itself_is_not_dialled_and_the_log_says_what_novas_setting_is(
        self,
    ) -> None:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "::", "::ffff:127.0.0.1", "127.1"):
            console = NovaConsole("i", host, 5900)
            error = self.assertRaises(BackendError, self.endpoint, console)
            self.assertIn("set [vnc] server_proxyclient_address on the compute", error.detail)
            self.assertIn(f'addresses = {{ "{host}" = "127.0.0.1" }}', error.detail)
            found = self.endpoint(console, addresses={host: "127.0.0.1"})
            self.assertEqual((found.host, found.allow_loopback), ("127.0.0.1", True))

    def test_a_stopped_machine_has_a_token_without_a_port(self) -> None:
        for port in (-1, 0):
            console = NovaConsole("i", "10.0.0.1", port)
            error = self.assertRaises(ConsoleUnavailable, self.endpoint, console)
            self.assertEqual(error.sentence(), "The virtual machine is not showing its console.")
            self.assertEqual(error.detail, f"nova names port {port} for i")

    def test_answers_that_cannot_be_dialled(self) -> None:
        for console in (
            NovaConsole("i", None, 5900),
            NovaConsole("i", "a", None),
            NovaConsole("i", "a", 5900, "/a b"),
            NovaConsole("i", "a", 5900, "/a\r\nX: y"),
            NovaConsole("i", "a", 5900, "elsewhere"),
            NovaConsole("i", "a", 5900, 5),
        ):
            with self.subTest(console=console):
                self.assertRaises(BackendError, self.endpoint, console)


class SourceTests(SynchronousTestCase):
    def test_it_keeps_the_interface(self) -> None:
        self.assertTrue(verifyObject(ITokenSource, make_source(NovaTokens, **KEYS)))

    def test_without_the_sdk_one_sentence_says_what_to_install(self) -> None:
        self.patch(cloud, "find_spec", lambda _name: None)
        error = self.assertRaises(ConfigurationError, make_source, NovaTokens, **KEYS)
        self.assertEqual(
            error.detail,
            "[token_sources.old] needs the OpenStack SDK: pip install 'vncproxy[nova]'",
        )

    def test_only_what_nova_can_have_issued_is_asked_for(self) -> None:
        source = make_source(NovaTokens, **KEYS)
        for token in ("x" * 43, "..", TOKEN + "0", TOKEN.replace("-", "")):
            self.assertIsNone(self.successResultOf(Deferred.fromCoroutine(source.redeem(token))))

    def test_no_answer_in_time_is_no_word_about_the_token(self) -> None:
        class Slow:
            def call(self, *_: Any) -> Deferred[Any]:
                return fail(BackendError("look_up did not answer within 8 s"))

        source = make_source(NovaTokens, source_context(calls=Slow()), **KEYS)
        waiting = Deferred.fromCoroutine(source.redeem(TOKEN))
        error = self.failureResultOf(waiting, StoreUnavailable).value
        self.assertEqual(
            error.detail,
            "old: https://keystone.example.com/v3: look_up did not answer within 8 s",
        )


class ErrorTests(SynchronousTestCase):
    """Whatever the SDK raises, nothing but our own errors come out, without the token."""

    def failing(self, error: Exception) -> StoreUnavailable:
        cloud = Cloud(settings(), "token_sources.old")

        def connection() -> Any:
            raise error

        self.patch(cloud, "connection", connection)
        api = Nova(cloud)
        raised = self.assertRaises(StoreUnavailable, api.look_up, TOKEN)
        assert isinstance(raised, StoreUnavailable)
        return raised

    def test_the_url_in_a_message_is_told_without_the_token(self) -> None:
        error = self.failing(OSError(f"cannot connect to http://nova/{TOKEN}: refused\nmore"))
        self.assertEqual(error.detail, "OSError: cannot connect to http://nova/TOKEN: refused")
        self.assertIsNone(error.__cause__)

    def test_a_login_in_a_url_is_left_out_whole(self) -> None:
        for login in ("fred:horse", "fred:ho:rse", "fred:ho/rse", "fred:ho@rse"):
            error = self.failing(OSError(f"cannot parse http://{login}@proxy:3128 at all"))
            self.assertEqual(error.detail, "OSError: cannot parse http://…@proxy:3128 at all")

    def test_statuses_have_words_of_their_own(self) -> None:
        for status, words in ((400, "2.31 or later"), (401, "the log-in"), (403, "the policy")):
            error = OSError("x")
            error.http_status = status  # type: ignore[attr-defined]
            with self.subTest(status=status):
                self.assertIn(words, self.failing(error).detail)

    def test_a_404_that_is_not_novas_says_nothing_about_the_token(self) -> None:
        error = OSError("x")
        error.http_status = 404  # type: ignore[attr-defined]
        self.assertIn("OSError: x", self.failing(error).detail)
