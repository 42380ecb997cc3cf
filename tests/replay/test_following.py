"""What is written of a session is played a moment later."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from itertools import count
from pathlib import Path

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from tests.replay.playing import ABOUT, NOVNC
from tests.replay.streams import events_of
from vncproxy.recording.being_written import mark_as_written
from vncproxy.recording.playing import pictures_at
from vncproxy.recording.writing import STOPPED, RecordingWriter
from vncproxy.replay import Entry, Kind
from vncproxy.replay.budget import SPARE_TIME
from vncproxy.replay.following import Follower
from vncproxy.screen import Picture, ScreenDecoder


class Session:
    """A recording that is written step by step, whenever the follower sleeps.

    Args:
        steps: what is done in each of its sleeps.
    """

    def __init__(self, path: Path, *steps: Callable[[], object]) -> None:
        self.file = path.open("wb", buffering=0)
        mark_as_written(self.file.fileno())
        self.writer = RecordingWriter(ABOUT)
        self.write(self.writer.begin())
        self.steps = list(steps)
        self.now = 0.0
        self.path = path

    def write(self, data: bytes) -> None:
        self.file.write(data)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.steps.pop(0)()

    def followed(self) -> list[Entry]:
        with self.path.open("rb") as file:
            return list(Follower(file, self.sleep, lambda: self.now).entries())


class CostTests(SynchronousTestCase):
    def test_one_that_takes_longer_to_decode_than_it_lasts_is_not_followed(self) -> None:
        session = Session(Path(self.mktemp()))
        self.addCleanup(session.file.close)
        session.write(session.writer.events(events_of(3, "16", 200)))
        busy = count(step=SPARE_TIME / 20)
        with session.path.open("rb") as file:
            follower = Follower(file, session.sleep, lambda: 0.0, lambda: next(busy))
            found = list(follower.entries())
        self.assertEqual([each.kind for each in found], [Kind.END])
        self.assertIn("takes too long to decode", json.loads(found[0].data)["trouble"])


class FollowingTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.events = events_of(3, "16", 20)
        self.session = Session(Path(self.mktemp()))
        self.addCleanup(self.session.file.close)

    def chunk(self, begin: int, end: int) -> bytes:
        return self.session.writer.events(self.events[begin:end])

    def write(self, begin: int, end: int) -> Callable[[], object]:
        return lambda: self.session.write(self.chunk(begin, end))

    def end(self) -> None:
        self.session.write(self.session.writer.end("client-gone", 9_000_000))

    def assertShows(self, entries: list[Entry]) -> None:
        decoder = ScreenDecoder(Picture(1, 1), NOVNC)
        for entry in entries:
            if entry.kind in (Kind.KEY_FRAME, Kind.SERVER):
                decoder.receive(entry.data)
        (right,) = pictures_at(self.events, [self.events[-1].moment])
        assert right is not None
        self.assertTrue(np.array_equal(decoder.picture.pixels, right.pixels))

    def test_a_session_from_its_screen_of_now_to_its_end(self) -> None:
        half = len(self.events) // 2
        self.write(0, half)()
        self.session.steps = [self.write(half, half + 3), lambda: None, self.write(half + 3, 999)]
        self.session.steps.append(self.end)
        entries = self.session.followed()

        self.assertEqual(entries[0].kind, Kind.KEY_FRAME)
        self.assertEqual(entries[0].moment, self.events[half - 1].moment)
        self.assertEqual(json.loads(entries[-1].data), {"reason": "client-gone"})
        moments = [entry.moment for entry in entries]
        self.assertEqual(moments, sorted(moments))
        self.assertShows(entries)

    def test_a_session_without_a_screen_yet(self) -> None:
        self.session.steps = [lambda: None, self.write(0, 999), self.end]
        entries = self.session.followed()
        self.assertEqual([entries[0].kind, entries[-1].kind], [Kind.KEY_FRAME, Kind.END])
        self.assertShows(entries)

    def test_how_far_it_has_come(self) -> None:
        self.write(0, 999)()
        self.session.steps = [*[lambda: None] * 20, self.end]
        reached = [each for each in self.session.followed() if each.kind is Kind.REACHED]
        self.assertIn(len(reached), (3, 4))
        size = self.session.path.stat().st_size
        self.assertLessEqual(int.from_bytes(reached[-1].data[:8], "big"), size)
        self.assertLessEqual(int.from_bytes(reached[-1].data[8:], "big"), size)

    def test_chunks_that_are_written_in_pieces(self) -> None:
        data = self.chunk(0, 999)
        pieces = [data[at : at + 5000] for at in range(0, len(data), 5000)]
        self.session.steps = [lambda piece=piece: self.session.write(piece) for piece in pieces]  # type: ignore[misc]
        self.session.steps.append(self.end)
        self.assertShows(self.session.followed())

    def test_a_chunk_that_was_taken_back(self) -> None:
        self.write(0, 5)()
        mark, size = self.session.writer.mark(), self.session.writer.size
        self.session.steps = [lambda: self.session.write(self.chunk(5, 999)[:60])]

        def stop() -> None:
            os.ftruncate(self.session.file.fileno(), size)
            self.session.file.seek(size)
            self.session.writer.go_back(mark)
            self.session.write(self.session.writer.end(STOPPED, 1))

        self.session.steps.append(stop)
        end = self.session.followed()[-1]
        self.assertEqual(json.loads(end.data), {"reason": STOPPED})

    def test_a_proxy_that_was_killed(self) -> None:
        self.write(0, 999)()
        self.session.steps = [lambda: None, self.session.file.close, lambda: None]
        entries = self.session.followed()
        self.assertEqual(json.loads(entries[-1].data), {"trouble": "it was cut off"})
        self.assertShows(entries)

    def test_a_server_that_sends_nonsense(self) -> None:
        self.write(0, 5)()
        self.events[5:] = [self.events[5]._replace(data=b"\xaa" * 90000)]
        self.session.steps = [self.write(5, 6)]
        end = self.session.followed()[-1]
        self.assertEqual(end.kind, Kind.END)
        self.assertIn("cannot be decoded", json.loads(end.data)["trouble"])
