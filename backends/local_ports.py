"""Which TCP ports are listened on in this process's network namespace, that of its container."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

TABLES: Final = (Path("/proc/self/net/tcp"), Path("/proc/self/net/tcp6"))
_LISTENING: Final = "0A"


def listens_here(port: int, tables: tuple[Path, ...] = TABLES) -> bool:
    """Return whether a port is listened on in this process's network; True where that is unknown.

    Nothing is connected: a server could take that for a viewer.
    """
    ports, unreadable = set[int](), 0
    for table in tables:
        try:
            ports.update(_ports(table))
        except OSError:
            unreadable += 1
    return port in ports or unreadable == len(tables)


def _ports(table: Path) -> Iterator[int]:
    """Yield the listeners' ports; they stand before the connections, which may be many."""
    with table.open() as lines:
        next(lines, "")
        for line in lines:
            _, local, _, state, *_ = line.split()
            if state != _LISTENING:
                return
            yield int(local.rpartition(":")[2], 16)
