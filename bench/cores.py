"""Which core does what, where that is fixed for a measurement."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from .peers import Peer


@contextmanager
def pinned(peer: Peer) -> Iterator[None]:
    """Give the proxy the last core, and the first one to client and server."""
    cores = os.sched_getaffinity(0)
    others = [os.getpid(), *(fake.process.pid for fake in peer.world.fakes.values())]
    _set(others, {min(cores)})
    _set(peer.tree.pids(), {max(cores)})
    try:
        yield
    finally:
        _set([*others, *peer.tree.pids()], cores)


def _set(pids: Iterable[int], cores: set[int]) -> None:
    """Pin processes with all their threads; children that are made later inherit it."""
    for pid in pids:
        with contextlib.suppress(OSError):
            for thread in Path(f"/proc/{pid}/task").iterdir():
                os.sched_setaffinity(int(thread.name), cores)
