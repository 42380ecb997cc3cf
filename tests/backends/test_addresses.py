"""Which addresses can be dialled, and which mean something else on every machine."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.backends.addresses import is_dialable, is_loopback, is_wildcard, parse_ip


class AddressTests(SynchronousTestCase):
    def test_loopback_in_every_spelling(self) -> None:
        for text in (
            "127.0.0.1",
            "127.9.9.9",
            "::1",
            "::ffff:127.0.0.1",
            "localhost",
            "LocalHost.",
        ):
            self.assertTrue(is_loopback(text), text)
        for text in ("", "10.0.0.5", "localhost.example.com", "0.0.0.0", "::"):
            self.assertFalse(is_loopback(text), text)

    def test_wildcards_and_nothing(self) -> None:
        for text in ("0.0.0.0", "::", "::ffff:0.0.0.0", ""):
            self.assertTrue(is_wildcard(text), text)
        for text in ("10.0.0.5", "hv1"):
            self.assertFalse(is_wildcard(text), text)

    def test_names_and_addresses_can_be_dialled(self) -> None:
        for text in ("hv1", "hv-1.example.com", "10.0.0.5", "2001:db8::5", "node_3"):
            self.assertTrue(is_dialable(text), text)
        for text in ("", "0.0.0.0", "hv1:5900", "-x", "a b", "h/x", "[::1]", "x" * 300):
            self.assertFalse(is_dialable(text), text)

    def test_ipv4_is_taken_out_of_ipv6(self) -> None:
        self.assertEqual(str(parse_ip("::ffff:10.0.0.5")), "10.0.0.5")
        self.assertIsNone(parse_ip("hv1"))
