"""The folder of the workers' metrics: made by the supervisor, and removed when it ends."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from twisted.logger import Logger

from ..metrics.files import add_up_ended, write_figure
from ..metrics.registry import DIRECTORY

_PREFIX = "vncproxy-metrics-"
_LOCK = "supervisor"

SHARED_MEMORY = Path("/dev/shm")  # noqa: S108
"""A file system in memory, on Linux."""


class Figures:
    """The folder, and the figures of the supervisor itself.

    It is in memory where possible: in systemd's ``RuntimeDirectory``, or in `SHARED_MEMORY`.
    Workers map its files, and a full disk would end them (SIGBUS).

    Attributes:
        environment: what workers need to find it.
    """

    log = Logger()

    def __init__(self) -> None:
        place = _place()
        _remove_left(place)
        self._folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=place))
        self._lock = _lock(self._folder)
        self._is_failing = False
        self.environment = {DIRECTORY: str(self._folder)}

    def ended(self, process: int) -> None:
        """Add what an ended worker has counted to the sums."""
        self._attempt(lambda: add_up_ended(self._folder, process))

    def write(self, workers: int, restarts: int, generation: int) -> None:
        """Write the figures of the supervisor; where that fails, the log says so once."""
        self._attempt(lambda: self._write(workers, restarts, generation))

    def _attempt(self, work: Callable[[], None]) -> None:
        try:
            if not self._folder.exists():
                self._make_again()
            work()
        except OSError as e:
            if not self._is_failing:
                self.log.error("metrics of workers cannot be written: {error}", error=e)
            self._is_failing = True
        else:
            self._is_failing = False

    def _make_again(self) -> None:
        """Make the folder again under its name, which workers have in their environment."""
        self._folder.mkdir(mode=0o700)
        os.close(self._lock)
        self._lock = _lock(self._folder)
        self.log.error(
            "{folder} was removed and is made again: what workers that have ended had counted is "
            "missing in the metrics",
            folder=str(self._folder),
        )

    def _write(self, workers: int, restarts: int, generation: int) -> None:
        for name, text, value in (
            ("vncproxy_workers", "Worker processes that serve.", workers),
            ("vncproxy_generation", "Counts the upgrades since the start, from 1.", generation),
        ):
            write_figure(self._folder, "gauge", name, text, value, "livesum")
        text = "Workers that ended unexpectedly and were started again."
        write_figure(self._folder, "counter", "vncproxy_worker_restarts_total", text, restarts)

    def remove(self) -> None:
        """Remove the folder."""
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)


def _lock(folder: Path) -> int:
    """Return a descriptor that marks a folder as used, as long as it is open."""
    descriptor = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    return descriptor


def _place() -> Path:
    given = os.environ.get("RUNTIME_DIRECTORY", "").split(":")[0]
    if given:
        return Path(given)
    usable = os.access(SHARED_MEMORY, os.W_OK | os.X_OK)
    return SHARED_MEMORY if usable else Path(tempfile.gettempdir())


def _remove_left(place: Path) -> None:
    """Remove the folders of supervisors that were killed, as far as they are this user's."""
    for folder in place.glob(f"{_PREFIX}*"):
        try:
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            continue
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
        except BlockingIOError:
            pass
        finally:
            os.close(lock)
