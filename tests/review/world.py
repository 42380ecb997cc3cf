"""Recordings in a directory, and those that come by links to them, in memory."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http_headers import Headers
from twisted.web.test.requesthelper import DummyRequest

from tests.doubles.calls import CallsHere
from tests.doubles.recorded_files import BEGAN, about, name_of
from tests.replay.playing import recording_of
from tests.replay.test_making import INIT, painted
from vncproxy.archive.folder import FolderLibrary
from vncproxy.replay import CannotMake, copy_of
from vncproxy.replay.making import make_copy
from vncproxy.review.copies import Copies
from vncproxy.review.followers import Followers
from vncproxy.review.link import ReviewLink, add_link
from vncproxy.review.memory import MemoryReviewLinks
from vncproxy.review.shelf import Shelf
from vncproxy.review.visits import Visits
from vncproxy.review.watching import Reviewing, WatchedByLink

EVENTS = (INIT, painted(1000), painted(2_000_000))


class Maker:
    """Makes playable copies when a test says so.

    Attributes:
        asked: recordings, with what fires once their copy is made.
    """

    def __init__(self) -> None:
        self.asked: list[tuple[Path, Deferred[None]]] = []
        self.share = 0.25

    def make(self, recording: Path) -> Deferred[None]:
        done: Deferred[None] = Deferred()
        self.asked.append((recording, done))
        return done

    def progress(self, recording: Path) -> float | None:
        return self.share if recording in [path for path, _ in self.asked] else None

    def finish(self) -> None:
        path, done = self.asked.pop(0)
        with path.open("rb") as source, copy_of(path).open("wb") as target:
            make_copy(source, target)
        done.callback(None)

    def fail(self, why: str) -> None:
        self.asked.pop(0)[1].errback(CannotMake(why))


class Door:
    """Users at one address.

    Attributes:
        refusals: why requests were refused.
    """

    def __init__(self) -> None:
        self.refusals: list[str] = []
        self.is_shut = False
        self.address = "192.0.2.9"

    def client(self, request: object) -> str:
        return self.address

    def refuses_cheaply(self, client: str) -> bool:
        return self.is_shut

    def refused(self, client: str, why: str) -> str:
        self.refusals.append(why)
        return " (id 7f3a)"


class ReviewCase(SynchronousTestCase):
    """A shelf with a recording of the session ``7f3a``, and links to it."""

    def setUp(self) -> None:
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.clock = Clock()
        self.calls = CallsHere()
        self.lines: list[tuple[str, Mapping[str, object]]] = []
        self.links = MemoryReviewLinks(self.clock.seconds)
        self.maker, self.door = Maker(), Door()
        self.room = 2
        shelf = Shelf(FolderLibrary(self.folder), self.calls, "proxy-1")
        visits = Visits(lambda event, line: self.lines.append((event, line)), self.clock)
        followers = Followers(
            self.links, visits, lambda: self.room, self.clock, lambda: BEGAN + self.clock.seconds()
        )
        copies = Copies(shelf, self.maker)
        self.reviewing = Reviewing(shelf, self.links, copies, visits, followers, "proxy-1")

    def record(self, session: str = "7f3a", **more: str) -> Path:
        """Write a recording of two seconds."""
        path = self.folder / name_of(session)
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(recording_of(EVENTS, about(session, BEGAN, **more)))
        return path

    def now(self, work: Any) -> Any:
        """Return what a coroutine returns."""
        return self.successResultOf(Deferred.fromCoroutine(work))

    def failure(self, work: Any, kind: type[Exception]) -> Any:
        return self.failureResultOf(Deferred.fromCoroutine(work), kind).value

    def link(self, session: str = "7f3a", **more: Any) -> str:
        """Return the secret of a new link."""
        who: dict[str, Any] = {"user": "rita", "key": "auditor", "proxy": "proxy-1", **more}
        link = ReviewLink(session, "kvm/web-01", **who)
        secret, _ = self.now(add_link(self.links, link, 600))
        return str(secret)

    def request(self, secret: str) -> DummyRequest:
        request = DummyRequest([])
        request.requestHeaders = Headers({"Authorization": [f"Bearer {secret}"]})
        return request

    def admit(self, secret: str, session: str = "7f3a") -> Any:
        return self.reviewing.admit(self.door, self.request(secret), session)  # type: ignore[arg-type]

    def watched(self, secret: str, session: str = "7f3a") -> WatchedByLink:
        found: WatchedByLink = self.now(self.admit(secret, session))
        return found

    def events(self) -> list[str]:
        return [event for event, _ in self.lines]
