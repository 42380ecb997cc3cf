"""One caller types at a machine after the other, also where they come to several processes."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from twisted.internet.defer import CancelledError, Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import Busy, StoreUnavailable
from vncproxy.model import VMAddress
from vncproxy.typist.machine_turns import AGAIN, LEASE, LONGEST_WAIT, MOST_WAITING, MachineTurns

WEB, DB = VMAddress("kvm", "web-01"), VMAddress("kvm", "db-01")


class Store:
    """Turns as Redis has them: by process, until they end."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.held: dict[str, tuple[str, float]] = {}
        self.is_away = False

    def of(self, process: str) -> OneProcess:
        return OneProcess(self, process)


class OneProcess:
    """The turns of one process."""

    def __init__(self, store: Store, process: str) -> None:
        self.store, self.process = store, process

    def take(self, what: str, seconds: float) -> Awaitable[bool]:
        if self.store.is_away:
            return fail(StoreUnavailable())
        now = self.store.clock.seconds()
        holder, until = self.store.held.get(what, (self.process, 0.0))
        if holder != self.process and until > now:
            return succeed(False)
        self.store.held[what] = self.process, now + seconds
        return succeed(True)

    def give_back(self, what: str) -> Awaitable[object]:
        if self.store.is_away:
            return fail(StoreUnavailable())
        if self.store.held.get(what, ("", 0.0))[0] == self.process:
            del self.store.held[what]
        return succeed(None)


class TurnsCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.begun: list[str] = []
        self.work: dict[str, Deferred[str]] = {}

    def run_in(self, turns: MachineTurns, name: str, vm: VMAddress = WEB) -> Deferred[Any]:
        """Begin work of a name, once it is its turn."""

        def begin() -> Deferred[str]:
            self.begun.append(name)
            self.work[name] = Deferred()
            return self.work[name]

        return Deferred.fromCoroutine(turns.run(vm, begin))

    def end(self, name: str) -> None:
        self.work[name].callback(name)


class OneProcessTests(TurnsCase):
    def setUp(self) -> None:
        super().setUp()
        self.turns = MachineTurns(self.clock)

    def test_one_after_the_other_in_the_order_of_the_calls(self) -> None:
        results = [self.run_in(self.turns, name) for name in "abc"]
        self.assertEqual(self.begun, ["a"])
        self.end("a")
        self.assertEqual(self.begun, ["a", "b"])
        self.end("b")
        self.end("c")
        self.assertEqual([self.successResultOf(each) for each in results], ["a", "b", "c"])
        self.assertEqual(self.turns._locks, {})

    def test_other_machines_do_not_wait(self) -> None:
        self.run_in(self.turns, "a")
        self.run_in(self.turns, "b", DB)
        self.assertEqual(self.begun, ["a", "b"])

    def test_one_that_fails_lets_the_next_one_begin(self) -> None:
        failing = self.run_in(self.turns, "a")
        self.run_in(self.turns, "b")
        self.work["a"].errback(Busy())
        self.failureResultOf(failing, Busy)
        self.assertEqual(self.begun, ["a", "b"])

    def test_one_that_leaves_while_it_waits_never_begins(self) -> None:
        first, leaving, last = (self.run_in(self.turns, name) for name in "abc")
        leaving.cancel()
        self.failureResultOf(leaving, CancelledError)
        self.end("a")
        self.assertEqual(self.begun, ["a", "c"])
        self.end("c")
        self.assertEqual((self.successResultOf(first), self.successResultOf(last)), ("a", "c"))

    def test_one_that_is_cancelled_while_it_works_ends_first(self) -> None:
        first = self.run_in(self.turns, "a")
        self.run_in(self.turns, "b")
        first.cancel()
        self.failureResultOf(first, CancelledError)
        self.assertEqual(self.begun, ["a", "b"])

    def test_waiting_ends(self) -> None:
        self.run_in(self.turns, "a")
        waiting = self.run_in(self.turns, "b")
        self.clock.advance(LONGEST_WAIT)
        error = self.failureResultOf(waiting, Busy).value
        self.assertIn("Keys are being typed at this machine", error.sentence())
        self.end("a")
        self.assertEqual((self.begun, self.turns._locks), (["a"], {}))

    def test_so_many_wait(self) -> None:
        for number in range(MOST_WAITING + 1):
            self.run_in(self.turns, str(number))
        self.failureResultOf(self.run_in(self.turns, "one more"), Busy)


class SeveralProcessesTests(TurnsCase):
    def setUp(self) -> None:
        super().setUp()
        self.store = Store(self.clock)
        self.here, self.there = (
            MachineTurns(self.clock, self.store.of(name)) for name in ("p1", "p2")
        )

    def test_another_process_waits_for_the_end(self) -> None:
        self.run_in(self.here, "a")
        other = self.run_in(self.there, "b")
        for _ in range(10):
            self.clock.advance(LEASE / 3)
        self.assertEqual(self.begun, ["a"])
        self.end("a")
        self.clock.advance(AGAIN)
        self.end("b")
        self.assertEqual(self.successResultOf(other), "b")
        self.assertEqual((self.store.held, self.clock.getDelayedCalls()), ({}, []))

    def test_one_that_was_killed_blocks_it_for_a_while_only(self) -> None:
        self.store.held["type:kvm/web-01"] = "p0", LEASE
        self.run_in(self.here, "a")
        self.clock.pump([AGAIN] * 10)
        self.assertEqual(self.begun, [])
        self.clock.pump([AGAIN] * int(LEASE / AGAIN))
        self.assertEqual(self.begun, ["a"])

    def test_waiting_for_another_process_ends(self) -> None:
        self.store.held["type:kvm/web-01"] = "p0", 1e9
        waiting = self.run_in(self.here, "a")
        self.clock.pump([1.0] * int(LONGEST_WAIT + 1))
        self.failureResultOf(waiting, Busy)
        self.assertEqual(self.begun, [])

    def test_a_process_that_stood_still_ends_what_it_does(self) -> None:
        working = self.run_in(self.here, "a")
        self.store.held["type:kvm/web-01"] = "p2", 1e9
        self.clock.advance(LEASE / 3)
        self.failureResultOf(working, CancelledError)
        self.assertEqual(self.store.held["type:kvm/web-01"], ("p2", 1e9))

    def test_an_outage_ends_nothing_and_begins_nothing(self) -> None:
        working = self.run_in(self.here, "a")
        self.store.is_away = True
        self.clock.advance(LEASE)
        self.failureResultOf(self.run_in(self.there, "b"), StoreUnavailable)
        self.end("a")
        self.assertEqual(self.successResultOf(working), "a")
        self.store.is_away = False
        self.run_in(self.here, "c")
        self.assertEqual(self.begun, ["a", "c"])
