"""A fixed share of a core for some processes, so that everything around them has time enough."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

CPU = Path("/sys/fs/cgroup/cpu")
"""Where the CPU controller is, in its first version."""

PERIOD = 10_000
"""Microseconds within which the share is used up at most."""

WEIGHT = 20_480
"""How much the group counts beside others, which have 1024 each."""


@contextmanager
def limited(pids: Sequence[int], share: float) -> Iterator[None]:
    """Give each process this share of a core; this one and its children come before others.

    Raises:
        OSError: the controller is not there, or may not be used.
    """
    ours = CPU / f"bench-{os.getpid()}"
    theirs = [CPU / f"bench-{os.getpid()}-limited-{number}" for number in range(len(pids))]
    try:
        for group in (ours, *theirs):
            group.mkdir()
            (group / "cpu.shares").write_text(str(WEIGHT))
        for pid, group in zip(pids, theirs, strict=True):
            (group / "cpu.cfs_period_us").write_text(str(PERIOD))
            (group / "cpu.cfs_quota_us").write_text(str(int(PERIOD * share)))
            (group / "cgroup.procs").write_text(str(pid))
        for child in (os.getpid(), *_children(pids)):
            (ours / "cgroup.procs").write_text(str(child))
        yield
    finally:
        for group in (*theirs, ours):
            _empty(group)


def _children(but: Sequence[int]) -> list[int]:
    listed = Path(f"/proc/self/task/{os.getpid()}/children").read_text().split()
    return [int(pid) for pid in listed if int(pid) not in but]


def _empty(group: Path) -> None:
    with suppress(OSError):
        for pid in (group / "cgroup.procs").read_text().split():
            with suppress(OSError):
                (CPU / "cgroup.procs").write_text(pid)
        group.rmdir()
