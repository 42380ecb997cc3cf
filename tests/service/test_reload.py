"""What a reload refuses, and what happens when it hangs."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, cast

from prometheus_client import CollectorRegistry
from twisted.internet import reactor as installed
from twisted.internet.defer import Deferred
from twisted.internet.task import deferLater
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, Logger, formatEvent
from twisted.trial.unittest import SynchronousTestCase, TestCase

from vncproxy.api.machine_lists import TIME_LIMIT
from vncproxy.blocking import BoundedCalls
from vncproxy.config.settings import BackendTable, Listen, Settings
from vncproxy.model import Limits, Timeouts
from vncproxy.service import reload
from vncproxy.service.components import Component
from vncproxy.service.gateway import Gateway
from vncproxy.service.reload import Reload
from vncproxy.tap import make_service
from vncproxy.testing import StaticConsoles


class RetirementTests(SynchronousTestCase):
    """What is not configured any more is closed when nothing can need it, or at the end."""

    def setUp(self) -> None:
        self.clock = MemoryReactorClock()
        running: Any = None
        registry = CollectorRegistry()
        self.reload = Reload(Settings, running, lambda: None, registry, self.clock)
        threads: Any = self.clock  # none is ever called from
        self.calls = BoundedCalls(self.clock, threads)
        self.addCleanup(self.calls.close)
        self.backend = StaticConsoles()
        table = BackendTable("static", Limits())  # type: ignore[arg-type]
        self.made = Component(self.backend, self.calls, table, b"")

    def test_after_the_longest_opening_of_a_session(self) -> None:
        old = Timeouts(locate=100, connect=10, handshake=5)
        self.reload._close_later((self.made,), old, Timeouts())

        self.clock.advance(329)
        self.assertFalse(self.backend.closed)
        self.clock.advance(1)

        self.assertTrue(self.backend.closed)

    def test_not_before_a_list_of_machines_is_given_up(self) -> None:
        short = Timeouts(locate=0.1, connect=0.1, handshake=0.1)
        self.reload._close_later((self.made,), short, short)

        self.clock.advance(TIME_LIMIT - 1)
        self.assertFalse(self.backend.closed)
        self.clock.advance(1)

        self.assertTrue(self.backend.closed)

    def test_at_once_when_the_proxy_stops(self) -> None:
        self.reload._close_later((self.made,), Timeouts(), Timeouts())

        self.successResultOf(Deferred.fromCoroutine(self.reload.stop()))

        self.assertTrue(self.backend.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])


class HangingTests(TestCase):
    def setUp(self) -> None:
        self.said: list[LogEvent] = []
        self.patch(Reload, "log", Logger(observer=cast(ILogObserver, self.said.append)))
        self.patch(reload, "READ_TIME", 0.2)
        self.free = threading.Event()
        self.addCleanup(self.free.set)
        self.reads = 0

    def read(self) -> Settings:
        self.reads += 1
        if self.reads == 1:
            self.free.wait(60)
        return self.settings

    def gateway(self) -> Gateway:
        listen = Listen(web=(), xvp=(), api=())
        self.settings = Settings(listen=listen)
        gateway = make_service(self.settings, installed)
        gateway.allow_reload(self.read, CollectorRegistry())
        gateway.startService()
        self.addCleanup(gateway.stopService)
        return gateway

    def told(self) -> list[str]:
        return [formatEvent(event) for event in self.said]

    def test_one_that_fails_late_changes_nothing(self) -> Deferred[None]:
        async def work() -> None:
            self.free.set()
            gateway = self.gateway()
            sites, before = gateway._running.sites, gateway._running.settings
            self.patch(sites, "prepare", self.fail_now)
            self.settings = self.settings.model_copy(update={"limits": Limits(sessions=7)})

            gateway.reload()
            await self.until(lambda: any("everything goes on" in line for line in self.told()))

            self.assertIs(gateway._running.settings, before)
            self.assertNotEqual(gateway.sessions.services.limits.sessions, 7)

        return Deferred.fromCoroutine(work())

    def fail_now(self, *_: object) -> None:
        raise RuntimeError("a defect")

    def test_a_warning_that_fails_does_not_stop_later_reloads(self) -> Deferred[None]:
        async def work() -> None:
            self.free.set()
            gateway = self.gateway()
            assert gateway._reload is not None
            self.patch(gateway._reload, "_on_reloaded", self.fail_now)

            gateway.reload()
            await self.until(lambda: "a reload was not finished" in self.told())

            self.said.clear()
            await self.until(self.reloaded(gateway))

        return Deferred.fromCoroutine(work())

    async def until(self, true: Callable[[], object]) -> None:
        for _ in range(1000):
            if true():
                return
            await deferLater(cast(Any, installed), 0.01)
        self.fail(f"not in time; the log is {self.told()}")

    def test_one_that_hangs_is_given_up_and_takes_one_thread(self) -> Deferred[None]:
        async def work() -> None:
            gateway = self.gateway()

            gateway.reload()
            await self.until(lambda: any("still being read" in line for line in self.told()))
            self.said.clear()
            gateway.reload()
            await self.until(lambda: any("still being read" in line for line in self.told()))
            self.assertEqual(self.reads, 1)

            self.free.set()
            self.said.clear()
            await self.until(self.reloaded(gateway))

        return Deferred.fromCoroutine(work())

    def reloaded(self, gateway: Gateway) -> Callable[[], bool]:
        def asked() -> bool:
            gateway.reload()
            return any(line.startswith("configuration reloaded") for line in self.told())

        return asked

    def test_a_proxy_that_stops_leaves_one_that_hangs_behind(self) -> Deferred[None]:
        async def work() -> None:
            gateway = self.gateway()
            gateway.reload()
            await self.until(lambda: self.reads)

            await gateway.stopService()

            gateway.reload()
            self.assertIn("configuration not reloaded: the proxy is stopping", self.told())
            self.assertEqual(self.reads, 1)

        return Deferred.fromCoroutine(work())
