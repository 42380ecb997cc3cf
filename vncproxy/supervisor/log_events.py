"""Log events on their way from a worker to the supervisor, which writes the only log.

Each event is one line of JSON. Where the supervisor does not read fast enough, as when its disk
hangs, events wait in the worker's memory; beyond `MOST_WAITING` they are lost, and counted.
"""

from __future__ import annotations

import os
import traceback
from collections import deque
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    eventAsJSON,
    eventFromJSON,
    formatEvent,
    globalLogPublisher,
)
from zope.interface import implementer

MOST_WAITING = 10_000
RETRY = 0.05
"""Seconds between two attempts to write to a full pipe."""

_KEPT_OF_LEGACY = ("log_time", "log_level", "log_namespace", "log_system")


@implementer(ILogObserver)
class EventPipe:
    """The log observer of a worker.

    Args:
        descriptor: the pipe to the supervisor; it is not waited for.
        call_later: returns at once; the call may come from any thread.
    """

    def __init__(self, descriptor: int, clock: IReactorTime) -> None:
        os.set_blocking(descriptor, False)
        self._descriptor = descriptor
        self._clock = clock
        self._lines: deque[bytes] = deque()
        self._rest = b""
        self._lost = 0
        self._is_waiting = False

    def __call__(self, event: LogEvent) -> None:
        """Write an event, now or when there is room; never fails."""
        if len(self._lines) >= MOST_WAITING:
            self._lost += 1
            return
        self._lines.append(_encoded(event))
        if not self._is_waiting:
            self.write()

    def write(self) -> None:
        """Write what there is room for."""
        try:
            while self._rest or self._lines:
                self._rest = self._rest or self._lines.popleft()
                self._rest = self._rest[os.write(self._descriptor, self._rest) :]
        except BlockingIOError:
            self._wait()
        except OSError:  # the supervisor has gone
            self._rest = b""
            self._lines.clear()
        else:
            self._is_waiting = False
            self._report_lost()

    def flush(self) -> None:
        """Write all that waits, also when that takes a moment: the process ends."""
        os.set_blocking(self._descriptor, True)
        self.write()

    def _wait(self) -> None:
        self._is_waiting = True
        self._clock.callLater(RETRY, self.write)

    def _report_lost(self) -> None:
        if self._lost:
            lost, self._lost = self._lost, 0
            Logger(observer=self).error("{lost} lines of this log are lost", lost=lost)


def _encoded(event: LogEvent) -> bytes:
    """Return an event as one line; one that JSON cannot hold, as its text."""
    try:
        event = _as_text(event) if "log_legacy" in event else _with_trace(event)
        return eventAsJSON(event).encode() + b"\n"
    except Exception:  # noqa: BLE001 a log must not fail
        text = f"{formatEvent(event)}\n{traceback.format_exc()}"
        plain = {"log_level": LogLevel.error, "log_format": "{text}", "text": text}
        return eventAsJSON(plain).encode() + b"\n"


def _with_trace(event: LogEvent) -> LogEvent:
    """Return an event with the traceback of its failure as text."""
    failure = event.get("log_failure")
    if failure is None:
        return event
    kept = {name: value for name, value in event.items() if name != "log_failure"}
    format_text = f"{event.get('log_format') or ''}\n{{traceback}}"
    return {**kept, "log_format": format_text, "traceback": failure.getTraceback()}


def _as_text(event: LogEvent) -> LogEvent:
    """Return an event of Twisted's old log as one of the new, without its objects."""
    kept = {name: event[name] for name in _KEPT_OF_LEGACY if name in event}
    failure = event.get("log_failure")
    text = failure.getTraceback() if failure is not None else formatEvent(event)
    return {**kept, "log_format": "{text}", "text": text}


def publish(
    line: bytes, name: str, publisher: Callable[[LogEvent], Any] = globalLogPublisher
) -> None:
    """Write an event of a worker to the log of this process.

    Args:
        line: as `EventPipe` wrote it.
        name: of the worker; it stands in the line before the place in the program.
    """
    try:
        event = eventFromJSON(line.decode())
    except (ValueError, KeyError):
        event = {"log_format": "{text}", "text": line.decode(errors="replace")}
    level = event.setdefault("log_level", LogLevel.info)
    namespace = event.setdefault("log_namespace", "vncproxy")
    place = event.get("log_system") or f"{namespace}#{level.name}"
    event["log_system"] = f"{name}, {place}"
    event["worker"] = name
    publisher(event)
