"""The order in which flows are served, with flows that only count events."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from twisted.internet.epollreactor import EPollReactor
from twisted.internet.pollreactor import PollReactor
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.relay.fast.dispatcher import (
    HEAD_ROOM,
    LONE_QUANTUM,
    READABLE,
    SHARED_QUANTUM,
    WRITABLE,
    Dispatcher,
    dispatcher_of,
)


class FakeFlow:
    """A flow with so many chunks to read; each is one count of an eventfd."""

    def __init__(self, name: str, dispatcher: Dispatcher, served: list[str]) -> None:
        self.name = name
        self.fd = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_SEMAPHORE)
        self.events = READABLE
        self.bulk = False
        self.on_ready: Callable[[], object] = lambda: None
        self._dispatcher = dispatcher
        self._served = served
        dispatcher.add(self.fd, self)
        dispatcher.change(self.fd, False, 0, READABLE)

    def offer(self, chunks: int) -> None:
        os.eventfd_write(self.fd, chunks)

    def make_bulk(self, bulk: bool = True) -> None:
        self._dispatcher.reclassify(self.fd, bulk, self.events)
        self.bulk = bulk

    def watch(self, events: int) -> None:
        self._dispatcher.change(self.fd, self.bulk, self.events, events)
        self.events = events

    def ready(self, events: int) -> None:
        self._served.append(self.name)
        if events & READABLE:
            os.eventfd_read(self.fd)
        self.on_ready()

    def close(self) -> None:
        if self.fd >= 0:
            self._dispatcher.remove(self.fd, self.bulk, self.events)
            os.close(self.fd)
            self.fd = -1


class _Contract(SynchronousTestCase):
    """What holds on every reactor."""

    make_reactor: Callable[[], Any]

    def setUp(self) -> None:
        super().setUp()
        self.reactor: Any = type(self).make_reactor()
        self.dispatcher = Dispatcher(self.reactor)
        self.served: list[str] = []
        self.flows: list[FakeFlow] = []
        self.addCleanup(self.clean_up)

    def clean_up(self) -> None:
        for flow in self.flows:
            flow.close()
        left = self.reactor.removeAll()
        for reader in self.reactor._internalReaders:
            reader.connectionLost(None)
        self.assertEqual(left, [])

    def flow(self, name: str) -> FakeFlow:
        flow = FakeFlow(name, self.dispatcher, self.served)
        self.flows.append(flow)
        return flow

    def turn(self, times: int = 1) -> list[str]:
        """Let the reactor turn; returns the flows that were served."""
        before = len(self.served)
        for _ in range(times):
            self.reactor.iterate()
        return self.served[before:]

    def end_turns(self, flow: FakeFlow) -> None:
        """Let the reactor have something to do whenever this flow was served."""
        flow.on_ready = self.dispatcher.end_turn

    def test_a_flow_is_served_when_there_is_something_to_read(self) -> None:
        flow = self.flow("typist")
        self.end_turns(flow)
        self.assertEqual(self.turn(), [])

        flow.offer(1)

        self.assertEqual(self.turn(), ["typist"])

    def test_a_key_waits_for_one_chunk_only(self) -> None:
        film, typist = self.flow("film"), self.flow("typist")
        film.make_bulk()
        film.offer(3)
        film.on_ready = lambda: typist.offer(1)
        self.reactor.callLater(0, lambda: None)

        served = self.turn(10)

        self.assertEqual(served, ["film", "typist"] * 3)

    def test_the_interactive_are_first(self) -> None:
        films = [self.flow("film") for _ in range(3)]
        typist = self.flow("typist")
        for film in films:
            film.make_bulk()
            film.offer(1)
        typist.offer(1)

        self.assertEqual(self.turn(5), ["typist", "film", "film", "film"])

    def test_a_flow_that_is_bulk_no_more_is_interactive_again(self) -> None:
        film, changed = self.flow("film"), self.flow("changed")
        film.make_bulk()
        changed.make_bulk()
        changed.make_bulk(False)
        film.offer(2)
        film.on_ready = lambda: changed.offer(1)

        self.assertEqual(self.turn(10), ["film", "changed"] * 2)

    def test_the_quantum_is_shared_among_bulk_flows(self) -> None:
        sizes = [len(self.dispatcher.window)]
        for _ in range(20):
            self.flow("film").make_bulk()
            sizes.append(len(self.dispatcher.window))

        self.assertEqual(sizes[:4], [LONE_QUANTUM, LONE_QUANTUM, LONE_QUANTUM // 2, 349_525])
        self.assertEqual(sizes[-1], SHARED_QUANTUM)
        self.assertEqual(len(self.dispatcher.view), HEAD_ROOM + LONE_QUANTUM)
        for flow in self.flows:
            flow.close()
        self.assertEqual(len(self.dispatcher.window), LONE_QUANTUM)

    def test_a_flow_that_watches_nothing_is_left_alone(self) -> None:
        flow = self.flow("paused")
        flow.offer(1)
        flow.watch(0)

        self.assertEqual(self.turn(3), [])
        flow.make_bulk()
        self.assertEqual(self.turn(3), [])
        flow.watch(READABLE)
        self.end_turns(flow)
        self.assertEqual(self.turn(), ["paused"])

    def test_writable_is_told(self) -> None:
        flow = self.flow("full")
        flow.on_ready = lambda: flow.watch(READABLE)
        flow.watch(READABLE | WRITABLE)

        self.assertEqual(self.turn(3), ["full"])

    def test_a_flow_that_was_closed_in_the_same_turn_is_not_served(self) -> None:
        one, other = self.flow("one"), self.flow("other")
        for flow, victim in ((one, other), (other, one)):
            flow.offer(1)
            flow.on_ready = victim.close

        self.assertEqual(len(self.turn(3)), 1)

    def test_a_new_flow_may_have_the_number_of_one_that_was_closed(self) -> None:
        old = self.flow("old")
        old.make_bulk()
        number = old.fd
        old.close()

        new = self.flow("new")
        self.end_turns(new)
        new.offer(1)

        self.assertEqual(new.fd, number)
        self.assertEqual(self.turn(), ["new"])

    def test_a_defect_of_one_flow_does_not_stop_the_others(self) -> None:
        broken, film, typist = self.flow("broken"), self.flow("film"), self.flow("typist")
        film.make_bulk()

        def fail() -> None:
            raise RuntimeError("a defect")

        for flow in (broken, film):
            flow.offer(1)
            flow.on_ready = fail
        self.turn(3)
        typist.offer(1)

        self.assertEqual(sorted(self.served), ["broken", "film"])
        self.assertEqual(self.turn(3), ["typist"])
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 2)

    def test_nothing_is_left_in_the_reactor_after_the_last_flow(self) -> None:
        one, other = self.flow("one"), self.flow("other")
        self.assertEqual(len(self.reactor.getReaders()), 2)  # one of them is the reactor's own

        one.close()
        self.assertEqual(len(self.reactor.getReaders()), 2)
        other.close()

        self.assertEqual(len(self.reactor.getReaders()), 1)

    def test_the_last_flow_may_close_while_it_is_served(self) -> None:
        for last in (self.flow("last"), self.flow("film")):
            last.offer(1)
            last.on_ready = last.close
        self.flows[-1].make_bulk()
        self.reactor.callLater(0, lambda: None)

        self.turn(4)

        self.assertEqual(len(self.reactor.getReaders()), 1)

    def flood(self, bulk: bool) -> FakeFlow:
        """Return a flow that is ready again and again until it is stopped."""
        flow = self.flow("flood")
        flow.on_ready = lambda: self.offer_again(flow)
        flow.offer(1)
        if bulk:
            flow.make_bulk()
        return flow

    def offer_again(self, flow: FakeFlow) -> None:
        if len(self.served) < 100_000:
            flow.offer(1)

    def assert_not_kept_waiting(
        self, bulk: bool, ask: Callable[[Callable[[], None]], None]
    ) -> None:
        """Request a call and let the reactor turn until it was made."""
        flow = self.flood(bulk)

        def stop() -> None:
            flow.on_ready = lambda: None

        ask(stop)
        self.turn(3)

        self.assertLess(len(self.served), 100_000)
        flow.close()

    def test_timers_are_not_kept_waiting_by_flows_that_are_always_ready(self) -> None:
        for bulk in (False, True):
            self.assert_not_kept_waiting(bulk, lambda stop: self.reactor.callLater(0.001, stop))

    def test_other_threads_are_not_kept_waiting_by_flows_that_are_always_ready(self) -> None:
        for bulk in (False, True):
            self.assert_not_kept_waiting(bulk, self.reactor.callFromThread)


class ImpatientReactor(EPollReactor):
    """It does not wait for long: nothing but the test can happen."""

    longest = 0.002

    def timeout(self) -> float:
        due = super().timeout()
        return self.longest if due is None else min(due, self.longest)


class EPollTests(_Contract):
    make_reactor = ImpatientReactor

    def test_a_turn_goes_on_while_there_is_something_to_read(self) -> None:
        flow = self.flow("flow")
        flow.offer(1)

        def offer() -> None:
            if len(self.served) < 50:
                flow.offer(1)

        flow.on_ready = offer
        self.reactor.longest = 0.5

        self.assertEqual(len(self.turn()), 50)

    def test_a_turn_ends_when_it_is_asked_to(self) -> None:
        flow = self.flow("flow")
        flow.offer(50)
        self.end_turns(flow)

        self.assertEqual(len(self.turn()), 1)

    def test_a_turn_ends_for_what_the_reactor_watches(self) -> None:
        flow, film = self.flow("flow"), self.flow("film")
        flow.offer(50)
        film.offer(50)
        film.make_bulk()
        self.turn(0)
        self.reactor.wakeUp()

        self.assertLess(len(self.turn()), 8)


class OtherReactorTests(_Contract):
    make_reactor = PollReactor


del _Contract


class DispatcherOfTests(SynchronousTestCase):
    def test_there_is_one_for_each_reactor(self) -> None:
        one, other = EPollReactor(), PollReactor()
        for reactor in (one, other):
            for reader in reactor._internalReaders:
                self.addCleanup(reader.connectionLost, None)

        self.assertIs(dispatcher_of(one), dispatcher_of(one))
        self.assertIsNot(dispatcher_of(one), dispatcher_of(other))
