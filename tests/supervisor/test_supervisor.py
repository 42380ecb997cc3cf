"""What the supervisor tells its workers and systemd, without processes."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.workers import MemoryLauncher, Worker, connect
from vncproxy.supervisor import process, supervisor
from vncproxy.supervisor.generation import LONGEST_PAUSE
from vncproxy.supervisor.supervisor import CHECK_PERIOD, Supervisor


class Reactor(Clock):
    """A clock whose threads are done at once."""

    def getThreadPool(self) -> Any:
        return SimpleNamespace(callInThreadWithCallback=self._call)

    def callFromThread(self, call: Callable[..., object], *args: object) -> None:
        call(*args)

    def _call(self, done: Callable[[bool, Any], None], call: Any, *args: Any, **more: Any) -> None:
        done(True, call(*args, **more))


class Told:
    """Notes the calls of methods, by their names."""

    watchdog = None

    def __init__(self) -> None:
        self.calls: list[str] = []

    def __getattr__(self, name: str) -> Callable[..., None]:
        return lambda *_: self.calls.append(name)


class SupervisorCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.place = Path(self.mktemp()).resolve()
        self.place.mkdir()
        self.patch(os, "environ", {**os.environ, "RUNTIME_DIRECTORY": str(self.place)})
        self.patch(process, "open_channel", connect)
        self.installed = b"1"
        self.patch(supervisor, "fingerprint", lambda: self.installed)
        path = self.place / "vncproxy.toml"
        path.touch()
        self.reactor = Reactor()
        self.launcher = MemoryLauncher(self.reactor)
        self.workers = self.launcher.workers
        self.log_file, self.notifier, sockets = Told(), Told(), Told()
        given: Any = (sockets, lambda _: self.launcher, self.log_file, self.notifier, self.reactor)
        self.supervisor = Supervisor(path, 2, *given)
        self.supervisor.startService()
        for worker in self.workers:
            self.become_ready(worker)
        self.addCleanup(self.supervisor.stopService)

    def become_ready(self, worker: Worker) -> None:
        name = f"id{self.workers.index(worker)}"
        worker.says(**{"is": "ready", "worker": name, "workers": 2})

    def answer(self, worker: Worker, **more: object) -> None:
        worker.says(**{"is": "alive", "sessions": 0, "room": True, "draining": False, **more})

    def orders(self) -> list[list[str]]:
        """Return what each worker was told since the last call, but for pings."""
        return [[order for order in each.told() if order != "ping"] for each in self.workers]


class WatchTests(SupervisorCase):
    def test_systemd_is_told_where_metrics_cannot_be_written(self) -> None:
        shutil.rmtree(self.place)
        self.notifier.calls.clear()

        with capturedLogs() as logged:
            for _ in range(3):
                self.reactor.advance(CHECK_PERIOD)

        self.assertEqual(self.notifier.calls, ["alive"] * 3)
        self.assertEqual(len(logged), 1)


class FullTests(SupervisorCase):
    def setUp(self) -> None:
        super().setUp()
        for worker in self.workers:
            self.answer(worker)
        self.reactor.advance(CHECK_PERIOD)
        self.orders()

    def test_the_others_learn_at_once_that_one_is_full(self) -> None:
        self.workers[0].says(**{"is": "full"})
        self.assertEqual(self.orders(), [[], ["room"]])

        self.workers[1].says(**{"is": "full"})
        self.assertEqual(self.orders(), [["room"], []])

    def test_nothing_is_told_twice(self) -> None:
        for _ in range(3):
            self.workers[0].says(**{"is": "full"})

        self.assertEqual(self.orders(), [[], ["room"]])


class EndedTests(SupervisorCase):
    def test_another_one_ends_the_announcement_of_one_that_was_killed(self) -> None:
        self.orders()
        self.workers[0].end()

        self.assertEqual(self.orders(), [[], ["forget"]])

    def test_the_next_one_does_where_there_is_no_other(self) -> None:
        for worker in self.workers:
            worker.end()
        self.reactor.advance(LONGEST_PAUSE)
        self.orders()
        for worker in self.workers[2:]:
            self.become_ready(worker)
        self.reactor.advance(CHECK_PERIOD)

        told = [order for orders in self.orders()[2:] for order in orders]
        self.assertEqual(told.count("forget"), 2)

    def test_one_that_never_was_ready_is_announced_nowhere(self) -> None:
        self.workers[0].end()
        self.reactor.advance(LONGEST_PAUSE)
        self.orders()
        self.workers[2].end()

        self.assertEqual(self.orders()[:2], [[], []])


class ReloadTests(SupervisorCase):
    def upgrade(self) -> None:
        """Let a reload find another version, whose workers become ready."""
        self.orders()
        self.installed += b"1"
        self.supervisor.reload()
        for worker in self.workers[2:]:
            self.become_ready(worker)

    def test_files_are_opened_again_when_it_becomes_an_upgrade(self) -> None:
        self.upgrade()

        old, new = ["retire", "reopen"], ["serve", "reopen"]
        self.assertEqual(self.orders(), [old, old, new, new])
        self.assertIn("reopen", self.log_file.calls)

    def test_an_upgrade_leaves_a_drained_proxy_drained(self) -> None:
        self.answer(self.workers[0], draining=True)
        self.reactor.advance(CHECK_PERIOD)

        self.upgrade()

        self.assertEqual([told[:2] for told in self.orders()[2:]], [["serve", "drain"]] * 2)

    def test_workers_that_retire_drain_no_proxy(self) -> None:
        self.upgrade()
        self.orders()
        self.answer(self.workers[0], draining=True)
        for worker in self.workers[2:]:
            self.answer(worker)
        self.reactor.advance(CHECK_PERIOD)

        self.assertEqual(self.orders(), [[]] * 4)

    def reload(self, first: list[str], second: list[str]) -> str:
        """Let both workers answer to a reload with their errors; returns the last line logged."""
        self.supervisor.reload()
        for worker in self.workers:
            worker.says(**{"is": "prepared", "id": 1, "errors": []})
        with capturedLogs() as logged:
            for worker, errors in zip(self.workers, (first, second), strict=True):
                worker.says(**{"is": "applied", "id": 1, "errors": errors, "workers": 2})
        return str(formatEvent(logged[-1]))

    def test_a_worker_that_cannot_apply_it_is_told(self) -> None:
        said = self.reload([], ["a defect: KeyError"])

        self.assertIn("configuration reloaded: not in all workers: a defect: KeyError;", said)

    def test_where_none_can_apply_it_it_is_not_reloaded(self) -> None:
        said = self.reload(["a defect: KeyError"], ["a defect: KeyError"])

        self.assertEqual(said, "configuration: a defect: KeyError")


class DrainTests(SupervisorCase):
    def test_workers_that_start_again_drain_where_all_have_ended(self) -> None:
        for worker in self.workers:
            self.answer(worker, draining=True)
        self.reactor.advance(CHECK_PERIOD)
        for worker in self.workers:
            worker.end()
        self.reactor.advance(LONGEST_PAUSE)
        for worker in self.workers[2:]:
            self.become_ready(worker)

        self.assertEqual(self.orders()[2:], [["serve", "drain"]] * 2)

    def test_those_that_are_drained_and_killed_at_once_are_replaced_by_drained_ones(self) -> None:
        for worker in self.workers:
            worker.says(**{"is": "drained"})
            worker.end()
        self.reactor.advance(LONGEST_PAUSE)
        for worker in self.workers[2:]:
            self.become_ready(worker)

        self.assertEqual([told[:2] for told in self.orders()[2:]], [["serve", "drain"]] * 2)

    def test_an_upgrade_that_follows_at_once_leaves_it_drained(self) -> None:
        self.installed += b"1"
        self.supervisor.reload()
        self.workers[0].says(**{"is": "drained"})
        for worker in self.workers[2:]:
            self.become_ready(worker)

        self.assertEqual([told[:2] for told in self.orders()[2:]], [["serve", "drain"]] * 2)

    def test_one_that_missed_the_order_drains(self) -> None:
        self.orders()
        self.answer(self.workers[0], draining=True)
        self.answer(self.workers[1])
        self.reactor.advance(CHECK_PERIOD)

        self.assertEqual(self.orders(), [[], ["drain"]])
