from __future__ import annotations

from pathlib import Path
from typing import Any

from treq.testing import StubTreq
from twisted.internet.defer import Deferred, fail
from twisted.internet.error import ConnectionRefusedError as Refusal
from twisted.internet.error import DNSLookupError
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.client import ResponseFailed
from twisted.web.resource import Resource

from tests.doubles.cli import URL, CommandTestCase
from vncproxy.cli.connection import TIME_LIMIT, Call, HTTPApi, fetch
from vncproxy.cli.failures import Unreachable


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
        self.assertNotIn("abc", repr(HTTPApi(URL, "abc")))


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


class Client:
    """A treq whose request has a given result."""

    def __init__(self, result: Deferred[Any]) -> None:
        self._result = result

    def request(self, *arguments: object, **options: object) -> Deferred[Any]:
        return self._result


class UnreachableTests(SynchronousTestCase):
    def failure_of(self, result: Deferred[Any], seconds: float = 0) -> str:
        clock = Clock()
        call = Call("GET", "/v1/sessions")
        answer = Deferred.fromCoroutine(fetch(Client(result), URL, "key", call, clock))
        clock.advance(seconds)
        return str(self.failureResultOf(answer, Unreachable).value)

    def test_refused_connection_is_told_in_the_systems_words(self) -> None:
        message = self.failure_of(fail(Refusal(osError=111)))

        self.assertEqual(message, f"the API at {URL} cannot be reached: connection refused")

    def test_unknown_host_is_told(self) -> None:
        message = self.failure_of(fail(DNSLookupError("no results for hostname lookup: x.")))

        self.assertIn("no results for hostname lookup: x", message)

    def test_broken_answer_is_told(self) -> None:
        broken = ResponseFailed([Failure(ValueError("wrong number of parts"))])

        self.assertIn("broke off: wrong number of parts", self.failure_of(fail(broken)))

    def test_silence_is_given_up(self) -> None:
        message = self.failure_of(Deferred(), TIME_LIMIT)

        self.assertEqual(message, f"the API at {URL} did not answer within 30 s")

    def test_another_server_is_recognised(self) -> None:
        stub = StubTreq(Resource())

        answer = Deferred.fromCoroutine(fetch(stub, URL, "key", Call("GET", "/v1/x"), Clock()))

        message = self.failureResultOf(answer, Unreachable).getErrorMessage()
        self.assertIn("is not vncproxy's API (HTTP status 404)", message)
