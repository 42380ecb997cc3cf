from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.vmware.settings import VMwareSettings
from vncproxy.model import TLSTrust

SHA1 = "C7:71:73:CB:10:35:16:AD:BE:4B:09:23:28:1C:94:8F:0D:CB:C7:8A"


def settings(**more: Any) -> VMwareSettings:
    table = {"host": "vc.example", "username": "console", "password": "s3cret", **more}
    return VMwareSettings.model_validate(table)


class SettingsTests(SynchronousTestCase):
    def refused(self, **more: Any) -> str:
        with self.assertRaises(ValidationError) as caught:
            settings(**more)
        self.assertNotIn("s3cret", str(caught.exception))
        return str(caught.exception)

    def test_the_certificate_is_verified_by_the_authorities_of_the_system(self) -> None:
        self.assertEqual(settings().trust(), TLSTrust())

    def test_what_is_configured_is_what_is_trusted(self) -> None:
        found = settings(
            ca_file="/ca.pem", server_name="other", fingerprints=[f"sha1:{SHA1}"]
        ).trust()
        pinned = "sha1:" + SHA1.replace(":", "").lower()
        self.assertEqual(found, TLSTrust(ca_file="/ca.pem", name="other", fingerprints=(pinned,)))

    def test_no_verification_beside_something_to_verify_by_is_refused(self) -> None:
        for more in (
            {"ca_file": "/ca.pem"},
            {"server_name": "x"},
            {"fingerprints": [f"sha1:{SHA1}"]},
        ):
            self.assertIn(
                "verify = false accepts any certificate", self.refused(verify=False, **more)
            )

    def test_hosts_are_names_or_addresses_without_a_port(self) -> None:
        for host in ("vc.example:443", "https://vc.example", "0.0.0.0", ""):
            self.assertIn("must be a host name or an IP address", self.refused(host=host))
            self.assertIn("must be a host name", self.refused(addresses={"esx1": host}))

    def test_account_and_password_are_needed(self) -> None:
        self.assertIn("username", self.refused(username=""))
        self.assertIn("must not be empty", self.refused(password=""))

    def test_consoles_are_shown_in_one_of_three_ways(self) -> None:
        self.assertIn("console", self.refused(console="mks"))

    def test_the_password_is_in_no_repr(self) -> None:
        self.assertNotIn("s3cret", repr(settings()))

    def test_in_messages_it_is_called_by_host_and_port(self) -> None:
        names = [
            str(settings()),
            str(settings(port=8443)),
            str(settings(host="2001:db8::1", port=8443)),
        ]
        self.assertEqual(names, ["vc.example", "vc.example:8443", "[2001:db8::1]:8443"])

    def test_hosts_are_mapped_whatever_their_case(self) -> None:
        found = settings(addresses={"ESX1.example": "192.0.2.1"})
        self.assertEqual(found.mapped("esx1.EXAMPLE"), "192.0.2.1")
        self.assertEqual(found.mapped("esx2.example"), "")


class FingerprintTests(SynchronousTestCase):
    def test_settings_tell_the_form(self) -> None:
        with self.assertRaises(ValidationError) as caught:
            settings(fingerprints=["00"])
        self.assertIn(
            'must be "sha256:" and 64, or "sha1:" and 40 hexadecimal digits', str(caught.exception)
        )
