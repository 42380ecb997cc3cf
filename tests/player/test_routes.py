"""What the player page gets by HTTP, over a recording in memory."""

from __future__ import annotations

import io
import json
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from twisted.internet.testing import StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.server import Site

from vncproxy.errors import StoreUnavailable
from vncproxy.player import BeingMade, Following, NotShown, Part, PlayerResource

T = TypeVar("T")

DATA = bytes(range(256)) * 4
"""The playable copy; its two segments are its halves."""


class Recorded:
    """A recording, whose parts may fail."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.files: list[io.BytesIO] = []

    async def contents(self) -> Mapping[str, object]:
        self._check()
        return {"v": 1, "vm": "kvm/wéb"}

    async def segment(self, number: int) -> Part:
        self._check()
        if number > 1:
            raise NotShown(404, "not-found", "There is no such part.")
        return self._part(number * 512, 512)

    async def follow(self) -> Sequence[str]:
        self._check()
        return [sys.executable, "-c", "print('entries')"]

    def followed(self, following: Following) -> None:
        self.following = following

    async def open_file(self) -> tuple[str, Part]:
        self._check()
        return "7f3a.vncr", self._part(0, len(DATA))

    def _part(self, offset: int, size: int) -> Part:
        self.files.append(io.BytesIO(DATA))
        return Part(self.files[-1], offset, size)

    def _check(self) -> None:
        if self.error is not None:
            raise self.error


async def at_once(function: Callable[..., T], *args: object) -> T:
    """Call a function in place of a thread."""
    return function(*args)


class Answer:
    """A response, taken apart."""

    def __init__(self, data: bytes) -> None:
        head, _, self.body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        self.status = int(first.split()[1])
        self.headers = {n.lower(): v for n, _, v in (line.partition(": ") for line in lines)}

    def error(self) -> tuple[int, str]:
        return self.status, json.loads(self.body)["error"]["code"]


class RouteTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.recorded = Recorded()
        self.asked: list[str] = []

    async def admit(self, request: Request, session: str) -> Any:
        self.asked.append(session)
        if request.getHeader("authorization") != "Bearer good":
            raise NotShown(401, "link-ended", "Ask for a new link.")
        return self.recorded

    def ask(self, path: str, method: str = "GET", secret: str = "good") -> Answer:
        processes: Any = self
        site = Site(PlayerResource(self.admit, processes, at_once))
        transport = StringTransport()
        channel = site.buildProtocol(None)
        channel.makeConnection(transport)
        head = f"{method} {path} HTTP/1.0\r\nAuthorization: Bearer {secret}\r\n\r\n"
        channel.dataReceived(head.encode("latin-1"))
        if not transport.disconnecting:
            channel.connectionLost(Failure(ConnectionError()))
        return Answer(transport.value())

    def spawnProcess(self, protocol: Any, program: str, argv: list[str], env: Any) -> None:
        """Note what is to be run, in place of the reactor."""
        self.spawned = argv

    def test_a_session_that_goes_on_is_followed_by_a_process(self) -> None:
        self.assertRaises(IndexError, self.ask, "/recordings/7f3a/live")  # no answer yet
        self.assertEqual(self.spawned[1:], ["-c", "print('entries')"])
        self.assertIsInstance(self.recorded.following, Following)

    def test_the_page_needs_no_secret(self) -> None:
        answer = self.ask("/recordings/7f3a", secret="")
        self.assertEqual((answer.status, self.asked), (200, []))
        self.assertIn(b"../static/player/player.js", answer.body)

    def test_contents_are_json_and_stored_nowhere(self) -> None:
        answer = self.ask("/consoles/recordings/7f3a/contents")
        self.assertEqual(json.loads(answer.body), {"v": 1, "vm": "kvm/wéb"})
        self.assertEqual(answer.headers["cache-control"], "no-store")
        self.assertEqual(self.asked, ["7f3a"])

    def test_each_segment_is_its_part_of_the_file(self) -> None:
        self.assertEqual(self.ask("/recordings/7f3a/segments/0").body, DATA[:512])
        answer = self.ask("/recordings/7f3a/segments/1")
        self.assertEqual(answer.body, DATA[512:])
        self.assertTrue(answer.headers["cache-control"].startswith("private"))
        self.assertTrue(all(file.closed for file in self.recorded.files))

    def test_the_file_is_an_attachment(self) -> None:
        answer = self.ask("/recordings/7f3a/file")
        self.assertEqual(answer.body, DATA)
        self.assertEqual(answer.headers["content-length"], str(len(DATA)))
        self.assertIn("7f3a.vncr", answer.headers["content-disposition"])

    def test_nothing_is_shown_without_a_good_link(self) -> None:
        for path in ("contents", "segments/0", "live", "file", "other"):
            answer = self.ask(f"/recordings/7f3a/{path}", secret="bad")
            self.assertEqual(answer.error(), (401, "link-ended"), path)

    def test_what_is_being_made_is_told_wherever_it_is_asked_for(self) -> None:
        self.recorded.error = BeingMade(0.25)
        for path in ("contents", "segments/0"):
            answer = self.ask(f"/recordings/7f3a/{path}")
            self.assertEqual((answer.status, json.loads(answer.body)), (202, {"making": 0.25}))

    def test_why_something_is_not_shown(self) -> None:
        for error, expected in (
            (NotShown(409, "recording-sealed", "It is sealed."), (409, "recording-sealed")),
            (StoreUnavailable("a disk"), (503, StoreUnavailable.code)),
        ):
            self.recorded.error = error
            for path in ("contents", "segments/0", "live", "file"):
                answer = self.ask(f"/recordings/7f3a/{path}")
                self.assertEqual(answer.error(), expected)
                self.assertNotIn(b"a disk", answer.body)

    def test_requests_that_no_page_sends(self) -> None:
        for path in (
            "segments",
            "segments/",
            "segments/-1",
            "segments/%B2",
            "segments/0/1",
            "x",
            "",
        ):
            self.assertEqual(self.ask(f"/recordings/7f3a/{path}").status, 404, path)
        self.assertEqual(self.ask("/recordings/7f3a/contents", method="POST").status, 405)

    def test_a_defect_ends_the_connection_without_an_answer(self) -> None:
        self.recorded.error = ZeroDivisionError()
        self.assertRaises(IndexError, self.ask, "/recordings/7f3a/contents")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)
