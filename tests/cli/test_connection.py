from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx

from tests.doubles.cli import URL, CommandTestCase
from vncproxy.client import Client


class KeyTests(CommandTestCase):
    def list_with(self, *options: str, key: str | None = None) -> Any:
        return self.run_command("sessions", "list", *options, VNCPROXY_API_KEY=key)

    def file(self, content: bytes) -> str:
        path = Path(self.mktemp())
        path.write_bytes(content)
        return str(path)

    def test_first_line_of_a_file_wins_over_the_environment(self) -> None:
        path = self.file(f"{self.key}\n# of the portal\n".encode())

        result = self.list_with("--key-file", path, key="wrong")

        self.assertEqual(result.exit_code, 0, result.output)

    def test_file_can_be_named_in_the_environment(self) -> None:
        path = self.file(self.key.encode())

        result = self.run_command(
            "sessions", "list", VNCPROXY_API_KEY=None, VNCPROXY_API_KEY_FILE=path
        )

        self.assertEqual(result.exit_code, 0, result.output)

    def test_missing_key_is_told_with_what_to_do(self) -> None:
        self.assertFails(self.list_with(), 2, "VNCPROXY_API_KEY", "--key-file", "key new")

    def test_files_that_hold_no_key_are_told(self) -> None:
        for content, word in (
            (b"", "has no key"),
            (b"\n" + b"abc", "has no key"),
            (b"\xff\xfe", "cannot be read"),
            ("schlüssel".encode(), "characters"),
            (b"a\x00b", "characters"),
        ):
            result = self.list_with("--key-file", self.file(content))

            self.assertFails(result, 2, word)

    def test_unknown_key_is_a_refusal_that_does_not_show_it(self) -> None:
        result = self.list_with(key="secret-but-wrong")

        self.assertFails(result, 1, "the API key is not known")
        self.assertNotIn("secret-but-wrong", result.output)

    def test_key_is_no_option(self) -> None:
        self.assertFails(self.list_with("--key", "abc", key="abc"), 2, "No such option")

    def test_key_is_not_in_the_repr(self) -> None:
        with Client(URL, "abc") as client:
            self.assertNotIn("abc", f"{client!r} {vars(client)!r}")


class URLTests(CommandTestCase):
    def test_what_is_no_http_url_is_a_usage_error(self) -> None:
        for url in ("127.0.0.1:6082", "ftp://x", "http://", "http://[::1", "http://x:99999"):
            result = self.run_command("sessions", "list", "--api", url)

            self.assertFails(result, 2, "is not the URL of an API")

    def test_url_comes_from_the_environment(self) -> None:
        result = self.run_command("sessions", "list", VNCPROXY_API="nonsense")

        self.assertFails(result, 2, "nonsense")

    def test_slash_at_the_end_does_no_harm(self) -> None:
        result = self.run_command("sessions", "list", "--api", f"{URL}/")

        self.assertEqual(result.exit_code, 0, result.output)


class UnreachableTests(CommandTestCase):
    def test_an_api_that_is_not_there_has_an_exit_status_of_its_own(self) -> None:
        self.transport.handle_request = refused  # type: ignore[method-assign]

        result = self.run_command("sessions", "list")

        self.assertFails(result, 3, f"the API at {URL} cannot be reached: connection refused")


def refused(request: httpx.Request) -> httpx.Response:
    raise httpx.ConnectError("no") from OSError(111, "Connection refused")
