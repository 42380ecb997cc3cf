from __future__ import annotations

import hashlib
import ssl
from typing import Any

from pyVmomi import vim
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.vmware.test_settings import SHA1, settings
from vncproxy.backends.vmware.ticket import endpoint
from vncproxy.errors import BackendError
from vncproxy.model import ConsoleEndpoint, TLSTrust, Transport

SECRET = "a1b2c3d4e5f6a7b8"
SHA256 = "ab" * 32
DER = b"not looked into"


def ticket(**more: Any) -> Any:
    """Return a ticket as vCenter 6.5 gives it, with other values."""
    values = {
        "ticket": SECRET,
        "cfgFile": "[ds] web/web.vmx",
        "host": "esx1.example",
        "port": 443,
        "sslThumbprint": SHA1,
        **more,
    }
    return vim.VirtualMachine.Ticket(**{key: value for key, value in values.items() if value})


def thumbprints(*told: tuple[str, str]) -> list[Any]:
    return [
        vim.vm.CertThumbprint(hashAlgorithm=algorithm, thumbprint=digits)
        for algorithm, digits in told
    ]


def locate(found: Any, is_single_host: bool = False, **more: Any) -> ConsoleEndpoint:
    return endpoint(found, "web", settings(**more), is_single_host)


class TargetTests(SynchronousTestCase):
    def test_host_port_and_ticket(self) -> None:
        found = locate(ticket())
        self.assertEqual(
            (found.transport, found.host, found.port, found.path, found.name),
            (Transport.WSS, "esx1.example", 443, f"/ticket/{SECRET}", "web"),
        )

    def test_the_ticket_is_in_no_text(self) -> None:
        found = locate(ticket())
        self.assertNotIn(SECRET, f"{found} {found!r}")

    def test_without_a_port_it_is_443(self) -> None:
        self.assertEqual(locate(ticket(port=None)).port, 443)

    def test_what_has_a_meaning_in_a_path_is_encoded(self) -> None:
        self.assertEqual(locate(ticket(ticket="a/b c?")).path, "/ticket/a%2Fb%20c%3F")

    def test_without_a_host_it_is_that_of_the_api(self) -> None:
        self.assertEqual(locate(ticket(host=None)).host, "vc.example")

    def test_a_single_host_is_dialled_as_its_api(self) -> None:
        self.assertEqual(locate(ticket(host="localhost"), is_single_host=True).host, "vc.example")

    def test_unless_its_name_is_mapped(self) -> None:
        found = locate(ticket(), is_single_host=True, addresses={"esx1.example": "192.0.2.9"})
        self.assertEqual(found.host, "192.0.2.9")

    def test_a_url_goes_before_host_and_port(self) -> None:
        found = locate(ticket(url=f"wss://esx2.example:8443/ticket/{SECRET}?a=b"))
        self.assertEqual(
            (found.host, found.port, found.path),
            ("esx2.example", 8443, f"/ticket/{SECRET}?a=b"),
        )

    def test_addresses_know_the_host_of_the_url_or_the_other_one(self) -> None:
        found = ticket(url=f"wss://esx2.example:8443/ticket/{SECRET}")
        for name in ("esx2.example", "ESX1.example"):
            dialled = locate(found, addresses={name: "192.0.2.9"})
            self.assertEqual((dialled.host, dialled.port), ("192.0.2.9", 8443))
        both = {"esx1.example": "192.0.2.1", "esx2.example": "192.0.2.2"}
        self.assertEqual(locate(found, addresses=both).host, "192.0.2.2")
        plain = locate(ticket(sslThumbprint=None, url="wss://esx2.example/ticket/x"))
        self.assertEqual((plain.host, plain.tls), ("esx2.example", TLSTrust(name="esx2.example")))

    def test_a_loopback_host_is_no_host_of_ours(self) -> None:
        for host in ("localhost", "127.0.0.1", "127.1", "::ffff:127.0.0.1", "0.0.0.0"):
            with self.assertRaises(BackendError) as caught:
                locate(ticket(host=host))
            self.assertIn("which is this machine itself", caught.exception.detail)
        self.assertEqual(locate(ticket(host="127.0.0.3"), host="127.0.0.3").host, "127.0.0.3")

    def test_a_url_without_a_port(self) -> None:
        self.assertEqual(locate(ticket(url="wss://[2001:db8::1]/ticket/x")).port, 443)

    def test_a_url_without_tls_or_without_sense_is_refused_and_not_told(self) -> None:
        for url in (
            f"ws://esx/ticket/{SECRET}",
            f"wss://[{SECRET}",
            f"wss://esx:{SECRET}/",
            "wss://esx",
        ):
            with self.assertRaises(BackendError) as caught:
                locate(ticket(url=url))
            error = caught.exception
            self.assertNotIn(SECRET, f"{error} {error!r} {error.__cause__!r}")

    def test_a_host_that_cannot_be_dialled(self) -> None:
        for host in ("0.0.0.0", "::", "esx one", "esx:443"):
            with self.assertRaises(BackendError):
                locate(ticket(host=host))


class TrustTests(SynchronousTestCase):
    def test_the_sha_1_thumbprint_where_there_is_no_better_one(self) -> None:
        pinned = "sha1:" + SHA1.replace(":", "").lower()
        self.assertEqual(locate(ticket()).tls, TLSTrust(fingerprints=(pinned,)))

    def test_a_sha_256_thumbprint_leaves_the_weaker_one_out(self) -> None:
        told = thumbprints(("sha256", SHA256.upper()), ("sha512", "00" * 64))
        found = locate(ticket(certThumbprintList=told)).tls
        self.assertEqual(found, TLSTrust(fingerprints=(f"sha256:{SHA256}",)))

    def test_a_certificate_is_its_sha_256_thumbprint(self) -> None:
        pem = ssl.DER_cert_to_PEM_cert(DER)
        found = locate(ticket(sslThumbprint=None, sslCertificate=pem)).tls
        digest = hashlib.sha256(DER).hexdigest()
        self.assertEqual(found, TLSTrust(fingerprints=(f"sha256:{digest}",)))

    def test_without_any_the_authorities_and_the_name_of_the_host(self) -> None:
        found = locate(ticket(sslThumbprint=None), ca_file="/ca.pem", server_name="vc")
        self.assertEqual(found.tls, TLSTrust(ca_file="/ca.pem", name="esx1.example"))

    def test_the_fingerprint_of_a_vcenter_is_not_that_of_its_hosts(self) -> None:
        found = locate(ticket(sslThumbprint=None), fingerprints=[f"sha256:{SHA256}"])
        self.assertEqual(found.tls, TLSTrust(name="esx1.example"))

    def test_a_mapped_host_must_have_its_own_name_in_its_certificate(self) -> None:
        found = locate(ticket(sslThumbprint=None), addresses={"esx1.example": "192.0.2.9"})
        self.assertEqual(found.tls, TLSTrust(name="esx1.example"))

    def test_a_single_host_has_one_certificate(self) -> None:
        pinned = f"sha256:{SHA256}"
        found = locate(ticket(sslThumbprint=None), True, fingerprints=[pinned])
        self.assertEqual(found.tls, TLSTrust(fingerprints=(pinned,)))

    def test_thumbprints_count_although_the_api_is_not_verified(self) -> None:
        found = locate(ticket(), verify=False).tls
        assert found is not None
        self.assertTrue(found.verify and found.fingerprints)

    def test_what_is_no_thumbprint_is_refused(self) -> None:
        for more in (
            {"sslThumbprint": "00"},
            {"certThumbprintList": thumbprints(("sha256", "00"))},
            {"sslThumbprint": None, "sslCertificate": "no PEM"},
        ):
            with self.assertRaises(BackendError):
                locate(ticket(**more))
