from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr, ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.model import RFBSecurity, TLSTrust, Transport, VMAddress, secret_id
from vncproxy.tokens.foreign import ServerSettings, Target, grant

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
