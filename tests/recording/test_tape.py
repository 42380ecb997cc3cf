"""A tape: batches, bounds and trouble."""

from __future__ import annotations

from collections.abc import Awaitable

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.recording.batch import Batch
from vncproxy.recording.events import HEAD, Event, Source, unpack_events
from vncproxy.recording.tape import (
    BATCH,
    LONGEST_UNWRITTEN,
    LONGEST_WAIT,
    MOST_SPARE,
    MOST_WAITING,
    Room,
    Tape,
)


class SlowReel:
    """Keeps what is to be written until the test lets it be written."""

    def __init__(self) -> None:
        self.writes: list[tuple[Batch, Deferred[None]]] = []
        self.ends: list[tuple[str, int]] = []

    def write(self, batch: Batch) -> Awaitable[None]:
        self.writes.append((batch, Deferred()))
        return self.writes[-1][1]

    async def end(self, reason: str, moment: int) -> None:
        self.ends.append((reason, moment))


def events_of(batch: Batch) -> list[Event]:
    return list(unpack_events(bytes(batch.packed)))


class TapeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock, self.reel, self.troubles = Clock(), SlowReel(), list[str]()
        self.clock.advance(1000)
        self.room = Room()
        self.tape = self.make_tape()

    def make_tape(self) -> Tape:
        return Tape(self.reel, self.clock, self.troubles.append, self.room)

    def test_events_have_their_moments(self) -> None:
        self.tape.add(Source.SERVER, b"init")
        self.clock.advance(0.25)
        self.tape.add(Source.VIEWER, b"\3")
        self.clock.advance(LONGEST_WAIT)

        ((batch, writing),) = self.reel.writes
        right = [Event(Source.SERVER, 0, b"init"), Event(Source.VIEWER, 250_000, b"\3")]
        self.assertEqual(events_of(batch), right)
        writing.callback(None)
        self.clock.advance(LONGEST_UNWRITTEN)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_tap_knows_when_bytes_came(self) -> None:
        begun = self.clock.seconds()
        self.clock.advance(0.25)
        self.assertTrue(self.tape.add(Source.SERVER, memoryview(b"init"), begun + 0.125))
        self.assertFalse(self.tape.add(Source.VIEWER, b"\3", begun + 0.0625))
        self.clock.advance(LONGEST_WAIT)
        ((batch, _),) = self.reel.writes
        right = [Event(Source.SERVER, 125_000, b"init"), Event(Source.VIEWER, 125_000, b"\3")]
        self.assertEqual(events_of(batch), right)

    def test_many_bytes_are_written_at_once(self) -> None:
        self.tape.add(Source.SERVER, bytes(BATCH))
        self.assertEqual(len(self.reel.writes), 1)
        self.tape.add(Source.SERVER, b"a")
        self.assertEqual(len(self.reel.writes), 1)

    def test_what_does_not_fit_begins_the_next_batch(self) -> None:
        right = [bytes([number]) * 100_000 for number in range(25)]
        for data in right:
            self.tape.add(Source.SERVER, data)
            for batch, writing in self.reel.writes[:-1]:
                if not writing.called:
                    self.assertLessEqual(batch.size, BATCH)
        self.clock.advance(LONGEST_WAIT)
        found = [event.data for batch, _ in self.reel.writes for event in events_of(batch)]
        self.assertEqual(found, right)

    def test_the_memory_of_batches_is_used_again(self) -> None:
        spaces = set()
        for number in range(40 * MOST_SPARE):
            self.tape.add(Source.SERVER, bytes([number]) * (BATCH // 4))
            while self.reel.writes:
                batch, writing = self.reel.writes.pop()
                self.assertEqual({e.data[0] for e in events_of(batch)}, set(self.seen(number)))
                spaces.add(id(batch.space))
                writing.callback(None)
        self.assertLessEqual(len(spaces), MOST_SPARE)

    def seen(self, number: int) -> range:
        """Return what a batch has that is written when the event of this number comes."""
        return range(number - 3, number)

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
        self.assertEqual(self.room.taken, 0)

    def test_an_error_that_is_none_of_the_disk_stops_it_and_is_logged(self) -> None:
        self.tape.add(Source.SERVER, bytes(BATCH))
        self.reel.writes[0][1].errback(ValueError("no key"))

        self.assertEqual(self.troubles, ["ValueError: no key"])
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)

    def test_small_events_count_with_what_they_take(self) -> None:
        while self.tape.is_running:
            self.tape.add(Source.LEFT_OUT, b"\4")
        count = sum(len(events_of(batch)) for batch, _ in self.reel.writes)
        self.assertLessEqual(count, MOST_WAITING // HEAD.size)

    def test_what_waits_in_all_sessions_is_bounded(self) -> None:
        self.room = Room(3 * BATCH)
        one, two = self.make_tape(), self.make_tape()
        for tape in (one, two, one, two):
            tape.add(Source.SERVER, bytes(BATCH))
        self.assertEqual(len(self.troubles), 2)
        self.assertIn("of all sessions", self.troubles[0])
        for _, writing in self.reel.writes:
            writing.callback(None)
        self.assertEqual(self.room.taken, 0)

        again = self.make_tape()
        again.add(Source.SERVER, b"a")
        self.assertTrue(again.is_running)

    def test_a_disk_that_hangs_stops_it_in_time(self) -> None:
        self.tape.add(Source.SERVER, bytes(BATCH))
        self.clock.advance(LONGEST_UNWRITTEN)
        self.assertEqual(self.troubles, [])
        self.clock.advance(LONGEST_WAIT)
        (why,) = self.troubles
        self.assertIn("is not written", why)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_disk_that_falls_behind_stops_it_too(self) -> None:
        while not self.troubles and self.clock.seconds() < 1100:
            self.tape.add(Source.SERVER, bytes(BATCH // 4))
            self.clock.advance(0.25)
            self.tape.add(Source.SERVER, bytes(BATCH // 32))
            self.clock.advance(0.25)
            if self.clock.seconds() % 1 == 0:
                self.reel.writes.pop(0)[1].callback(None)
        (why,) = self.troubles
        self.assertIn("is not written", why)

    def test_a_process_that_was_stopped_itself_has_not_waited(self) -> None:
        self.tape.add(Source.SERVER, bytes(BATCH))
        self.clock.advance(10 * LONGEST_UNWRITTEN)
        self.reel.writes[0][1].callback(None)
        self.clock.advance(LONGEST_WAIT)
        self.assertEqual(self.troubles, [])

    def test_the_beginning_is_written_at_once(self) -> None:
        self.tape.add(Source.SERVER, b"init")
        beginning = self.tape.begin()
        self.assertNoResult(beginning)
        self.reel.writes[0][1].callback(None)
        self.successResultOf(beginning)
