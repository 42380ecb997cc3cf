from __future__ import annotations

from pydantic import SecretStr, ValidationError
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import BackendError
from vncproxy.model import RFBSecurity, TLSTrust, Transport, VMAddress, secret_id
from vncproxy.tokens.external.grant import grant
from vncproxy.tokens.external.servers import ServerSettings
from vncproxy.tokens.external.target import Target

OWN = (
    *("127.0.0.1", "localhost", "LOCALHOST.", "0.0.0.0", "::", "[::1]", "::ffff:127.0.0.1"),
    *("127.1", "0", "0x7f000001", "2130706433", "ip6-localhost", "console.localhost"),
    *("169.254.169.254", "fe80::1"),
)
SECRET = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"


class TargetTests(SynchronousTestCase):
    def test_forms_that_websockify_knows(self) -> None:
        for text, expected in {
            "10.0.0.5:5901": Target("10.0.0.5", 5901),
            " kvm1.example.com:5901 ": Target("kvm1.example.com", 5901),
            "[2001:db8::7]:5901": Target("2001:db8::7", 5901),
            "2001:db8::7:5901": Target("2001:db8::7", 5901),
            "unix_socket:/run/a:b.sock": Target(path="/run/a:b.sock"),
        }.items():
            with self.subTest(text=text):
                self.assertEqual(Target.parse(text), expected)

    def test_others_are_refused_without_being_told(self) -> None:
        for text in (
            "",
            "kvm1",
            ":5900",
            "host:",
            "host:http",
            "host:0",
            "host:65536",
            "host:059000",
            "host:\u0661",
            "a host:5900",
            "[]:5900",
            "unix_socket:relative",
            "unix_socket:/a\nb",
        ):
            with self.subTest(text=text):
                error = self.assertRaises(ValueError, Target.parse, text)
                if text:
                    self.assertNotIn(text, str(error))

    def test_a_port_is_a_number_or_digits(self) -> None:
        self.assertEqual(Target.of("a", 5900), Target.of("a", "5900"))
        odd: tuple[object, ...] = (None, 1.5, True, [], "5900 ")
        for port in odd:
            with self.subTest(port=port):
                self.assertRaises(ValueError, Target.of, "a", port)

    def test_it_is_written_as_it_is_read(self) -> None:
        for text in ("[2001:db8::7]:5901", "a:1", "unix_socket:/run/x"):
            self.assertEqual(str(Target.parse(text)), text)

    @given(st.text(max_size=40))
    def test_any_text_is_read_or_refused(self, text: str) -> None:
        try:
            target = Target.parse(text)
        except ValueError:
            return
        self.assertEqual(Target.parse(str(target)), target)


class ServerSettingsTests(SynchronousTestCase):
    def test_without_any_the_server_decides_what_it_wants(self) -> None:
        endpoint = ServerSettings().endpoint(Target("a", 5900))
        self.assertEqual((endpoint.transport, endpoint.host), (Transport.TCP, "a"))
        self.assertEqual(endpoint.handshakes, (RFBSecurity(),))

    def test_a_password_is_for_every_server(self) -> None:
        endpoint = ServerSettings(vnc_password=SecretStr("horse")).endpoint(Target(path="/run/x"))
        self.assertEqual((endpoint.transport, endpoint.path), (Transport.UNIX, "/run/x"))
        self.assertEqual(endpoint.handshakes, (RFBSecurity("horse"),))

    def test_tls_within_the_connection_demands_vencrypt(self) -> None:
        endpoint = ServerSettings.model_validate({"tls": {"ca_file": "/ca.pem"}}).endpoint(
            Target("a", 5900)
        )
        self.assertIsNone(endpoint.tls)
        self.assertEqual(endpoint.handshakes, (RFBSecurity(tls=TLSTrust(ca_file="/ca.pem")),))

    def test_tls_around_the_connection_is_verified_by_default(self) -> None:
        endpoint = ServerSettings(transport="tls").endpoint(Target("a", 5900))
        self.assertEqual((endpoint.transport, endpoint.tls), (Transport.TLS, TLSTrust()))
        self.assertEqual(endpoint.handshakes, (RFBSecurity(),))

    def test_a_host_is_dialled_where_addresses_say(self) -> None:
        settings = ServerSettings(addresses={"hv1": "192.0.2.9"})
        self.assertEqual(settings.endpoint(Target("hv1", 5900)).host, "192.0.2.9")
        self.assertEqual(settings.endpoint(Target("hv2", 5900)).host, "hv2")

    def test_this_machine_itself_is_never_dialled_blindly(self) -> None:
        for host in OWN:
            with self.subTest(host=host):
                target = Target.of(host, 5900)
                error = self.assertRaises(BackendError, ServerSettings().endpoint, target)
                self.assertIn(f'addresses = {{ "{target.host}" = "127.0.0.1" }}', error.detail)
                self.assertIn("cannot be reached from here", error.sentence())
                mapped = ServerSettings(addresses={target.host: "127.0.0.1"}).endpoint(target)
                self.assertEqual((mapped.host, mapped.allow_loopback), ("127.0.0.1", True))

    def test_a_name_that_turns_out_to_be_this_machine_is_not_either(self) -> None:
        settings = ServerSettings(addresses={"aio": "localhost"})
        self.assertFalse(settings.endpoint(Target("hv1", 5900)).allow_loopback)
        self.assertTrue(settings.endpoint(Target("aio", 5900)).allow_loopback)

    def test_addresses_can_be_dialled(self) -> None:
        for host in ("", "0.0.0.0", "hv1:5900"):
            self.assertRaises(ValidationError, ServerSettings, addresses={"hv1": host})

    def test_a_unix_socket_is_where_it_is(self) -> None:
        endpoint = ServerSettings().endpoint(Target.parse("unix_socket:/run/x"))
        self.assertEqual((endpoint.transport, endpoint.path), (Transport.UNIX, "/run/x"))

    def test_the_password_is_not_shown(self) -> None:
        settings = ServerSettings(vnc_password=SecretStr("horse"))
        self.assertNotIn("horse", repr(settings))
        self.assertNotIn("horse", repr(settings.endpoint(Target("a", 5900))))

    def test_servers_that_are_not_verified_are_warned_of(self) -> None:
        self.assertEqual(ServerSettings().warnings(), [])
        self.assertEqual(ServerSettings(transport="tls").warnings(), [])
        told = ServerSettings.model_validate({"tls": {"verify": False}}).warnings()
        self.assertIn("tls.verify = false", told[0])

    def test_unknown_keys_are_refused(self) -> None:
        self.assertRaises(ValidationError, ServerSettings.model_validate, {"verify": False})


class GrantTests(SynchronousTestCase):
    def test_it_is_for_any_number_of_uses_and_keeps_no_secret(self) -> None:
        endpoint = ServerSettings().endpoint(Target("a", 5900))
        granted = grant(SECRET, VMAddress("old", "a:5900"), endpoint, 7.0)
        self.assertEqual(granted.token_id, secret_id(SECRET))
        self.assertEqual(granted.token.policy.uses, 0)
        self.assertEqual(granted.endpoint, endpoint)
        self.assertNotIn(SECRET, repr(granted))
