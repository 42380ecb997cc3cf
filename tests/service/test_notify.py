"""What systemd is told, and its watchdog."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.service.notify import Notifier


class NotifierTests(SynchronousTestCase):
    def test_states_are_datagrams(self) -> None:
        path = Path(self.mktemp())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
            systemd.bind(str(path))
            notifier = Notifier({"NOTIFY_SOCKET": str(path)})

            notifier.ready()
            notifier.alive("3 sessions")
            notifier.stopping()

            told = [systemd.recv(1000) for _ in range(3)]
        expected = [b"READY=1", b"WATCHDOG=1\nSTATUS=3 sessions", b"STOPPING=1\nSTATUS=stopping"]
        self.assertEqual(told, expected)

    def test_without_systemd_nothing_happens(self) -> None:
        for environment in ({}, {"NOTIFY_SOCKET": "/nowhere/notify"}):
            Notifier(environment).ready()

    def test_the_watchdog_is_for_the_process_that_it_names(self) -> None:
        mine, other = str(os.getpid()), str(os.getpid() + 1)

        limits = [
            Notifier(environment).watchdog
            for environment in (
                {"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": mine},
                {"WATCHDOG_USEC": "1500000"},
                {"WATCHDOG_USEC": "1500000", "WATCHDOG_PID": other},
                {"WATCHDOG_USEC": "soon"},
                {},
            )
        ]

        self.assertEqual(limits, [1.5, 1.5, 0, 0, 0])
