"""SIGHUP: a reload, or a stop when the terminal was closed. SIGTERM: a stop in two steps.

SIGUSR2: an upgrade.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure


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


class TerminationHandler:
    """Stops the reactor on SIGTERM once the proxy is prepared, or at once on the second one.

    SIGINT is left to the reactor, which stops at once.

    Args:
        finish: called in the reactor's thread; returns a Deferred that fires when the reactor may
            stop.
    """

    log = Logger()

    def __init__(self, reactor: Any, finish: Callable[[], Deferred[None]]) -> None:
        self._reactor = reactor
        self._finish = finish
        self._stop: Callable[[int, None], object] | None = None
        self._signals = 0
        self._stopped = False
        # the reactor sets its own handler when it starts
        reactor.callWhenRunning(self._replace_handler)
        reactor.addSystemEventTrigger("before", "shutdown", self._on_stop)

    @property
    def has_begun(self) -> bool:
        """Whether a stop has begun."""
        return self._stopped or self._signals > 0

    def stop(self) -> None:
        """Stop the reactor now, unless a signal has done so."""
        if not self._stopped:
            self._stopped = True
            self._reactor.stop()

    def _on_stop(self) -> None:
        """Leave a reactor alone that stops for another reason."""
        self._stopped = True

    def _replace_handler(self) -> None:
        before = signal.signal(signal.SIGTERM, self._on_signal)
        if callable(before):
            self._stop = before

    def _on_signal(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._handle)

    def _handle(self) -> None:
        self._signals += 1
        if self._signals == 1 and not self._stopped:
            self.log.info("SIGTERM: the proxy stops")
            self._finish().addErrback(self._log_failure).addCallback(self._stop_reactor)
        else:
            self._stop_reactor(None)

    def _log_failure(self, failure: Failure) -> None:
        self.log.failure("the stop could not be prepared", failure)

    def _stop_reactor(self, _: None) -> None:
        if self._stopped:
            return
        self._stopped = True
        if self._stop is not None:
            self._stop(signal.SIGTERM, None)
        else:
            self._reactor.stop()


class UpgradeHandler:
    """Upgrades on SIGUSR2.

    Args:
        upgrade: called in the reactor's thread.
    """

    def __init__(self, reactor: Any, upgrade: Callable[[], object]) -> None:
        self._reactor = reactor
        self._upgrade = upgrade
        signal.signal(signal.SIGUSR2, self._on_signal)

    def _on_signal(self, number: int, frame: object) -> None:
        self._reactor.callFromThread(self._upgrade)


def has_terminal() -> bool:
    """Return whether this process has a controlling terminal."""
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY))
    except OSError:
        return False
    return True
