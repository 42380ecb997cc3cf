"""How TLS towards consoles is configured, and what is warned of."""

from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.hypervisors_here import all_ports_listen
from vncproxy.backends.libvirt.console import route
from vncproxy.backends.libvirt.domain_xml import VNCGraphics
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.backends.static.backend import StaticBackend
from vncproxy.backends.static.console import Console
from vncproxy.backends.static.settings import StaticSettings
from vncproxy.interfaces import IHasWarnings
from vncproxy.model import ConsoleEndpoint, RFBSecurity, TLSTrust, Transport
from vncproxy.testing import FakeCalls, backend_context

PIN = "sha256:" + "0a" * 32


def located(address: str = "hv1:5900", **console: Any) -> ConsoleEndpoint:
    return Console.model_validate({"address": address, **console}).endpoint()


def security(**console: Any) -> RFBSecurity:
    (spec,) = located(**console).handshakes
    assert isinstance(spec, RFBSecurity)
    return spec


class ConsoleTests(SynchronousTestCase):
    def test_nothing_is_demanded_by_itself(self) -> None:
        self.assertEqual(security(), RFBSecurity())

    def test_tls_within_rfb(self) -> None:
        endpoint = located(tls={"ca_file": "/ca.pem", "name": "hv1.example.com"}, password="pw")
        trust = TLSTrust(ca_file="/ca.pem", name="hv1.example.com")
        self.assertEqual(endpoint.handshakes, (RFBSecurity("pw", tls=trust),))
        self.assertEqual((endpoint.transport, endpoint.tls), (Transport.TCP, None))

    def test_an_empty_table_trusts_the_systems_authorities(self) -> None:
        self.assertEqual(security(tls={}).tls, TLSTrust())

    def test_every_key(self) -> None:
        keys = {
            "ca_file": "/ca.pem",
            "name": "hv1",
            "certificate_file": "/own.pem",
            "key_file": "/own.key",
            "fingerprints": ["SHA256:" + "0A:" * 31 + "0a"],
            "verify": True,
        }
        expected = TLSTrust("/ca.pem", "hv1", (PIN,), "/own.pem", "/own.key", True)
        self.assertEqual(security(tls=keys).tls, expected)

    def test_a_user_and_anonymous_tls(self) -> None:
        spec = security(username="fred", password="pw", anonymous_tls=True)
        self.assertEqual(spec, RFBSecurity("pw", "fred", None, anonymous_tls=True))

    def test_tls_before_everything_else(self) -> None:
        endpoint = located("tls://[2001:db8::7]:5900", tls={"fingerprints": [PIN]})
        self.assertEqual((endpoint.transport, endpoint.host), (Transport.TLS, "2001:db8::7"))
        self.assertEqual(endpoint.tls, TLSTrust(fingerprints=(PIN,)))
        self.assertEqual(endpoint.handshakes, (RFBSecurity(),))

    def test_a_web_socket_is_verified_although_nothing_is_said(self) -> None:
        endpoint = located("wss://esx1:443/ticket/123?a=b")
        self.assertEqual((endpoint.transport, endpoint.port), (Transport.WSS, 443))
        self.assertEqual((endpoint.path, endpoint.tls), ("/ticket/123?a=b", TLSTrust()))
        self.assertNotIn("123", repr(endpoint))

    def test_what_cannot_be_meant(self) -> None:
        for wrong in (
            {"address": "tls://hv1:5900/path"},
            {"address": "hv1:5900/path"},
            {"address": "http://hv1:5900"},
            {"address": "wss://hv1"},
            {"address": "wss://hv1:443/a b"},
            {"address": "tls://hv1:5900", "anonymous_tls": True},
            {"tls": {"key_file": "/own.key"}},
            {"tls": {"ca_file": "ca.pem"}},
            {"tls": {"fingerprints": ["sha256:12"]}},
            {"tls": {"fingerprints": [PIN], "verify": False}},
            {"tls": {"ca_file": "/ca.pem", "verify": False}},
            {"tls": {"check": True}},
        ):
            with self.subTest(wrong=wrong):
                table = {"address": "hv1:5900", **wrong}
                self.assertRaises(ValidationError, Console.model_validate, table)


class WarningTests(SynchronousTestCase):
    def warnings(self, **console: Any) -> list[str]:
        table = {"consoles": {"web": {"address": "hv1:5900", **console}}}
        backend = StaticBackend(
            backend_context(StaticSettings.model_validate(table), FakeCalls(), "lab")
        )
        self.assertTrue(verifyObject(IHasWarnings, backend))
        return list(backend.warnings())

    def test_none(self) -> None:
        self.assertEqual(self.warnings(), [])
        self.assertEqual(self.warnings(tls={}), [])
        self.assertEqual(self.warnings(tls={"fingerprints": [PIN]}), [])

    def test_a_server_that_is_not_verified(self) -> None:
        (told,) = self.warnings(tls={"verify": False})
        self.assertTrue(told.startswith("web: tls.verify = false accepts any certificate"), told)

    def test_what_fingerprints_leave_without_use(self) -> None:
        (told,) = self.warnings(tls={"fingerprints": [PIN], "name": "hv1"})
        self.assertEqual(
            told, "web: tls.name: not looked at beside tls.fingerprints, which decide alone"
        )

    def test_a_user_who_is_never_told(self) -> None:
        (told,) = self.warnings(username="fred", password="pw")
        self.assertIn("username does nothing without VeNCrypt", told)
        self.assertEqual(self.warnings(username="fred", password="pw", tls={}), [])

    def test_a_server_without_a_certificate(self) -> None:
        (told,) = self.warnings(anonymous_tls=True)
        self.assertTrue(told.startswith("web: anonymous_tls accepts"), told)

    def test_a_file_that_cannot_be_used(self) -> None:
        (told,) = self.warnings(tls={"ca_file": "/no/ca.pem"})
        self.assertEqual(told, "web: /no/ca.pem cannot be used: No such file or directory")


class LibvirtTests(SynchronousTestCase):
    def setUp(self) -> None:
        all_ports_listen(self)

    def security(self, address: str = "10.0.0.5", **settings: Any) -> RFBSecurity:
        table = {"uri": "qemu+tls://hv1.example.com/system", **settings}
        reach = LibvirtSettings.model_validate(table).reach(table["uri"])
        vnc = VNCGraphics(index=0, port=5901, address=address, password="s3cret")
        (spec,) = route(vnc, reach).handshakes
        assert isinstance(spec, RFBSecurity)
        return spec

    def test_the_certificate_is_for_the_host_in_the_uri(self) -> None:
        trust = TLSTrust(ca_file="/ca.pem", name="hv1.example.com")
        spec = self.security(tls={"ca_file": "/ca.pem"})
        self.assertEqual(spec, RFBSecurity("s3cret", tls=trust))

    def test_or_for_another_name(self) -> None:
        self.assertEqual(self.security(tls={"name": "hv2"}).tls, TLSTrust(name="hv2"))

    def test_or_for_what_is_dialled(self) -> None:
        spec = self.security("127.0.0.1", uri="qemu:///system", tls={})
        self.assertEqual(spec.tls, TLSTrust())

    def test_a_user_of_the_hypervisors_goes_before_the_consoles_password(self) -> None:
        spec = self.security(username="fred@hv1", password="horse", tls={})
        self.assertEqual((spec.username, spec.password), ("fred@hv1", "horse"))

    def test_nothing_is_demanded_by_itself(self) -> None:
        self.assertEqual(self.security(), RFBSecurity("s3cret"))

    def test_a_passed_socket_is_not_asked_for_tls(self) -> None:
        settings = {"open_graphics": "always", "uri": "qemu:///system", "tls": {}}
        reach = LibvirtSettings.model_validate(settings).reach("qemu:///system")
        found = route(VNCGraphics(index=0, port=5901), reach)
        self.assertEqual((found.transport, found.handshakes), (Transport.FD, (RFBSecurity(),)))
