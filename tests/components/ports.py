"""TCP ports for servers of tests, each given out once."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import count
from os import getpid
from pathlib import Path

FIRST, LAST = 20_000, 32_000
"""Below the ports that connections get, one of which would else be taken before a server begins."""

_kept: list[socket.socket] = []
_turns = count()


def free_port() -> int:
    """Return a TCP port without a listener, given out once while this process lives.

    A server may begin there, end and begin again; where none does, connections are refused.
    """
    return next(port for port in _candidates() if _is_free(port) and claim(f"port-{port}"))


def claim(name: str) -> bool:
    """Take a name for the rest of this process's life; False when another test run has it."""
    ours = socket.socket(socket.AF_UNIX)
    try:
        # abstract: of the network's namespace, as the ports are, and gone with the process
        ours.bind(f"\0vncproxy-tests-{name}")
    except OSError:
        ours.close()
        return False
    _kept.append(ours)
    return True


def _candidates() -> Iterator[int]:
    """Return ports, each process beginning with others than the processes before and after it."""
    last = min(LAST, _first_of_connections())
    size = last - FIRST if last > FIRST else LAST - FIRST
    begin = getpid() * 64
    for _ in range(size):
        yield FIRST + (begin + next(_turns)) % size


def _first_of_connections() -> int:
    return int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("", port))
        except OSError:
            return False
    return True
