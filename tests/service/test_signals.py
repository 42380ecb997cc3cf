"""SIGTERM: the first one prepares the stop, the second one stops at once."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.service.signals import TerminationHandler


class Reactor:
    """A reactor that runs, and has a handler of its own."""

    def __init__(self) -> None:
        self.stops: list[int] = []
        self.on_shutdown: Callable[[], object] = lambda: None
        signal.signal(signal.SIGTERM, lambda number, frame: self.stops.append(number))

    def callWhenRunning(self, call: Callable[[], object]) -> None:
        call()

    def addSystemEventTrigger(self, phase: str, event: str, call: Callable[[], object]) -> None:
        assert (phase, event) == ("before", "shutdown")
        self.on_shutdown = call

    def stop(self) -> None:
        self.stops.append(0)

    def callFromThread(self, call: Callable[[], object]) -> None:
        call()


class TerminationTests(SynchronousTestCase):
    def setUp(self) -> None:
        before = signal.getsignal(signal.SIGTERM)
        self.addCleanup(signal.signal, signal.SIGTERM, before)
        self.finished: Deferred[None] = Deferred()
        self.reactor: Any = Reactor()
        self.handler = TerminationHandler(self.reactor, lambda: self.finished)

    def terminate(self) -> None:
        os.kill(os.getpid(), signal.SIGTERM)

    def test_the_reactor_stops_when_the_proxy_is_prepared(self) -> None:
        self.assertFalse(self.handler.has_begun)
        self.terminate()
        self.assertEqual(self.reactor.stops, [])
        self.assertTrue(self.handler.has_begun)

        self.finished.callback(None)

        self.assertEqual(self.reactor.stops, [signal.SIGTERM])

    def test_a_second_signal_stops_it_at_once(self) -> None:
        self.terminate()
        self.terminate()

        self.assertEqual(self.reactor.stops, [signal.SIGTERM])

    def test_further_signals_change_nothing(self) -> None:
        for _ in range(3):
            self.terminate()
        self.finished.callback(None)

        self.assertEqual(self.reactor.stops, [signal.SIGTERM])

    def test_a_reactor_that_stops_for_another_reason_is_left_alone(self) -> None:
        self.terminate()
        self.reactor.on_shutdown()
        self.finished.callback(None)
        self.terminate()

        self.assertEqual(self.reactor.stops, [])

    def test_it_is_stopped_once_by_signals_and_by_others(self) -> None:
        self.terminate()
        self.terminate()
        self.handler.stop()
        self.assertEqual(self.reactor.stops, [signal.SIGTERM])

    def test_it_is_stopped_once_by_others_and_by_signals(self) -> None:
        self.handler.stop()
        self.terminate()
        self.assertEqual(self.reactor.stops, [0])

    def test_a_failure_does_not_keep_it_running(self) -> None:
        self.terminate()

        self.finished.errback(RuntimeError("broken"))

        self.assertEqual(self.reactor.stops, [signal.SIGTERM])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
