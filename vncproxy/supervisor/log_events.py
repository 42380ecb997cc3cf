"""Log events on their way from a worker to the supervisor, which writes the only log.

Each event is one line of JSON: its text, and those of its fields that are plain. Several events are
written at once, since each write wakes the supervisor; an error is written immediately.
Where the supervisor does not read fast enough, as when its disk hangs, events wait in the worker's
memory; beyond `MOST_WAITING` they are lost, and counted.
"""

from __future__ import annotations

import json
import os
import threading
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import (
    ILogObserver,
    InvalidLogLevelError,
    LogEvent,
    Logger,
    LogLevel,
    formatEvent,
    globalLogPublisher,
)
from zope.interface import implementer

MOST_WAITING = 10_000
PERIOD = 0.02
"""Seconds that an event waits for others to be written with."""

RETRY = 0.05
"""Seconds between two attempts to write to a full pipe."""

_PLAIN = (str, int, float, bool, type(None))
_KEPT = ("log_time", "log_namespace", "log_system", "log_format")


@implementer(ILogObserver)
class EventPipe:
    """The log observer of a worker; to be made in the reactor's thread.

    Args:
        descriptor: the pipe to the supervisor; it is not waited for.
    """

    def __init__(self, descriptor: int, clock: IReactorTime) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._clock = clock
        self._thread = threading.get_ident()
        self._writing = threading.Lock()
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._lost = 0
        self._is_waiting = False

    def __call__(self, event: LogEvent) -> None:
        """Write an event within a moment; never fails."""
        if len(self._lines) >= MOST_WAITING:
            self._lost += 1
            return
        self._lines.append(encode(event))
        elsewhere = threading.get_ident() != self._thread  # where the timer must not be touched
        if elsewhere or _level(event) >= LogLevel.error:
            self._write()
        if not elsewhere and not self._is_waiting:
            self._wait(PERIOD)

    def flush(self) -> None:
        """Write all that waits, also when that takes a moment: the process ends."""
        os.set_blocking(self._descriptor, True)
        self._write()

    def _write(self) -> None:
        """Write what there is room for."""
        with self._writing:
            try:
                while self._rest or self._lines:
                    self._rest = self._rest or b"".join(_taken(self._lines))
                    self._rest = self._rest[os.write(self._descriptor, self._rest) :]
            except BlockingIOError:
                return
            except OSError:  # the supervisor has gone
                self._rest = b""
                self._lines.clear()

    def _wait(self, seconds: float) -> None:
        self._is_waiting = True
        self._clock.callLater(seconds, self._write_waiting)

    def _write_waiting(self) -> None:
        self._is_waiting = False
        self._write()
        if self._rest:
            self._wait(RETRY)
        elif self._lost:
            lost, self._lost = self._lost, 0
            Logger(observer=self).error("{lost} lines of this log are lost", lost=lost)


def _taken(lines: deque[bytes]) -> list[bytes]:
    """Take all lines, also while other threads add some."""
    return [lines.popleft() for _ in range(len(lines))]


def _level(event: LogEvent) -> Any:
    return event.get("log_level") or (LogLevel.critical if event.get("isError") else LogLevel.info)


def encode(event: LogEvent) -> bytes:
    """Return an event as one line."""
    kept: dict[str, Any] = {"log_format": ""}
    kept |= {name: event[name] for name in _KEPT if name in event}
    fields = {name: value for name, value in event.items() if not name.startswith("log_")}
    plain = {name: value for name, value in fields.items() if isinstance(value, _PLAIN)}
    if len(plain) < len(fields) or "log_failure" in event or "{log_" in str(kept["log_format"]):
        kept |= _text(event)
    return json.dumps({**plain, **kept, "log_level": _level(event).name}).encode() + b"\n"


def _text(event: LogEvent) -> dict[str, str]:
    """Return an event as text, with the traceback of its failure."""
    failure = event.get("log_failure")
    if failure is None:
        return {"log_format": "{log_text}", "log_text": formatEvent(event)}
    text = formatEvent(event) if "log_legacy" not in event else str(event.get("why") or "")
    trace = failure.getTraceback()
    return {"log_format": "{log_text}\n{traceback}", "log_text": text, "traceback": trace}


def publish(
    line: bytes, name: str, publisher: Callable[[LogEvent], Any] = globalLogPublisher
) -> None:
    """Write an event of a worker to the log of this process.

    Args:
        line: as `encode` made it.
        name: of the worker; it stands in the line before the place in the program.
    """
    try:
        event = json.loads(line)
        event["log_level"] = LogLevel.levelWithName(event["log_level"])
    except (ValueError, KeyError, TypeError, InvalidLogLevelError):
        text = line.decode(errors="replace")
        event = {"log_level": LogLevel.error, "log_format": "{log_text}", "log_text": text}
    namespace = event.setdefault("log_namespace", "vncproxy")
    place = event.get("log_system") or f"{namespace}#{event['log_level'].name}"
    event["log_system"] = f"{name}, {place}"
    event["worker"] = name
    publisher(event)
