"""A single process under systemd: when it is ready, that it lives, and when it stops."""

from __future__ import annotations

from typing import Any

from twisted.application.service import Service
from twisted.internet.task import LoopingCall

from ..session.live import LiveSessions
from .notify import Notifier

PERIOD = 5.0
"""Seconds between two lines of status, if the watchdog does not need them more often."""


class SystemdService(Service):
    """Tells systemd how a proxy without workers is; to be started after all listeners."""

    def __init__(self, notifier: Notifier, sessions: LiveSessions, reactor: Any) -> None:
        self._notifier = notifier
        self._sessions = sessions
        self._reactor = reactor
        self._alive = LoopingCall(self._show)
        self._alive.clock = reactor

    def startService(self) -> None:
        """Say that the service is ready once the reactor runs, and go on saying that it lives."""
        super().startService()
        limit = self._notifier.watchdog
        period = min(PERIOD, limit / 3) if limit else PERIOD
        self._reactor.callWhenRunning(self._notifier.ready)
        self._alive.start(period, now=False)

    def stopService(self) -> None:
        """Say that the service stops."""
        super().stopService()
        if self._alive.running:
            self._alive.stop()
        self._notifier.stopping()

    def _show(self) -> None:
        self._notifier.alive(f"{len(self._sessions)} sessions")
