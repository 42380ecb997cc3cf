"""The site of ``vncproxy recording play``: one file, for those that have its link."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from twisted.internet.task import Clock
from twisted.internet.testing import StringTransport
from twisted.trial.unittest import SynchronousTestCase

from tests.player.test_routes import Answer
from vncproxy.cli.recording_site import OneRecordingSite, OwnFile
from vncproxy.player import NotShown
from vncproxy.recording.being_written import mark_as_written
from vncproxy.recording.chunks import Damaged
from vncproxy.recording.reading import RecordingReader
from vncproxy.recording.writing import About, RecordingWriter

SESSION = "7f3a0001c44be902"
ABOUT = About(SESSION, "0" * 64, "kvm/web-01", "alice", "192.0.2.7", "novnc", "p1", 1.7e9)


class SiteTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.file = Path(self.mktemp())
        self.file.write_bytes(RecordingWriter(ABOUT).begin())
        self.reactor: Any = Clock()
        self.shown = self.open_file()
        self.site = OneRecordingSite(self.shown, self.reactor)

    def open_file(self) -> OwnFile:
        return OwnFile(self.file, Path(self.mktemp()), RecordingReader, self.reactor)

    def ask(self, path: str, secret: str | None = None) -> Answer:
        transport = StringTransport()
        channel = self.site.buildProtocol(None)
        channel.makeConnection(transport)
        secret = self.site.secret if secret is None else secret
        head = f"GET {path} HTTP/1.0\r\nAuthorization: Bearer {secret}\r\n\r\n"
        channel.dataReceived(head.encode())
        return Answer(transport.value())

    def test_the_link_has_the_session_and_a_secret(self) -> None:
        expected = f"http://127.0.0.1:7000/recordings/{SESSION}?token={self.site.secret}"
        self.assertEqual(self.site.url(7000), expected)
        self.assertGreater(len(self.site.secret), 40)

    def test_every_answer_has_the_policy(self) -> None:
        for path, status in ((f"/recordings/{SESSION}", 200), ("/static/nothing", 404)):
            answer = self.ask(path, secret="")
            self.assertEqual(answer.status, status)
            policy = answer.headers["content-security-policy"]
            self.assertTrue(policy.startswith("default-src 'none'; script-src 'self';"), policy)
            self.assertTrue(policy.endswith("frame-ancestors 'none'"), policy)

    def test_there_is_nothing_else(self) -> None:
        for path in ("/", "/static/", "/static/../install.py", "/static/%2e%2e/install.py", "/x"):
            self.assertEqual(self.ask(path).status, 404, path)

    def test_only_the_secret_opens_it(self) -> None:
        for secret in ("", "x", self.site.secret[:-1], self.site.secret + "x"):
            answer = self.ask(f"/recordings/{SESSION}/contents", secret)
            self.assertEqual(answer.error(), (401, "link-ended"))
        self.assertEqual(self.ask("/recordings/0123/contents").error(), (404, "not-found"))

    def test_a_file_that_is_written_goes_on(self) -> None:
        with self.file.open("ab") as writing:
            mark_as_written(writing.fileno())
            contents: Any = self.result_of(self.shown.contents())
            self.assertEqual((contents["state"], contents["vm"]), ("recording", "kvm/web-01"))
            argv: Any = self.result_of(self.shown.follow())
            self.assertEqual(argv[-1], str(self.file))
        error = self.failure_of(self.shown.follow(), NotShown)
        self.assertEqual(error.word, "not-live")

    def test_a_file_that_is_no_recording_is_refused_at_once(self) -> None:
        self.file.write_bytes(b"GIF89a" * 10)
        with self.assertRaises(Damaged):
            self.open_file()

    def result_of(self, work: Any) -> Any:
        """Return what a coroutine returns at once."""
        try:
            work.send(None)
        except StopIteration as e:
            return e.value
        raise AssertionError("it waits")

    def failure_of(self, work: Any, kind: type[Exception]) -> Any:
        with self.assertRaises(kind) as caught:
            work.send(None)
        return caught.exception
