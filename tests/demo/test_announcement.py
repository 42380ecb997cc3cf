"""The lines that ``vncproxy demo`` prints."""

from __future__ import annotations

import socket

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.demo.announcement import ListenAddress, console_lines, vm_lines


class AnnouncementTests(SynchronousTestCase):
    def test_the_link_stands_in_a_line_of_its_own(self) -> None:
        lines = console_lines(ListenAddress("127.0.0.1", 6080), "s3cret")

        self.assertEqual(lines[0], "console: http://127.0.0.1:6080/?token=s3cret")

    def test_the_way_of_a_tcp_viewer_follows(self) -> None:
        [_, viewer] = console_lines(ListenAddress("127.0.0.1", 7000), "s3cret")

        self.assertIn("CONNECT /console?token=s3cret on 127.0.0.1:7000", viewer)
        self.assertIn("vncproxy bridge", viewer)

    def test_an_ipv6_address_has_brackets(self) -> None:
        lines = console_lines(ListenAddress("fe80::7", 6080), "s3cret")

        self.assertEqual(lines[0], "console: http://[fe80::7]:6080/?token=s3cret")
        self.assertIn(" on [fe80::7]:6080 ", lines[1])

    def test_on_all_addresses_the_link_opens_here_and_another_elsewhere(self) -> None:
        for address, here in [("0.0.0.0", "127.0.0.1"), ("", "127.0.0.1"), ("::", "[::1]")]:
            lines = console_lines(ListenAddress(address, 6080), "s3cret")

            self.assertEqual(lines[0], f"console: http://{here}:6080/?token=s3cret")
            self.assertEqual(lines[2], f"others:  http://{socket.gethostname()}:6080/?token=s3cret")

    def test_on_all_addresses_everybody_is_warned_of(self) -> None:
        *_, warning = console_lines(ListenAddress("0.0.0.0", 6080), "s3cret")

        self.assertTrue(warning.startswith("Anybody who has a link"), warning)

    def test_there_is_exactly_one_console_line(self) -> None:
        address = ListenAddress("0.0.0.0", 6080)

        lines = console_lines(address, "s3cret") + vm_lines(address, [("web", "t1"), ("db", "t2")])

        self.assertEqual(sum(line.startswith("console:") for line in lines), 1)

    def test_each_machine_has_a_line(self) -> None:
        lines = vm_lines(ListenAddress("127.0.0.1", 6080), [("web-01", "t1"), ("db", "t2")])

        self.assertEqual(
            lines,
            [
                "vm web-01: http://127.0.0.1:6080/?token=t1",
                "vm db: http://127.0.0.1:6080/?token=t2",
            ],
        )

    def test_the_base_url_is_that_of_the_link(self) -> None:
        address = ListenAddress("::", 6080)

        self.assertEqual(address.base_url, "http://[::1]:6080/")
        self.assertEqual(address.viewer_url, "http://[::1]:6080/console")
