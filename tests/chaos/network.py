"""Cuts between parts, by nftables, in the network namespace of this process."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

_TABLE = "inet chaos"


def prepare() -> None:
    """Make the table; needs a network namespace of its own, and root."""
    _nft(f"add table {_TABLE}")
    _nft(f"add chain {_TABLE} output {{ type filter hook output priority 0 ; }}")


@contextmanager
def cut(*matches: str) -> Iterator[None]:
    """Drop the packets that match, such as ``tcp dport 6379``, in both directions if so written."""
    for match in matches:
        _nft(f"add rule {_TABLE} output {match} drop")
    try:
        yield
    finally:
        _nft(f"flush chain {_TABLE} output")


def _nft(command: str) -> None:
    subprocess.run(["nft", *command.split()], check=True, capture_output=True)
