from __future__ import annotations

from typing import Any

from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.xen.settings import XenSettings
from vncproxy.model import TLSTrust

PASSWORD = "s3cret-xapi"
URL = "https://xen1.example.com"


def settings(**more: Any) -> XenSettings:
    return XenSettings.model_validate({"url": URL, "password": PASSWORD, **more})


class SettingsTests(SynchronousTestCase):
    def refused(self, words: str, **more: Any) -> None:
        with self.assertRaises(ValidationError) as caught:
            settings(**more)
        self.assertIn(words, str(caught.exception))
        self.assertNotIn(PASSWORD, str(caught.exception))

    def test_one_member_or_several(self) -> None:
        self.assertEqual(settings().url, (URL,))
        several = [URL + "/", "https://[2001:db8::5]:8443", "https://10.0.0.6"]
        self.assertEqual(settings(url=several).url, (URL, *several[1:]))

    def test_what_is_no_address_of_a_member(self) -> None:
        for url in (
            "xen1.example.com",
            "ftp://xen1.example.com",
            "https://",
            "https://0.0.0.0",
            "https://xen1:0",
            "https://xen1:70000",
            "https://root:pw@xen1",
            "https://xen1/jsonrpc",
            "https://xen1/?a=b",
            "https://xen 1",
            "https://[::1",
        ):
            with self.subTest(url=url):
                self.refused("must be the URL of a pool member", url=url)

    def test_no_member(self) -> None:
        self.refused("url", url=[])

    def test_a_password_never_goes_in_the_clear_unless_the_console_does(self) -> None:
        self.refused("must begin with https", url="http://xen1.example.com")
        plain = settings(url="http://xen1.example.com", plain_console=True)
        self.assertEqual(plain.url, ("http://xen1.example.com",))

    def test_a_password_is_needed_and_stands_nowhere(self) -> None:
        self.refused("must not be empty", password="")
        self.assertNotIn(PASSWORD, repr(settings()))
        self.assertNotIn(PASSWORD, str(settings()))

    def test_trust(self) -> None:
        self.assertEqual(settings().tls.trust(), TLSTrust())
        trust = settings(tls={"ca_file": "/etc/ca.pem", "name": "pool"}).tls.trust()
        self.assertEqual(trust, TLSTrust(ca_file="/etc/ca.pem", name="pool"))

    def test_where_a_member_is_dialled(self) -> None:
        known = settings(addresses={"10.0.0.5": "xen1.example.com", "Xen2": "192.0.2.6"})
        self.assertEqual(known.dialled("10.0.0.5"), "xen1.example.com")
        self.assertEqual(known.dialled("xen2"), "192.0.2.6")
        self.assertEqual(known.dialled("10.0.0.7"), "10.0.0.7")

    def test_what_cannot_be_dialled(self) -> None:
        self.refused("that is not a wildcard", addresses={"10.0.0.5": "0.0.0.0"})
        self.refused("without a port", addresses={"10.0.0.5": "xen1:443"})

    def test_numbers_that_cannot_work(self) -> None:
        self.refused("plain_port", plain_port=0)
        self.refused("timeout", timeout=0)
        self.refused("timeout", timeout=float("inf"))
