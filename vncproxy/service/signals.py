"""SIGHUP: reload; or stop, where it means that the terminal is gone."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any


class Hangups:
    """Calls what is to be done on SIGHUP, in the reactor's thread.

    A signal that comes before the reactor runs is kept until then.

    Args:
        reactor: to stop, and to call in.
        reload: called for each signal, save one that a terminal sent as it went away.
    """

    def __init__(self, reactor: Any, reload: Callable[[], object]) -> None:
        self._reactor = reactor
        self._reload = reload
        self._on_terminal = False
        before = signal.signal(signal.SIGHUP, self._caught)
        if before != signal.SIG_IGN:  # nohup: a terminal that goes away changes nothing
            # not yet: twistd may still leave its terminal for the background
            reactor.callWhenRunning(self._look_for_terminal)

    def _look_for_terminal(self) -> None:
        self._on_terminal = has_terminal()

    def _caught(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._act)

    def _act(self) -> None:
        if self._on_terminal and not has_terminal():
            self._reactor.stop()
        else:
            self._reload()


def has_terminal() -> bool:
    """Whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
