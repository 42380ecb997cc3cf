"""Recordings as files in a directory, written in threads of their own."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure
from twisted.python.threadpool import ThreadPool

from ..blocking import DaemonPool, DaemonThread
from .allowance import UNBOUNDED, Allowance
from .batch import Batch
from .being_written import mark_as_written
from .chunks import Body
from .sealing import Seal, new_seal
from .tape import Room
from .writing import STOPPED, About, RecordingWriter

T = TypeVar("T")

SUFFIX: Final = ".vncr"


@dataclass(frozen=True, slots=True)
class Written:
    """A file whose end was written.

    Attributes:
        path: within the directory.
        hash: of its contents, in hexadecimal digits, as its last chunk has it.
        trouble: why it does not have all that was to be written; empty where it has.
    """

    path: str
    size: int
    hash: str
    trouble: str = ""


class RecordingDirectory:
    """Writes recordings into a directory: one file for each, in a folder for each day (UTC).

    One thread writes all of them in the order in which they come, so that no session waits for
    a slow disk. Another one waits until ended files are on the disk.

    Args:
        path: of the directory, which must exist.
        recipients: public keys of age; recordings are sealed for them.
        reactor: takes results back into its thread.
        allowance: what the directory may hold; the ends of files may go beyond it.

    Attributes:
        room: the memory of all that waits to be written.
    """

    def __init__(
        self,
        path: Path,
        recipients: Sequence[str],
        reactor: Any,
        allowance: Allowance = UNBOUNDED,
    ) -> None:
        self.path = path
        self._allowance = allowance
        self.room = Room()
        self._recipients = tuple(recipients)
        self._reactor = reactor
        self._pool = DaemonPool(0, 1, "recordings")
        self._closing_pool = DaemonPool(0, 1, "ends of recordings")
        self._pool.start()
        self._closing_pool.start()

    @property
    def seals(self) -> bool:
        """Whether recordings are sealed."""
        return bool(self._recipients)

    def begin(self, about: About) -> DirectoryReel:
        """Begin a file; a failure shows when something is written to it."""
        return DirectoryReel(self, lambda: self._create(about))

    def call(self, function: Callable[[], T]) -> Deferred[T]:
        """Call a function in the thread that writes."""
        return self._call(self._pool, function)

    def call_apart(self, function: Callable[[], T]) -> Deferred[T]:
        """Call a function in the thread that no file waits for."""
        return self._call(self._closing_pool, function)

    def stop(self) -> None:
        """End the threads once all is written; a disk that hangs is left behind."""
        DaemonThread(target=self._stop_pools).start()

    def _stop_pools(self) -> None:
        self._pool.stop()
        self._closing_pool.stop()

    def _create(self, about: About) -> _File:
        seal: Seal | None = None
        if self._recipients:
            seal, key = new_seal(self._recipients)
            about = replace(about, sealed_key=key)
        began = datetime.fromtimestamp(about.started_at, UTC)
        name = f"{began:%Y-%m-%d}/{began:%H%M%S}-{about.session}{SUFFIX}"
        self._allowance.take(1)
        return _File(self.path, name, RecordingWriter(about, seal), self._allowance)

    def _call(self, pool: ThreadPool, function: Callable[[], T]) -> Deferred[T]:
        done: Deferred[T] = Deferred()
        pool.callInThreadWithCallback(
            lambda succeeded, result: self._reactor.callFromThread(_fire, done, result), function
        )
        return done


class DirectoryReel:
    """One file; as `vncproxy.recording.tape.Reel`.

    Attributes:
        written: what was written, once its end was; None before, and where there is no file.
    """

    def __init__(self, directory: RecordingDirectory, create: Callable[[], _File]) -> None:
        self.written: Written | None = None
        self._directory = directory
        self._create = create
        self._file: _File | None = None
        self._failure: Exception | None = None

    @property
    def readable(self) -> Path | None:
        """The file, where there is one so far that is not sealed and has had no trouble."""
        found = self._file
        return None if found is None or self._directory.seals else found.readable

    def write(self, batch: Batch) -> Awaitable[None]:
        """Write events; nothing is written any more after a failure."""
        return self._directory.call(lambda: self._in_thread().write_events(batch))

    async def end(self, reason: str, moment: int) -> None:
        """Write the end, and close the file."""
        self.written = await self._directory.call(lambda: self._in_thread().end(reason, moment))
        assert self._file is not None
        await self._directory.call_apart(self._file.close)

    def _in_thread(self) -> _File:
        if self._failure is not None:
            raise self._failure
        if self._file is None:
            try:
                self._file = self._create()
            except Exception as e:
                self._failure = e
                raise
        return self._file


class _File:
    """A file that is being written; all of it happens in threads.

    After the first failure, nothing but its end is written, behind the last whole chunk.
    """

    def __init__(
        self, folder: Path, name: str, writer: RecordingWriter, allowance: Allowance
    ) -> None:
        path = folder / name
        descriptor = _create(path)
        mark_as_written(descriptor)
        self._file: BinaryIO = os.fdopen(descriptor, "wb", buffering=0)
        self._name, self._path = name, path
        self._writer = writer
        self._allowance = allowance
        self._moment = 0
        self._failure: Exception | None = None
        try:
            self._write_all(writer.begin())
        except BaseException:
            self._file.close()
            path.unlink()
            raise

    @property
    def readable(self) -> Path | None:
        """Where it is; None after a failure."""
        return self._path if self._failure is None else None

    def write_events(self, batch: Batch) -> None:
        if self._failure is not None:
            raise self._failure
        self._write(lambda: self._allowed(batch))
        self._moment = batch.last

    def end(self, reason: str, moment: int) -> Written:
        if self._failure is None and reason != STOPPED:
            with suppress(Exception):
                self._write(lambda: (self._writer.end(reason, moment),))
        if self._failure is not None or reason == STOPPED:
            self._end_early()
        trouble = "" if self._failure is None else str(self._failure)
        if isinstance(self._failure, OSError):
            trouble = self._failure.strerror or trouble
        return Written(self._name, self._writer.size, self._writer.hash, trouble)

    def close(self) -> None:
        try:
            os.fsync(self._file.fileno())
        finally:
            self._file.close()

    def _end_early(self) -> None:
        """Write behind the last whole chunk that there is no more; or leave the end out."""
        size = self._writer.size
        try:
            os.ftruncate(self._file.fileno(), size)
            self._file.seek(size)
            self._write(lambda: (self._writer.end(STOPPED, self._moment),))
        except Exception as e:  # noqa: BLE001
            self._failure = self._failure or e
            with suppress(OSError):
                os.ftruncate(self._file.fileno(), self._writer.size)

    def _allowed(self, batch: Batch) -> Iterable[Body]:
        self._allowance.take(batch.size)
        return self._writer.packed_events(batch.packed)

    def _write(self, make: Callable[[], Iterable[Body]]) -> None:
        mark = self._writer.mark()
        try:
            for part in make():
                self._write_all(part)
        except Exception as e:
            self._writer.go_back(mark)
            self._failure = self._failure or e
            raise

    def _write_all(self, data: Body) -> None:
        view = memoryview(data)
        while view:
            view = view[self._file.write(view) :]


def _create(path: Path, again: bool = True) -> int:
    """Create a file; its folder, too, which somebody may delete in between while it is empty."""
    path.parent.mkdir(mode=0o750, exist_ok=True)
    try:
        return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640)
    except FileNotFoundError:
        if not again:
            raise
        return _create(path, again=False)


def _fire(done: Deferred[T], result: Any) -> None:
    if isinstance(result, Failure):
        done.errback(result)
    else:
        done.callback(result)
