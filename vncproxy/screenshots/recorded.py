"""Screens of sessions that are being recorded, by a process that reads their recordings."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from twisted.internet.defer import Deferred, DeferredLock, TimeoutError  # noqa: A004
from twisted.internet.error import ProcessExitedAlready
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.protocol import ProcessProtocol
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..screen import Picture
from .seen import LARGEST_AREA

MODULE: Final = "vncproxy.recording.showing"

TIME_LIMIT: Final = 6.0
"""Seconds for an answer, the start of the process included."""

UNUSED: Final = 60.0
"""Seconds after which the process ends that was not asked."""

MOST_WAITING: Final = 2
"""Questions that wait; more of them get no screen."""

LONGEST_HEAD: Final = 4096
"""Bytes of an answer before its pixels."""

_ENVIRONMENT: Final = (
    *("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV"),
    "COVERAGE_PROCESS_START",
)
"""Variables for the process, which needs no secrets of the proxy's."""


class RecordedScreen(NamedTuple):
    """The screen of a session as its viewer has it.

    Attributes:
        is_exact: whether that is each pixel of the console.
    """

    picture: Picture
    is_exact: bool


class RecordedScreens:
    """Asks a process, which is started for the first question and ends when it is not used.

    Args:
        reactor: runs the process.
    """

    log = Logger()

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self._turn = DeferredLock()
        self._process: _Process | None = None
        self._ending: IDelayedCall | None = None

    async def show(self, path: Path, *, cursor: bool) -> RecordedScreen | None:
        """Return the screen of a session that is being recorded; None where it is not known.

        Args:
            path: of its recording.
            cursor: whether the cursor is painted where its viewer has it.
        """
        if len(self._turn.waiting) >= MOST_WAITING:
            return None
        await self._turn.acquire()
        try:
            told, pixels = await self._ask(path, cursor)
        finally:
            self._turn.release()
        if "why" in told:
            self.log.info("no picture by {path}: {why}", path=path.name, why=told["why"])
            return None
        picture = Picture(0, 0, LARGEST_AREA)
        picture.pixels = np.frombuffer(pixels, np.uint8).reshape(told["height"], told["width"], 3)
        return RecordedScreen(picture, told["exact"])

    async def _ask(self, path: Path, cursor: bool) -> tuple[dict[str, Any], bytes]:
        if self._ending is not None and self._ending.active():
            self._ending.cancel()
        process = self._process = self._process or self._start()
        try:
            asked = process.ask({"file": str(path), "cursor": cursor})
            return await asked.addTimeout(TIME_LIMIT, self._reactor)
        except (TimeoutError, OSError) as e:
            process.kill()
            return {"why": f"the process that reads it does not answer: {e}"}, b""
        finally:
            self._ending = self._reactor.callLater(UNUSED, self._end)

    def _start(self) -> _Process:
        process = _Process(self._ended)
        command = [sys.executable, "-P", "-m", MODULE]
        environment = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
        self._reactor.spawnProcess(process, sys.executable, command, environment)
        return process

    def _end(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _ended(self, process: _Process) -> None:
        if self._process is process:
            self._process = None


class _Process(ProcessProtocol):
    """The process; one question is asked at a time."""

    transport: Any

    def __init__(self, on_end: Any) -> None:
        self._on_end = on_end
        self._answer: Deferred[tuple[dict[str, Any], bytes]] | None = None
        self._head: dict[str, Any] | None = None
        self._parts: list[bytes] = []
        self._missing = 0

    def ask(self, question: dict[str, object]) -> Deferred[tuple[dict[str, Any], bytes]]:
        """Return the answer; fails with ``OSError`` where the process ends."""
        self._answer, self._head, self._parts = Deferred(), None, []
        self.transport.write(json.dumps(question).encode() + b"\n")
        return self._answer

    def outReceived(self, data: bytes) -> None:
        """Collect an answer."""
        self._parts.append(data)
        if self._head is None:
            self._read_head()
        else:
            self._missing -= len(data)
        if self._head is not None and self._missing <= 0:
            self._fire((self._head, b"".join(self._parts)))

    def errReceived(self, data: bytes) -> None:
        """Drop it: a file that is damaged could fill the log."""

    def processEnded(self, reason: Failure) -> None:
        """Fail what waits."""
        self._on_end(self)
        self._fire(Failure(OSError(reason.getErrorMessage())))

    def kill(self) -> None:
        """End the process; the next question starts another one."""
        self._on_end(self)
        try:
            self.transport.signalProcess("KILL")
        except ProcessExitedAlready:
            return

    def _read_head(self) -> None:
        line, end, rest = b"".join(self._parts).partition(b"\n")
        if not end:
            if len(line) > LONGEST_HEAD:
                self.kill()
            return
        try:
            head = json.loads(line)
            size = int(head.get("width", 0)) * int(head.get("height", 0)) * 3
        except (ValueError, AttributeError, TypeError):
            self.kill()
            return
        self._head, self._parts, self._missing = head, [rest], size - len(rest)

    def _fire(self, result: Any) -> None:
        answer, self._answer = self._answer, None
        if answer is not None and not answer.called:
            answer.callback(result)
