"""Dials many consoles at once, to find firewalls for ``check-config``.

Everything here blocks, for a bounded time; it is called in a thread.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Container, Iterable
from queue import Empty, SimpleQueue
from threading import Thread
from typing import Final

from ..addresses import is_own, meaning

Address = tuple[str, int]
"""A host name or IP address, and a TCP port."""

MOST: Final = 64
"""Addresses that one check dials at most; there may be thousands of machines."""

DIAL_TIME: Final = 2.0
"""Longest time in seconds, however many are dialled."""


def out_of_reach(
    addresses: Iterable[Address], seconds: float = DIAL_TIME, written: Container[str] | None = None
) -> dict[Address, str]:
    """Return why addresses cannot be connected to; those that can are missing.

    Nothing is sent. The time limit includes name resolution.

    Args:
        written: hosts that an operator has configured, which may be this machine; None allows
            any host to be this machine.
    """
    answers: SimpleQueue[tuple[Address, str]] = SimpleQueue()
    silent = dict.fromkeys(addresses, f"no answer within {seconds:g} s")
    end = time.monotonic() + seconds
    for address in silent:
        may_be_here = written is None or address[0] in written
        Thread(target=_dial, args=(address, seconds, may_be_here, answers), daemon=True).start()
    refused = {}
    while silent:
        try:
            address, why = answers.get(timeout=max(0.0, end - time.monotonic()))
        except Empty:
            break
        del silent[address]
        if why:
            refused[address] = why
    return {**refused, **silent}


def _dial(
    address: Address,
    seconds: float,
    may_be_here: bool,
    answers: SimpleQueue[tuple[Address, str]],
) -> None:
    why = ""
    try:
        with socket.create_connection(address, seconds) as connection:
            if not may_be_here:
                why = _own(connection.getpeername()[0])
    except TimeoutError:
        why = f"no answer within {seconds:g} s"
    except (OSError, ValueError) as e:
        why = getattr(e, "strerror", None) or str(e)
    answers.put((address, why))


def _own(peer: str) -> str:
    """Return why a console at an address would not be dialled; empty when it would."""
    if not is_own(peer):
        return ""
    return f"that is {peer} here, {meaning(peer)}; write in addresses where the host is"
