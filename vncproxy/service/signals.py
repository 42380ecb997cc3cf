"""SIGHUP: a reload, or a stop when the terminal was closed."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any


class HangupHandler:
    """Reloads on SIGHUP, or stops the reactor when the process has lost its terminal.

    A signal that arrives before the reactor runs is handled when it runs.

    Args:
        reload: called in the reactor's thread.
    """

    def __init__(self, reactor: Any, reload: Callable[[], object]) -> None:
        self._reactor = reactor
        self._reload = reload
        self._on_terminal = False
        before = signal.signal(signal.SIGHUP, self._on_signal)
        if before != signal.SIG_IGN:  # nohup: a closed terminal changes nothing
            # twistd may go to the background until then, and leave its terminal
            reactor.callWhenRunning(self._find_terminal)

    def _find_terminal(self) -> None:
        self._on_terminal = has_terminal()

    def _on_signal(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._handle)

    def _handle(self) -> None:
        if self._on_terminal and not has_terminal():
            self._reactor.stop()
        else:
            self._reload()


def has_terminal() -> bool:
    """Return whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
