"""Makes playable copies in the background: processes of their own, one at a time."""

from __future__ import annotations

import json
import os
import sys
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.error import ProcessDone
from twisted.internet.interfaces import IReactorProcess
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from .contents import CannotMake, copy_of

MODULE: Final = "vncproxy.replay"

MOST_OUTPUT: Final = 4096
"""Bytes of a line of a process, at most."""


class Stopped(CannotMake):
    """The proxy stops; the next start makes what is missing."""


def make_command(recording: Path, turn: Path | None = None) -> list[str]:
    """Return the command line that makes the playable copy of a recording."""
    command = [sys.executable, "-P", "-m", MODULE, "--parent"]
    return [*command, *(["--turn", str(turn)] if turn else []), str(recording)]


def follow_command(recording: Path) -> list[str]:
    """Return the command line that writes the entries of a recording as they come.

    The process ends with the recording, when its standard input is closed, or when what it writes
    is not read any more.
    """
    return [sys.executable, "-P", "-m", MODULE, "--parent", "--follow", str(recording)]


@dataclass(eq=False)
class _Job:
    """A copy to be made.

    Attributes:
        waiting: those that ask for it; none where it is made unasked.
        progress: from 0 to 1.
    """

    recording: Path
    waiting: list[Deferred[None]] = field(default_factory=list)
    progress: float = 0.0


class Indexer:
    """Makes playable copies of recordings, one after the other.

    What is asked for comes before what is made unasked.

    Args:
        reactor: runs the processes.
        turn: a file that workers of the same proxy share, so that one process works at a time.
    """

    log = Logger()

    def __init__(self, reactor: IReactorProcess, turn: Path | None = None) -> None:
        self._reactor = reactor
        self._turn = turn
        self._jobs: dict[Path, _Job] = {}
        self._asked: deque[_Job] = deque()
        self._unasked: deque[_Job] = deque()
        self._running: _Process | None = None
        self._is_stopped = False

    def add(self, recording: Path) -> None:
        """Make a copy when there is time for it; why it cannot be made is logged."""
        if recording not in self._jobs and not self._is_stopped:
            job = self._jobs[recording] = _Job(recording)
            self._unasked.append(job)
            self._begin_next()

    def make(self, recording: Path) -> Deferred[None]:
        """Make a copy as soon as the present one is made; it is beside the recording then.

        Returns:
            Fires when it is there, and fails with `CannotMake`. May be cancelled; the copy is made
            nevertheless.
        """
        done: Deferred[None] = Deferred()
        if self._is_stopped:
            done.errback(Stopped("the proxy stops"))
            return done
        job = self._jobs.setdefault(recording, _Job(recording))
        is_first = not job.waiting
        job.waiting.append(done)
        if is_first and (self._running is None or self._running.job is not job):
            self._asked.append(job)
            self._begin_next()
        return done

    def progress(self, recording: Path) -> float | None:
        """Return how much of a copy is made, from 0 to 1; None where none is to be made."""
        job = self._jobs.get(recording)
        return None if job is None else job.progress

    def stop(self) -> None:
        """End the process, and make no more."""
        self._is_stopped = True
        running, jobs = self._running, list(self._jobs.values())
        self._asked.clear()
        self._unasked.clear()
        for job in jobs:
            if running is None or running.job is not job:
                self._finish(job, Stopped("the proxy stops"))
        if running is not None:
            running.kill()

    def _begin_next(self) -> None:
        if self._running is not None or (job := self._next()) is None:
            return
        self._running = _Process(job, self._ended)
        command = make_command(job.recording, self._turn)
        try:
            self._reactor.spawnProcess(self._running, sys.executable, command, _environment())
        except OSError as e:
            self._ended(job, f"no process can be started: {e.strerror}", "")

    def _next(self) -> _Job | None:
        """Return what is made next; another worker may have made what was not asked for."""
        if self._asked:
            return self._asked.popleft()
        while self._unasked:
            job = self._unasked.popleft()
            if not job.waiting and self._jobs.get(job.recording) is job:
                if not copy_of(job.recording).exists():
                    return job
                self._finish(job, None)
        return None

    def _ended(self, job: _Job, why: str | None, errors: str) -> None:
        self._running = None
        if errors:
            self.log.warn("copying {file}: {errors}", file=job.recording.name, errors=errors)
        if self._is_stopped and why is not None:
            self._finish(job, Stopped("the proxy stops"))
            return
        if why is not None:
            self.log.warn("no playable copy of {file}: {why}", file=job.recording.name, why=why)
        self._finish(job, None if why is None else CannotMake(why))
        self._begin_next()

    def _finish(self, job: _Job, error: CannotMake | None) -> None:
        del self._jobs[job.recording]
        for each in job.waiting:
            if error is None:
                each.callback(None)
            else:
                each.errback(error)


class _Process(ProcessProtocol):
    """The process that makes a copy; it ends once its standard input is closed."""

    def __init__(self, job: _Job, on_end: Callable[[_Job, str | None, str], object]) -> None:
        self.job = job
        self._on_end = on_end
        self._line = b""
        self._errors = b""
        self._why = ""

    def outReceived(self, data: bytes) -> None:
        """Read lines of progress."""
        *lines, self._line = (self._line + data).split(b"\n")
        self._line = self._line[:MOST_OUTPUT]
        for line in lines:
            with suppress(ValueError):
                members = json.loads(line)
                self.job.progress = members.get("progress", self.job.progress)
                self._why = members.get("why", self._why)

    def errReceived(self, data: bytes) -> None:
        """Keep the end of what it says of an error of its own."""
        self._errors = (self._errors + data)[-MOST_OUTPUT:]

    def processEnded(self, reason: Failure) -> None:
        """Pass on how it ended."""
        errors = self._errors.decode(errors="replace").strip()
        if reason.check(ProcessDone):
            self._on_end(self.job, None, errors)
        else:
            self._on_end(self.job, self._why or _ending(reason.value), errors)

    def kill(self) -> None:
        """End the process at once."""
        transport: Any = self.transport
        if transport is not None:
            transport.signalProcess("KILL")


def _ending(error: Any) -> str:
    """Return how a process ended that did not say why."""
    if getattr(error, "signal", None) is None:
        return f"the process that makes it ended with status {getattr(error, 'exitCode', None)}"
    return f"the process that makes it was ended by signal {error.signal}, perhaps for its memory"


def _environment() -> Mapping[str, str]:
    """Return the variables for a process, which needs no secrets of the proxy's."""
    kept = (
        "PATH",
        "PYTHONPATH",
        "LANG",
        "LC_ALL",
        "TMPDIR",
        "VIRTUAL_ENV",
        "COVERAGE_PROCESS_START",
    )
    return {name: os.environ[name] for name in kept if name in os.environ}
