"""A directory of recordings whose disk writes when a test lets it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from twisted.python.failure import Failure

from vncproxy.recording.allowance import Allowance
from vncproxy.recording.batch import Batch
from vncproxy.recording.directory import RecordingDirectory
from vncproxy.recording.events import Event


def batch_of(*events: Event) -> Batch:
    """Return events that are to be written together."""
    batch = Batch(bytearray())
    for event in events:
        batch.add(*event)
    return batch


class Pool:
    """A thread pool whose functions wait until a test runs them, in the test's thread."""

    def __init__(self, *_: object) -> None:
        self.waiting: list[tuple[Callable[[bool, Any], object], Callable[[], Any]]] = []

    def start(self) -> None:
        pass

    def stop(self) -> None:
        pass

    def callInThreadWithCallback(
        self, done: Callable[[bool, Any], object], function: Callable[[], Any]
    ) -> None:
        self.waiting.append((done, function))

    def run(self) -> None:
        """Run the oldest function."""
        done, function = self.waiting.pop(0)
        try:
            result = function()
        except Exception:  # noqa: BLE001
            done(False, Failure())
        else:
            done(True, result)


class _Here:
    """Calls at once what is to be called in the reactor's thread."""

    def callFromThread(self, function: Callable[..., Any], *args: Any) -> None:
        function(*args)


class PacedDirectory(RecordingDirectory):
    """A directory that writes when `write` is called.

    Attributes:
        writing: functions that wait for the thread that writes.
        closing: those that wait for the thread of ended files.
    """

    def __init__(self, path: Path, *recipients: str) -> None:
        super().__init__(path, recipients, _Here())
        self._pool.stop()
        self._closing_pool.stop()
        self.writing, self.closing = Pool(), Pool()
        self._pool, self._closing_pool = self.writing, self.closing  # type: ignore[assignment]

    def allow(self, allowance: Allowance) -> None:
        """Bound what it may hold."""
        self._allowance = allowance

    def write(self) -> None:
        """Let all be written that waits."""
        while self.writing.waiting or self.closing.waiting:
            (self.writing if self.writing.waiting else self.closing).run()
