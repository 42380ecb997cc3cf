from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.backends.xen.test_settings import settings
from vncproxy.backends.xen.console import endpoint
from vncproxy.backends.xen.machines import Found
from vncproxy.errors import BackendError
from vncproxy.model import ConsoleEndpoint, HTTPConnect, RFBSecurity, TLSTrust, Transport

SESSION = "OpaqueRef:11111111-aaaa"
VM = "OpaqueRef:22222222-bbbb"
COOKIE = ("Cookie", f"session_id={SESSION}")


def found(location: str = "https://10.0.0.5/console?uuid=abc", **more: Any) -> Found:
    fields = {"name": "web-01", "vm": VM, "session": SESSION, "host": "10.0.0.6"}
    return Found(**{**fields, **more}, location=location)


def connect(target: ConsoleEndpoint) -> HTTPConnect:
    first, second = target.handshakes
    assert isinstance(first, HTTPConnect)
    assert second == RFBSecurity()
    return first


class SecureTests(SynchronousTestCase):
    def test_path_and_query_are_asked_for_as_they_are(self) -> None:
        tls = {"ca_file": "/etc/ca.pem"}
        target = endpoint(found(), settings(tls=tls))

        self.assertEqual(
            (target.transport, target.host, target.port), (Transport.TLS, "10.0.0.5", 443)
        )
        self.assertEqual(target.tls, TLSTrust(ca_file="/etc/ca.pem"))
        self.assertEqual(target.name, "web-01")
        self.assertEqual(
            connect(target), HTTPConnect("/console?uuid=abc", (("Host", "10.0.0.5"), COOKIE))
        )

    def test_a_port_in_the_location_counts(self) -> None:
        self.assertEqual(
            endpoint(found("https://10.0.0.5:8443/console?ref=x"), settings()).port, 8443
        )

    def test_an_address_of_ipv6(self) -> None:
        target = endpoint(found("https://[2001:db8::5]/console?uuid=abc"), settings())
        self.assertEqual(target.host, "2001:db8::5")
        self.assertIn(("Host", "[2001:db8::5]"), connect(target).headers)

    def test_an_address_of_ipv6_as_xapi_writes_it(self) -> None:
        for location, host in (
            ("https://fd00::1/console?uuid=abc", "fd00::1"),
            ("https://2001:db8:0:0:0:0:0:5/console?uuid=abc", "2001:db8:0:0:0:0:0:5"),
            ("https://::ffff:10.0.0.5/console?uuid=abc", "::ffff:10.0.0.5"),
        ):
            target = endpoint(found(location), settings())
            self.assertEqual((target.host, target.port), (host, 443))
            self.assertIn(("Host", f"[{host}]"), connect(target).headers)
            self.assertEqual(connect(target).target, "/console?uuid=abc")

    def test_colons_that_are_no_address(self) -> None:
        for location in ("https://1:2:3/console", "https://fd00::1::2/console"):
            with self.assertRaises(BackendError):
                endpoint(found(location), settings())

    def test_without_a_host_it_is_where_the_machine_runs(self) -> None:
        for location in ("https:///console?uuid=abc", "https://0.0.0.0/console?uuid=abc"):
            self.assertEqual(endpoint(found(location), settings()).host, "10.0.0.6")

    def test_a_host_on_loopback_is_this_machine_and_not_dialled(self) -> None:
        for host in ("127.0.0.1", "localhost", "127.1", "::1", "::ffff:127.0.0.1"):
            location = f"https://{f'[{host}]' if ':' in host else host}/console?uuid=abc"
            self.assertEqual(endpoint(found(location), settings()).host, "10.0.0.6")
            with self.assertRaises(BackendError) as caught:
                endpoint(found(location, host=host), settings())
            self.assertIn(f'"{host}" = "…"', caught.exception.detail)
            mapped = endpoint(found(location), settings(addresses={host: "127.0.0.1"}))
            self.assertEqual((mapped.host, mapped.allow_loopback), ("127.0.0.1", True))
        local = settings(url="https://localhost:8443")
        self.assertTrue(endpoint(found("https://localhost/console"), local).allow_loopback)
        self.assertFalse(endpoint(found(), settings()).allow_loopback)

    def test_the_resident_host_can_be_believed_more_than_the_location(self) -> None:
        target = endpoint(found("https://10.0.0.5:8443/console"), settings(), at_resident=True)
        self.assertEqual((target.host, target.port), ("10.0.0.6", 8443))

    def test_a_member_is_dialled_where_the_settings_say(self) -> None:
        known = settings(addresses={"10.0.0.5": "xen1.example.com"})
        target = endpoint(found(), known)
        self.assertEqual(target.host, "xen1.example.com")
        self.assertIn(("Host", "10.0.0.5"), connect(target).headers)

    def test_what_cannot_stand_in_a_request_is_refused(self) -> None:
        for location in (
            "https://10.0.0.5",
            "https://10.0.0.5/console?uuid=a b",
            "https://10.0.0.5/console?uuid=\x01",
            "https://10.0.0.5:x/console",
            "https://[10.0.0.5/console",
            "/console?uuid=é",
        ):
            with self.subTest(location=location), self.assertRaises(BackendError):
                endpoint(found(location), settings())
        with self.assertRaises(BackendError):
            endpoint(found(session="OpaqueRef:1\r\nX: y"), settings())

    def test_no_host_at_all(self) -> None:
        with self.assertRaises(BackendError):
            endpoint(found("https:///console", host=""), settings())

    def test_no_error_and_no_repr_tells_the_session(self) -> None:
        self.assertNotIn("1111", repr(endpoint(found(), settings())))
        self.assertNotIn("1111", repr(found()))
        with self.assertRaises(BackendError) as caught:
            endpoint(found(session="OpaqueRef:1111 2222"), settings())
        self.assertNotIn("1111", str(caught.exception))


class PlainTests(SynchronousTestCase):
    def test_the_machine_and_the_session_stand_in_the_query(self) -> None:
        target = endpoint(found(), settings(plain_console=True))

        self.assertEqual(
            (target.transport, target.host, target.port), (Transport.TCP, "10.0.0.5", 80)
        )
        self.assertIsNone(target.tls)
        self.assertEqual(connect(target).target, f"/console?ref={VM}&session_id={SESSION}")
        self.assertNotIn("1111", repr(target))

    def test_another_port(self) -> None:
        plain = settings(plain_console=True, plain_port=8080)
        self.assertEqual(endpoint(found("https://10.0.0.5:8443/x"), plain).port, 8080)
