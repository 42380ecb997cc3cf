"""Those that follow sessions: until when, and how many."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import fail, succeed
from twisted.internet.error import ProcessDone
from twisted.python.failure import Failure
from twisted.web.test.requesthelper import DummyChannel, DummyRequest

from tests.review.world import ReviewCase
from vncproxy.errors import StoreUnavailable
from vncproxy.model import secret_id
from vncproxy.player import Following, NotShown
from vncproxy.review.followers import LONGEST_OUTAGE, LOOK_EVERY


class Process:
    """The transport of a process that is none.

    Attributes:
        signals: what it was sent.
        is_paused: whether nothing is read from it.
    """

    def __init__(self) -> None:
        self.signals: list[str] = []
        self.is_paused = False

    def signalProcess(self, name: str) -> None:
        self.signals.append(name)

    def pauseProducing(self) -> None:
        self.is_paused = True

    def resumeProducing(self) -> None:
        self.is_paused = False


class Answer(DummyRequest):
    """A request whose connection may take no more."""

    def __init__(self) -> None:
        super().__init__([])
        self.channel = DummyChannel()
        self.producer: Any = None

    def registerProducer(self, producer: Any, streaming: bool) -> None:
        self.producer = producer

    def unregisterProducer(self) -> None:
        self.producer = None


class FollowingCase(ReviewCase):
    def setUp(self) -> None:
        super().setUp()
        self.record()

    def follow(self, secret: str) -> tuple[Following, Answer, Process]:
        """Let a reviewer follow; the recording has ended, which only its process would find."""
        shown = self.watched(secret)
        shown._live = self.now(self.reviewing.shelf.find("7f3a"))
        answer, process = Answer(), Process()
        following = Following(answer)  # type: ignore[arg-type]
        following.makeConnection(process)
        shown.followed(following)
        return following, answer, process

    def end_reason(self) -> object:
        return self.lines[-1][1]["reason"] if self.events()[-1] == "review-end" else None


class FollowerTests(FollowingCase):
    def test_they_go_on_while_their_link_is_good(self) -> None:
        following, _, process = self.follow(self.link())
        self.clock.pump([LOOK_EVERY] * 3000)
        self.assertFalse(following.is_over)
        self.assertEqual((process.signals, self.events()), ([], ["review"]))
        self.reviewing.stop()

    def test_a_revoked_link_ends_them_within_a_second(self) -> None:
        secret, other = self.link(), self.link()
        following, answer, process = self.follow(secret)
        stays, _, _ = self.follow(other)
        following.outReceived(b"entries")
        self.clock.advance(5)
        self.now(self.links.revoke("7f3a", secret_id(secret)))
        self.clock.advance(LOOK_EVERY)
        self.assertTrue(following.is_over)
        self.assertFalse(stays.is_over)
        self.assertEqual((process.signals, answer.finished), (["KILL"], 1))
        self.assertEqual(answer.written, [b"entries", b""])
        line = self.lines[-1][1]
        self.assertEqual(
            (line["reason"], line["live"], line["from"], line["to"], line["bytes"]),
            ("link-ended", True, 0.0, 5.5, 7),
        )
        self.reviewing.stop()

    def test_the_end_of_the_session_ends_them(self) -> None:
        following, answer, _ = self.follow(self.link())
        following.processEnded(Failure(ProcessDone(0)))
        self.assertEqual((answer.finished, self.end_reason()), (1, "ended"))

    def test_a_client_that_goes_ends_its_process(self) -> None:
        following, answer, process = self.follow(self.link())
        answer.processingFailed(Failure(ConnectionError()))
        self.assertEqual((process.signals, self.end_reason()), (["KILL"], "client-gone"))
        following.outReceived(b"late")
        following.processEnded(Failure(ProcessDone(0)))
        self.assertEqual((answer.written, self.events()), ([], ["review", "review-end"]))

    def test_a_proxy_that_stops_ends_them(self) -> None:
        following, answer, _ = self.follow(self.link())
        self.reviewing.stop()
        self.assertTrue(following.is_over)
        self.assertEqual((answer.finished, self.end_reason()), (1, "proxy-stopping"))
        self.clock.pump([LOOK_EVERY] * 3)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_there_is_room_for_so_many(self) -> None:
        first, _, _ = self.follow(self.link())
        self.follow(self.link())
        self.assertRaises(NotShown, self.reviewing.followers.require_room)
        first.end()
        self.reviewing.followers.require_room()
        self.assertEqual(len(self.reviewing.followers), 1)
        self.reviewing.stop()

    def test_one_call_of_the_store_asks_for_all(self) -> None:
        secret = self.link()
        for _ in range(3):
            self.follow(secret)
        asked: list[Any] = []

        def use(link_ids: Any, idle: float) -> Any:
            asked.append(link_ids)
            return succeed(["{}"])

        self.patch(self.links, "use", use)
        self.clock.advance(LOOK_EVERY)
        self.assertEqual(asked, [[secret_id(secret)]])
        self.reviewing.stop()

    def test_a_store_that_is_away_for_long_ends_them(self) -> None:
        following, _, _ = self.follow(self.link())
        self.patch(self.links, "use", lambda *_: fail(StoreUnavailable()))
        looks = int(LONGEST_OUTAGE / LOOK_EVERY)
        self.clock.pump([LOOK_EVERY] * (looks - 1))
        self.assertFalse(following.is_over)
        self.clock.pump([LOOK_EVERY] * 2)
        self.assertTrue(following.is_over)
        self.assertEqual(self.end_reason(), "store-unavailable")

    def test_a_store_that_is_back_soon_ends_none(self) -> None:
        following, _, _ = self.follow(self.link())
        use = self.links.use
        for _ in range(3):
            self.patch(self.links, "use", lambda *_: fail(StoreUnavailable()))
            self.clock.pump([LOOK_EVERY] * 15)
            self.patch(self.links, "use", use)
            self.clock.pump([LOOK_EVERY] * 2)
        self.assertFalse(following.is_over)
        self.reviewing.stop()


class FlowTests(FollowingCase):
    def test_nothing_is_read_for_a_client_that_takes_nothing(self) -> None:
        _, answer, process = self.follow(self.link())
        answer.producer.pauseProducing()
        self.assertTrue(process.is_paused)
        answer.producer.resumeProducing()
        self.assertFalse(process.is_paused)
        self.reviewing.stop()
