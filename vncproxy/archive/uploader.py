"""Uploads all that is in a spool, in threads, for as long as it has the spool's lock."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from threading import Event, Lock
from typing import Final

from twisted.logger import Logger
from twisted.python.threadpool import ThreadPool

from ..blocking import DaemonPool, DaemonThread
from .bucket import Bucket, BucketError
from .job import Job
from .late_indexes import send_late_indexes
from .library import CannotRead, Entry, NoRecording
from .spool import Spool

INTERVAL: Final = 1.0
"""Seconds between two looks at the spool."""

_GLANCE: Final = 0.1

THREADS: Final = 4

_TOLD: Final = 3
"""Failures after which the log has a recording that cannot be read; it may just have begun."""

LONGEST_PAUSE: Final = 60.0
"""Seconds after which a recording that could not be uploaded is tried again, at most."""


@dataclass(slots=True)
class Figures:
    """What an operator watches.

    Attributes:
        waiting: bytes in the spool that the bucket does not have.
        oldest: seconds since the oldest of the ended recordings that wait was last written.
        failures: attempts that failed.
        uploaded: recordings that the bucket has, since the start.
        sent: bytes that it has taken, since the start.
    """

    waiting: int = 0
    oldest: float = 0.0
    failures: int = 0
    uploaded: int = 0
    sent: int = 0


class _Try:
    """A recording, and when it is tried next."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.is_under_way = False
        self.failures = 0
        self.due = 0.0


class Uploader:
    """Uploads recordings from a spool; one process of all that share it does at a time.

    Args:
        most: bytes that the spool may hold; above half of it, what the bucket has is removed at
            once. 0 for any number.
        seconds: a monotonic clock.

    Attributes:
        figures: of this process.
        in_call: takes calls for the log into the reactor's thread.
    """

    log = Logger()

    def __init__(
        self,
        bucket: Callable[[], Bucket],
        spool: Spool,
        most: int = 0,
        seconds: Callable[[], float] = time.monotonic,
    ) -> None:
        self.figures = Figures()
        self.in_call: Callable[[Callable[[], object]], object] = lambda call: call()
        self._open_bucket = bucket
        self._spool = spool
        self._most = most
        self._seconds = seconds
        self._tries: dict[str, _Try] = {}
        self._lock = Lock()
        self._stopped = Event()
        self._is_away = False
        self._bucket: Bucket | None = None
        self._indexes_due = 0.0
        self._pool: ThreadPool = DaemonPool(0, THREADS, "uploads of recordings")

    def start(self) -> None:
        """Begin, in threads of its own."""
        self._pool.start()
        DaemonThread(target=self._run, name="uploads").start()

    def stop(self) -> None:
        """Begin nothing more; what is under way is left to end with the process."""
        self._stopped.set()
        DaemonThread(target=self._pool.stop).start()

    def upload_all(self) -> Iterator[tuple[Entry, str]]:
        """Upload what there is, once, in this thread, which has the spool's lock.

        Yields:
            Each recording, and why it could not be uploaded; empty where the bucket has it, and the
            spool does not any more.
        """
        bucket = self._open_bucket()
        for entry in sorted(self._spool.entries(), key=lambda each: each.name):
            yield entry, self._upload_now(self._job(bucket, entry))

    def _upload_now(self, job: Job) -> str:
        try:
            job.advance()
        except NoRecording:
            return ""
        except CannotRead as e:
            return str(e)
        return "" if job.leave(needs_room=True) else "it is still being written"

    def _run(self) -> None:
        told = ""
        while not self._stopped.is_set():
            try:
                with self._spool.lock() as is_ours:
                    if is_ours:
                        self._run_with_lock()
            except Exception as e:  # noqa: BLE001
                if str(e) != told:
                    told = str(e)
                    self._say("warn", "recordings are not uploaded: {why}", why=told)
            self._stopped.wait(INTERVAL)

    def _run_with_lock(self) -> None:
        try:
            while not self._stopped.wait(INTERVAL):
                if self._bucket is None and self._spool.is_used():
                    self._bucket = self._open_bucket()
                if self._bucket is not None:
                    self.look(self._bucket)
        finally:
            self._await_threads()

    def _await_threads(self) -> None:
        """Keep the lock until what is under way has ended, so that no other process repeats it."""
        while any(each.is_under_way for each in self._tries.values()):
            time.sleep(_GLANCE)

    def look(self, bucket: Bucket) -> None:
        """Look at the spool once, and begin what is due."""
        entries = {each.name: each for each in self._spool.entries()}
        used = sum(each.size + each.index_size for each in entries.values())
        needs_room = 0 < self._most < used * 2
        for name in self._tries.keys() - entries.keys():
            if not self._tries[name].is_under_way:
                del self._tries[name]
        for name in sorted(entries):
            self._see(bucket, entries[name], needs_room)
        self._send_late_indexes(bucket)
        self._measure()

    def _send_late_indexes(self, bucket: Bucket) -> None:
        if self._is_away or self._seconds() < self._indexes_due:
            return
        self._indexes_due = self._seconds() + LONGEST_PAUSE
        try:
            send_late_indexes(bucket, self._spool)
        except (CannotRead, OSError) as e:
            self._say("warn", "playable copies wait in the spool: {why}", why=str(e))

    def _see(self, bucket: Bucket, entry: Entry, needs_room: bool) -> None:
        if entry.name not in self._tries:
            self._tries[entry.name] = _Try(self._job(bucket, entry))
        found = self._tries[entry.name]
        found.job.entry = entry
        if found.is_under_way or self._seconds() < found.due or self._must_wait():
            return
        if found.job.leave(needs_room):
            return
        found.is_under_way = True
        self._pool.callInThread(self._advance, found)

    def _job(self, bucket: Bucket, entry: Entry) -> Job:
        return Job(bucket, self._spool, entry, self._sent, self._seconds)

    def _must_wait(self) -> bool:
        """Whether the bucket is away, and one attempt to find it again is under way."""
        return self._is_away and any(each.is_under_way for each in self._tries.values())

    def _advance(self, found: _Try) -> None:
        was_complete = found.job.is_complete
        try:
            found.job.advance(lambda: not self._stopped.is_set())
        except NoRecording:
            pass  # it was uploaded with its index, or deleted
        except Exception as e:  # noqa: BLE001
            self._failed(found, e)
            return
        finally:
            found.is_under_way = False
        found.failures = 0
        if found.job.is_complete and not was_complete:
            self.figures.uploaded += 1
        self._succeeded()

    def _failed(self, found: _Try, error: Exception) -> None:
        found.failures += 1
        found.due = self._seconds() + min(LONGEST_PAUSE, 2.0 ** min(found.failures, 10))
        with self._lock:
            self.figures.failures += 1
            begins = isinstance(error, BucketError) and not self._is_away
            self._is_away |= begins
        if begins or (not isinstance(error, BucketError) and found.failures == _TOLD):
            text = "{file} cannot be uploaded, and waits in the spool: {why}"
            self._say("warn", text, file=found.job.entry.name, why=str(error))

    def _succeeded(self) -> None:
        with self._lock:
            ended, self._is_away = self._is_away, False
        if ended:
            self._say("info", "recordings are uploaded again")

    def _sent(self, size: int) -> None:
        with self._lock:
            self.figures.sent += size

    def _measure(self) -> None:
        jobs = [each.job for each in self._tries.values()]
        ended = [each.entry.changed_at for each in jobs if each.is_waiting]
        self.figures.waiting = sum(each.waiting for each in jobs)
        self.figures.oldest = max(0.0, time.time() - min(ended)) if ended else 0.0

    def _say(self, level: str, text: str, **facts: object) -> None:
        self.in_call(lambda: getattr(self.log, level)(text, **facts))
