"""What is read from the kernel, and how a piece of work is run in a process of its own."""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
import time
import traceback
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_TICKS = os.sysconf("SC_CLK_TCK")
_fork = multiprocessing.get_context("fork")


class Tree:
    """A process with its descendants; without a process (nothing stands between) all is 0."""

    def __init__(self, pid: int | None) -> None:
        self.pid = pid

    def pids(self) -> list[int]:
        """Return the process and its descendants."""
        if self.pid is None:
            return []
        children: dict[int, list[int]] = {}
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                children.setdefault(int(_stat(path)[1]), []).append(int(path.parent.name))
        found = [self.pid]
        for pid in found:
            found.extend(children.get(pid, ()))
        return found

    def cpu(self) -> float:
        """Return the CPU-seconds used so far, children included that have been waited for.

        A process's own clock is that of utime and stime in /proc/<pid>/stat, in nanoseconds.
        """
        total = 0.0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += time.clock_gettime(~pid << 3 | 2)
                fields = _stat(Path(f"/proc/{pid}/stat"))
                total += (int(fields[13]) + int(fields[14])) / _TICKS
        return total

    def settle(self, limit: float = 5.0) -> float:
        """Wait until nothing is done any more; returns the CPU-seconds used so far."""
        give_up = time.monotonic() + limit
        before, count = self.cpu(), len(self.pids())
        while time.monotonic() < give_up:
            time.sleep(0.1)
            now, now_count = self.cpu(), len(self.pids())
            if now - before < 0.002 and now_count <= count:
                return now
            before, count = now, now_count
        return before

    def pss(self) -> int:
        """Return the memory in KiB, shared pages counted by share."""
        total = 0
        for pid in self.pids():
            with contextlib.suppress(OSError):
                total += pss(pid)
        return total


def pss(pid: int) -> int:
    """Return the memory of one process in KiB, shared pages counted by share."""
    text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    return int(text.partition("\nPss:")[2].split(maxsplit=1)[0])


def _stat(path: Path) -> list[str]:
    """Return the fields behind the name: 0 is the state, 1 the parent, 13 and 14 the children's."""
    return path.read_text().rpartition(")")[2].split()


class Apart:
    """A function that runs in a process of its own.

    Args:
        function: gets a connection to this process, then the arguments; its value is the result.
        policy: how it is scheduled, such as ``os.SCHED_IDLE``; None leaves that as it is.
    """

    def __init__(
        self, function: Callable[..., Any], *arguments: Any, policy: int | None = None
    ) -> None:
        self.pipe, theirs = _fork.Pipe()
        self._process = _fork.Process(
            target=_work, args=(theirs, policy, function, arguments), daemon=True
        )
        self._process.start()
        theirs.close()

    @property
    def pid(self) -> int | None:
        """The process's id."""
        return self._process.pid

    def hear(self, limit: float) -> Any:
        """Return what it says next.

        Raises:
            RuntimeError: it failed, or said nothing in time.
        """
        if not self.pipe.poll(limit):
            self.stop()
            raise RuntimeError(f"nothing heard within {limit} s")
        try:
            good, value = self.pipe.recv()
        except EOFError:
            raise RuntimeError("the process ended without a word") from None
        if not good:
            self.stop()
            raise RuntimeError(value)
        return value

    def result(self, limit: float = 60.0) -> Any:
        """Return its result, and see it end."""
        value = self.hear(limit)
        self.stop()
        return value

    def stop(self) -> None:
        """End it, whatever it does."""
        if self._process.is_alive():
            self._process.kill()
        self._process.join()
        self.pipe.close()


def apart(function: Callable[..., Any], *arguments: Any, policy: int | None = None) -> Any:
    """Run a function in a process of its own and return its result."""
    return Apart(function, *arguments, policy=policy).result()


def say(pipe: Connection, value: Any) -> None:
    """Tell the parent something before the result."""
    pipe.send((True, value))


def _work(
    pipe: Connection, policy: int | None, function: Callable[..., Any], arguments: tuple[Any, ...]
) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        if policy is not None:
            set_policy(policy)
        pipe.send((True, function(pipe, *arguments)))
    except BaseException as e:  # noqa: BLE001 told to the parent
        pipe.send((False, f"{e!r}\n{traceback.format_exc(limit=-3)}"))


def set_policy(policy: int) -> None:
    """Schedule this process so."""
    os.sched_setscheduler(0, policy, os.sched_param(1 if policy == os.SCHED_RR else 0))


def percentile(sorted_values: list[float], share: float) -> float:
    """Return a percentile of sorted values."""
    return sorted_values[min(len(sorted_values) - 1, int(len(sorted_values) * share))]
