from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.own_addresses import interface_address, own_interfaces, with_own_addresses


class PlaceholderTests(SynchronousTestCase):
    def test_the_address_of_an_interface(self) -> None:
        self.assertEqual(interface_address("lo"), "127.0.0.1")
        url = with_own_addresses("https://{address:lo}:6080/x/")
        self.assertEqual(url, "https://127.0.0.1:6080/x/")

    def test_the_name_of_this_machine(self) -> None:
        self.assertEqual(
            with_own_addresses("https://{hostname}/"), f"https://{socket.gethostname()}/"
        )

    def test_text_without_one_stays(self) -> None:
        self.assertEqual(with_own_addresses("https://a.example.com/"), "https://a.example.com/")

    def test_an_interface_that_does_not_exist(self) -> None:
        with self.assertRaisesRegex(
            ValueError, 'names the interface "eth99", and this machine has .*lo'
        ):
            with_own_addresses("https://{address:eth99}/")
        self.assertEqual(interface_address("eth99"), "")
        self.assertEqual(interface_address("x" * 40), "")

    def test_what_is_none(self) -> None:
        for text in (
            "{address}",
            "{address:}",
            "{hostname:x}",
            "{adress:lo}",
            "{",
            "}{",
            "{a{hostname}",
        ):
            with self.subTest(text=text), self.assertRaises(ValueError):
                with_own_addresses(f"https://{text}/")

    def test_the_names_are_those_that_the_kernel_has(self) -> None:
        self.assertEqual(set(own_interfaces()), {name for _, name in socket.if_nameindex()})

    def test_loopback_comes_last(self) -> None:
        self.assertEqual(own_interfaces()[-1], "lo")
