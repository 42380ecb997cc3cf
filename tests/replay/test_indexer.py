"""Copies are made one after the other, those that are asked for first."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

from twisted.internet.defer import CancelledError
from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.replay import CannotMake, Indexer
from vncproxy.replay.indexer import Stopped


class Process:
    """A process as the reactor starts it; the test says what it writes, and how it ends."""

    pid = 1

    def __init__(self, protocol: Any, command: list[str]) -> None:
        self.protocol = protocol
        self.recording = Path(command[-1])
        self.command = command
        self.signals: list[str] = []
        protocol.makeConnection(self)

    def signalProcess(self, signal: str) -> None:
        self.signals.append(signal)

    def end(self, status: int = 0, signal: int | None = None) -> None:
        why = ProcessTerminated(status, signal) if status or signal else ProcessDone(0)
        self.protocol.processEnded(Failure(why))


class Reactor:
    def __init__(self) -> None:
        self.processes: list[Process] = []
        self.error: OSError | None = None

    def spawnProcess(self, protocol: Any, executable: str, args: list[str], env: Any) -> None:
        if self.error is not None:
            raise self.error
        assert executable == sys.executable
        self.processes.append(Process(protocol, args))

    @property
    def recordings(self) -> list[str]:
        return [process.recording.name for process in self.processes]


A, B, C = (Path(f"/nowhere/{name}.vncr") for name in "abc")


class IndexerTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.reactor = Reactor()
        processes: Any = self.reactor
        self.indexer = Indexer(processes, Path("/nowhere/turn"))

    def test_one_process_at_a_time(self) -> None:
        for path in (A, B, A, B):
            self.indexer.add(path)
        self.assertEqual(self.reactor.recordings, ["a.vncr"])
        self.reactor.processes[0].end()
        self.assertEqual(self.reactor.recordings, ["a.vncr", "b.vncr"])
        self.reactor.processes[1].end()
        self.assertEqual(len(self.reactor.processes), 2)

    def test_the_command(self) -> None:
        self.indexer.add(A)
        options = self.reactor.processes[0].command[1:]
        self.assertEqual(
            options, ["-P", "-m", "vncproxy.replay", "--parent", "--turn", "/nowhere/turn", str(A)]
        )

    def test_what_is_asked_for_comes_first(self) -> None:
        for path in (A, B):
            self.indexer.add(path)
        asked, again = self.indexer.make(C), self.indexer.make(B)
        for _ in range(3):
            self.reactor.processes[-1].end()
        self.assertEqual(self.reactor.recordings, ["a.vncr", "c.vncr", "b.vncr"])
        self.assertIsNone(self.successResultOf(asked))
        self.assertIsNone(self.successResultOf(again))
        self.assertIsNone(self.indexer.progress(B))

    def test_all_that_ask_for_one_get_it(self) -> None:
        self.indexer.add(A)
        asked = [self.indexer.make(A) for _ in range(2)]
        self.reactor.processes[0].end()
        for each in asked:
            self.assertIsNone(self.successResultOf(each))
        self.assertEqual(self.reactor.recordings, ["a.vncr"])

    def test_progress(self) -> None:
        self.assertIsNone(self.indexer.progress(A))
        self.indexer.add(A)
        self.indexer.add(B)
        process = self.reactor.processes[0].protocol
        process.outReceived(b'{"progress": 0.2}\n{"progress": 0.4}\n{"pro')
        self.assertEqual((self.indexer.progress(A), self.indexer.progress(B)), (0.4, 0.0))
        process.outReceived(b'gress": 0.5}\n')
        self.assertEqual(self.indexer.progress(A), 0.5)

    def test_why_there_is_none(self) -> None:
        asked, other = self.indexer.make(A), self.indexer.make(B)
        self.reactor.processes[0].protocol.outReceived(b'{"why": "it is sealed"}\n')
        self.reactor.processes[0].end(1)
        self.assertEqual(str(self.failureResultOf(asked, CannotMake).value), "it is sealed")
        self.reactor.processes[1].protocol.errReceived(b"Traceback\nKilled\n")
        self.reactor.processes[1].end(9)
        self.assertIn("with status 9", str(self.failureResultOf(other, CannotMake).value))

    def test_a_process_that_was_killed(self) -> None:
        asked = self.indexer.make(A)
        self.reactor.processes[0].end(signal=9)
        self.assertIn("ended by signal 9", str(self.failureResultOf(asked, CannotMake).value))

    def test_a_process_that_cannot_be_started(self) -> None:
        self.reactor.error = OSError(11, "Resource temporarily unavailable")
        asked = self.indexer.make(A)
        self.assertIn("unavailable", str(self.failureResultOf(asked, CannotMake).value))
        self.reactor.error = None
        self.indexer.add(A)
        self.assertEqual(self.reactor.recordings, ["a.vncr"])

    def test_a_request_that_is_cancelled(self) -> None:
        asked, other = self.indexer.make(A), self.indexer.make(A)
        asked.cancel()
        self.failureResultOf(asked, CancelledError)
        self.reactor.processes[0].end()
        self.assertIsNone(self.successResultOf(other))

    def test_the_end_of_the_proxy(self) -> None:
        asked, waiting = self.indexer.make(A), self.indexer.make(B)
        self.indexer.add(C)
        self.indexer.stop()
        self.failureResultOf(waiting, Stopped)
        self.assertEqual(self.reactor.processes[0].signals, ["KILL"])
        self.reactor.processes[0].end(9)
        self.failureResultOf(asked, Stopped)
        self.failureResultOf(self.indexer.make(A), Stopped)
        self.indexer.add(A)
        self.assertEqual(len(self.reactor.processes), 1)

    def test_what_another_worker_has_made(self) -> None:
        folder = Path(self.mktemp())
        folder.mkdir()
        made = folder / "made.vncr"
        made.with_suffix(".vncrx").touch()
        self.indexer.add(made)
        self.indexer.add(A)
        self.assertEqual(self.reactor.recordings, ["a.vncr"])
        self.assertIsNone(self.indexer.progress(made))
