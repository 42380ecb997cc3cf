"""Tells systemd how the service is (``Type=notify``, ``WatchdogSec``): sd_notify(3).

Nothing is sent without ``NOTIFY_SOCKET`` in the environment.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from contextlib import suppress

LONGEST_WAIT = 0.5
"""Seconds that a change of state waits until systemd takes it; a sign of life does not wait."""


class Notifier:
    """Sends the state of the service.

    Args:
        environment: of the process: ``NOTIFY_SOCKET``, ``WATCHDOG_USEC`` and ``WATCHDOG_PID``.

    Attributes:
        watchdog: seconds within which systemd wants a sign of life; 0 for no limit.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        path = environment.get("NOTIFY_SOCKET", "")
        self._address = f"\0{path[1:]}" if path.startswith("@") else path
        self.watchdog = _watchdog(environment)

    def ready(self) -> None:
        """Say that users are served, or that a reload is over."""
        self._send("READY=1")

    def reloading(self) -> None:
        """Say that the configuration is being read; `ready` has to follow."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def stopping(self) -> None:
        """Say that the service is about to end."""
        self._send("STOPPING=1\nSTATUS=stopping")

    def alive(self, status: str) -> None:
        """Give a sign of life, at least twice in `watchdog` seconds, with a line of text."""
        self._send(f"WATCHDOG=1\nSTATUS={status}", wait=0.0)

    def _send(self, text: str, wait: float = LONGEST_WAIT) -> None:
        if not self._address:
            return
        # systemd is being restarted, and its queue is full or gone
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sending:
            sending.settimeout(wait)
            sending.sendto(text.encode(), self._address)


def _watchdog(environment: Mapping[str, str]) -> float:
    """Return the limit of the watchdog, if it is for this process."""
    microseconds = environment.get("WATCHDOG_USEC", "")
    process = environment.get("WATCHDOG_PID", "") or str(os.getpid())
    if not microseconds.isdigit() or process != str(os.getpid()):
        return 0.0
    return int(microseconds) / 1_000_000
