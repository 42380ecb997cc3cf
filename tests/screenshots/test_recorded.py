"""A process is asked for the screens of recordings, and does not harm where it fails."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone, ProcessExitedAlready
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.screenshots.recorded import (
    LONGEST_HEAD,
    MOST_WAITING,
    TIME_LIMIT,
    UNUSED,
    RecordedScreen,
    RecordedScreens,
)

FILE = Path("/recordings/a.vncr")
HEAD = {"exact": True, "width": 2, "height": 1}
ANSWER = json.dumps(HEAD).encode() + b"\nabcdef"


class ProcessDouble:
    """A process as its protocol sees it."""

    def __init__(self, protocol: Any, command: list[str], environment: dict[str, str]) -> None:
        self.protocol, self.command, self.environment = protocol, command, environment
        self.asked: list[Any] = []
        self.killed = self.is_gone = False
        protocol.transport = self

    def write(self, data: bytes) -> None:
        self.asked.append(json.loads(data))

    def signalProcess(self, name: str) -> None:
        if self.is_gone:
            raise ProcessExitedAlready
        self.killed = True

    def end(self) -> None:
        self.is_gone = True
        self.protocol.processEnded(Failure(ProcessDone(0)))


class RecordedScreensTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.spawnProcess = self.spawn  # type: ignore[attr-defined]
        self.processes: list[ProcessDouble] = []
        self.screens = RecordedScreens(self.clock)
        self.asked: list[Deferred[RecordedScreen | None]] = []

    def tearDown(self) -> None:
        while any(not each.called for each in self.asked):
            self.clock.advance(TIME_LIMIT)

    def spawn(self, protocol: Any, _: str, command: list[str], environment: Any) -> None:
        self.processes.append(ProcessDouble(protocol, command, environment))

    def show(self) -> Deferred[RecordedScreen | None]:
        self.asked.append(Deferred.fromCoroutine(self.screens.show(FILE, cursor=True)))
        return self.asked[-1]

    def test_one_process_answers_in_pieces(self) -> None:
        for _ in range(2):
            asked = self.show()
            [process] = self.processes
            for at in range(len(ANSWER)):
                process.protocol.outReceived(ANSWER[at : at + 1])
            found = self.successResultOf(asked)
            assert found is not None
            self.assertEqual(found.picture.pixels.tobytes(), b"abcdef")
            self.assertEqual((found.picture.width, found.is_exact), (2, True))
        self.assertEqual(self.processes[0].asked, [{"file": str(FILE), "cursor": True}] * 2)
        self.assertIn("vncproxy.recording.showing", self.processes[0].command)

    def test_no_screen(self) -> None:
        asked = self.show()
        self.processes[0].protocol.outReceived(b'{"why": "it has ended"}\n')
        self.assertIsNone(self.successResultOf(asked))

    def test_one_that_does_not_answer_is_killed_and_another_one_started(self) -> None:
        first, second = self.show(), self.show()
        self.clock.advance(TIME_LIMIT)
        self.assertIsNone(self.successResultOf(first))
        self.assertTrue(self.processes[0].killed)
        self.processes[0].protocol.outReceived(ANSWER)  # too late
        self.processes[0].end()
        self.assertNoResult(second)
        self.processes[1].protocol.outReceived(ANSWER)
        self.assertIsNotNone(self.successResultOf(second))

    def test_one_that_ends(self) -> None:
        asked = self.show()
        self.processes[0].end()
        self.assertIsNone(self.successResultOf(asked))
        self.show()
        self.assertEqual(len(self.processes), 2)

    def test_one_that_talks_nonsense(self) -> None:
        for nonsense in (b"x" * (LONGEST_HEAD + 1), b"no JSON\n", b"[1]\n", b'{"width": "a"}\n'):
            asked = self.show()
            process = self.processes[-1]
            process.protocol.outReceived(nonsense)
            self.assertTrue(process.killed, nonsense)
            process.end()
            self.assertIsNone(self.successResultOf(asked))

    def test_it_ends_when_it_is_not_used(self) -> None:
        self.show()
        self.processes[0].protocol.outReceived(ANSWER)
        self.clock.advance(UNUSED / 2)
        self.show()
        self.processes[0].protocol.outReceived(ANSWER)
        self.clock.advance(UNUSED - 1)
        self.assertFalse(self.processes[0].killed)
        self.clock.advance(1)
        self.assertTrue(self.processes[0].killed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_few_wait(self) -> None:
        for _ in range(1 + MOST_WAITING):
            self.assertNoResult(self.show())
        self.assertIsNone(self.successResultOf(self.show()))
