from __future__ import annotations

from click.testing import CliRunner
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cli import main
from vncproxy.cli.tunnel import Link

TOKEN = "AbCdEfGhIjKlMnOpQrStUvWxYz0123456789-_AbCdE"


class LinkTests(SynchronousTestCase):
    def test_an_access_url_says_where_to_connect_and_what_to_ask_for(self) -> None:
        link = Link.parse(f"https://console.example.com/consoles/?token={TOKEN}\n")

        self.assertEqual((link.host, link.port, link.secure), ("console.example.com", 443, True))
        self.assertEqual(link.target, f"/consoles/?token={TOKEN}")

    def test_a_port_and_ipv6(self) -> None:
        link = Link.parse(f"http://[::1]:6080?token={TOKEN}")

        self.assertEqual((link.host, link.port, link.secure), ("::1", 6080, False))
        self.assertEqual((link.target, link.netloc), (f"/?token={TOKEN}", "[::1]:6080"))

    def test_no_token_shows(self) -> None:
        self.assertNotIn(TOKEN, repr(Link.parse(f"http://h/?token={TOKEN}")))

    def test_what_is_no_access_url(self) -> None:
        for url in (
            "",
            TOKEN,
            f"wss://h/?token={TOKEN}",
            f"http:///?token={TOKEN}",
            f"http://h:99999/?token={TOKEN}",
            "https://h/",
            f"https://h/{TOKEN}",
        ):
            error = self.assertRaises(ValueError, Link.parse, url)
            self.assertNotIn(TOKEN, str(error))


class BridgeTests(SynchronousTestCase):
    def test_a_url_without_a_token_is_a_usage_error(self) -> None:
        result = CliRunner().invoke(main, ["bridge", "https://console.example.com/"])

        self.assertEqual(result.exit_code, 2)
        self.assertIn("holds ?token=", result.stderr)

    def test_the_url_is_read_from_a_file_without_asking(self) -> None:
        for link in (f"ftp://h/?token={TOKEN}\n", f"  ftp://h/?token={TOKEN}  "):
            result = CliRunner().invoke(main, ["bridge"], input=link)

            self.assertEqual((result.exit_code, result.stdout), (2, ""))
            self.assertIn("begins with http:// or https://", result.stderr)
            self.assertNotIn("access URL:", result.stderr)
            self.assertNotIn(TOKEN, result.stderr)

    def test_an_empty_file_is_no_url(self) -> None:
        result = CliRunner().invoke(main, ["bridge"], input="")

        self.assertEqual(result.exit_code, 2)
