"""A tape: batches, bounds and trouble."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.recording.events import Event, Source
from vncproxy.recording.tape import BATCH, LONGEST_WAIT, MOST_WAITING, Tape


class SlowReel:
    """Keeps what is to be written until the test lets it be written."""

    def __init__(self) -> None:
        self.writes: list[tuple[list[Event], Deferred[None]]] = []
        self.ends: list[tuple[str, int]] = []

    def write(self, events: list[Event]) -> Awaitable[None]:
        self.writes.append((events, Deferred()))
        return self.writes[-1][1]

    async def end(self, reason: str, moment: int) -> None:
        self.ends.append((reason, moment))


class TapeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.reel, self.troubles = Clock(), SlowReel(), list[str]()
        self.clock.advance(1000)
        self.tape = Tape(self.reel, self.clock, self.troubles.append)

    def test_events_have_their_moments(self) -> None:
        self.tape.add(Source.SERVER, b"init")
        self.clock.advance(0.5)
        self.tape.add(Source.VIEWER, b"\3")
        self.clock.advance(LONGEST_WAIT)

        ((events, _),) = self.reel.writes
        right = [Event(Source.SERVER, 0, b"init"), Event(Source.VIEWER, 500_000, b"\3")]
        self.assertEqual(events, right)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_many_bytes_are_written_at_once(self) -> None:
        self.tape.add(Source.SERVER, bytes(BATCH))
        self.assertEqual(len(self.reel.writes), 1)
        self.tape.add(Source.SERVER, b"a")
        self.assertEqual(len(self.reel.writes), 1)

    def test_the_end_follows_on_what_is_left(self) -> None:
        self.tape.add(Source.SERVER, b"a")
        self.clock.advance(0.25)
        self.successResultOf(Deferred.fromCoroutine(self.tape.end("client-gone")))

        self.assertEqual(len(self.reel.writes), 1)
        self.assertEqual(self.reel.ends, [("client-gone", 250_000)])
        self.tape.add(Source.SERVER, b"late")
        self.assertEqual(len(self.reel.writes), 1)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_slow_disk_stops_it_before_memory_is_full(self) -> None:
        size = 0
        while self.tape.is_running and size < 2 * MOST_WAITING:
            self.tape.add(Source.SERVER, bytes(BATCH))
            size += BATCH

        self.assertLessEqual(size, MOST_WAITING + 2 * BATCH)
        (why,) = self.troubles
        self.assertIn("wait to be written", why)
        self.reel.writes[0][1].callback(None)
        self.tape.add(Source.SERVER, b"a")
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_was_written_waits_no_more(self) -> None:
        for _ in range(3 * MOST_WAITING // BATCH):
            self.tape.add(Source.SERVER, bytes(BATCH))
            self.reel.writes.pop()[1].callback(None)

        self.assertTrue(self.tape.is_running)

    def test_a_full_disk_stops_it_once(self) -> None:
        for _ in range(2):
            self.tape.add(Source.SERVER, bytes(BATCH))
        for _, writing in self.reel.writes:
            writing.errback(OSError(28, "No space left on device"))

        self.assertEqual(self.troubles, ["No space left on device"])
