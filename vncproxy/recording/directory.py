"""Recordings as files in a directory, written in a thread of their own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from ..blocking import DaemonPool, DaemonThread
from .events import Event
from .sealing import Seal, new_seal
from .writing import About, RecordingWriter

SUFFIX: Final = ".vncr"


@dataclass(frozen=True, slots=True)
class Written:
    """A file whose end was written.

    Attributes:
        path: within the directory.
        hash: of its contents, in hexadecimal digits, as its last chunk has it.
    """

    path: str
    size: int
    hash: str


class RecordingDirectory:
    """Writes recordings into a directory: one file for each, in a folder for each day (UTC).

    One thread writes all of them in the order in which they come, so that a slow disk does not
    stop sessions.

    Args:
        path: of the directory, which must exist.
        recipients: public keys of age; recordings are sealed for them.
        reactor: takes results back into its thread.
    """

    def __init__(self, path: Path, recipients: Sequence[str], reactor: Any) -> None:
        self.path = path
        self._recipients = tuple(recipients)
        self._reactor = reactor
        self._pool = DaemonPool(0, 1, "recordings")
        self._pool.start()

    def begin(self, about: About) -> DirectoryReel:
        """Begin a file; a failure shows when something is written to it."""
        return DirectoryReel(self._call, lambda: self._create(about))

    def stop(self) -> None:
        """End the thread once all is written; a disk that hangs is left behind."""
        DaemonThread(target=self._pool.stop).start()

    def _create(self, about: About) -> _File:
        seal: Seal | None = None
        if self._recipients:
            seal, key = new_seal(self._recipients)
            about = replace(about, sealed_key=key)
        began = datetime.fromtimestamp(about.started_at, UTC)
        name = f"{began:%Y-%m-%d}/{began:%H%M%S}-{about.session}{SUFFIX}"
        return _File(self.path, name, RecordingWriter(about, seal))

    def _call(self, function: Callable[[], Any]) -> Deferred[Any]:
        done: Deferred[Any] = Deferred()
        self._pool.callInThreadWithCallback(
            lambda succeeded, result: self._reactor.callFromThread(_fire, done, result), function
        )
        return done


class DirectoryReel:
    """One file; as `vncproxy.recording.tape.Reel`.

    Attributes:
        written: what was written, once its end was; None before, and where that failed.
    """

    def __init__(
        self, call: Callable[[Callable[[], Any]], Deferred[Any]], create: Callable[[], _File]
    ) -> None:
        self.written: Written | None = None
        self._call = call
        self._create = create
        self._file: _File | None = None

    def write(self, events: list[Event]) -> Awaitable[None]:
        """Write events."""
        return self._call(lambda: self._in_thread().write_events(events))

    async def end(self, reason: str, moment: int) -> None:
        """Write the end, and close the file."""
        self.written = await self._call(lambda: self._in_thread().end(reason, moment))

    def _in_thread(self) -> _File:
        if self._file is None:
            self._file = self._create()
        return self._file


class _File:
    """A file that is being written; all of it happens in the thread."""

    def __init__(self, folder: Path, name: str, writer: RecordingWriter) -> None:
        path = folder / name
        path.parent.mkdir(mode=0o750, exist_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        self._name = name
        self._writer = writer
        self._write(writer.begin())

    def write_events(self, events: Sequence[Event]) -> None:
        self._write(self._writer.events(events))

    def end(self, reason: str, moment: int) -> Written:
        try:
            self._write(self._writer.end(reason, moment))
            os.fsync(self._file.fileno())
        finally:
            self._file.close()
        return Written(self._name, self._writer.size, self._writer.hash)

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def _fire(done: Deferred[Any], result: Any) -> None:
    if isinstance(result, Failure):
        done.errback(result)
    else:
        done.callback(result)
