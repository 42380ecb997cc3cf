"""One drives at a time, among processes that may be cut off from what they share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given, settings
from tests.properties import strategies as st
from vncproxy.errors import StoreUnavailable
from vncproxy.model import Mode, VMAddress
from vncproxy.session.rights import Rights
from vncproxy.together.driving import Driving, Seat

VM = VMAddress("kvm", "web-01")
LEASE = 10.0
"""Seconds for which a process counts on the store after a heartbeat."""

EXPIRY = 15.0
"""Seconds after which the store counts a process no more."""

PROCESSES = 4


class Session:
    """What driving has of a session."""

    def __init__(self, name: str) -> None:
        self.id = name.partition("/")[2]
        self.vm = VM
        self.rights = Rights()
        self.rights.set_mode(Mode.CONTROL)
        self.ending = False


class Store:
    """The driver of a machine, for processes that live while they send heartbeats."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.driver = ""
        self.beats: dict[str, float] = {}
        self.left: set[str] = set()

    def lives(self, name: str) -> bool:
        beat = self.beats.get(name.partition("/")[0], float("-inf"))
        return name not in self.left and self.clock.seconds() - beat < EXPIRY

    def drive(self, name: str, *, wants: bool) -> str:
        if self.driver and not self.lives(self.driver):
            self.driver = ""
        if wants and not self.driver and self.lives(name):
            self.driver = name
        return self.driver

    def give(self, name: str, other: str) -> str:
        if self.driver != name:
            return self.drive(name, wants=False)
        self.driver = other if other and self.lives(other) else ""
        return self.driver


class Process:
    """One process: its way to the store may be slow, or cut; its answers come when it is told."""

    def __init__(self, number: int, store: Store, clock: Clock) -> None:
        self.name = f"w{number}"
        self.store = store
        self.cut = False
        self.late: list[Callable[[], None]] = []
        machines: Any = self
        self.driving = Driving(machines, lambda each: f"{self.name}/{each.id}", clock, LEASE)
        self.session = Session(f"{self.name}/s{number}")

    @property
    def seat(self) -> Seat:
        seat = self.driving.seat(self.session)  # type: ignore[arg-type]
        assert seat is not None
        return seat

    async def drive(self, vm: VMAddress, name: str, *, wants: bool) -> str:
        return await self._call(lambda: self.store.drive(name, wants=wants))

    async def give(self, vm: VMAddress, name: str, other: str) -> str:
        return await self._call(lambda: self.store.give(name, other))

    async def _call(self, work: Callable[[], str]) -> str:
        if self.cut:
            raise StoreUnavailable("cut off")
        answer, arrives = work(), Deferred[str]()
        self.late.append(lambda: arrives.callback(answer))
        return await arrives

    def beat(self) -> None:
        if not self.cut:
            self.store.beats[self.name] = self.store.clock.seconds()
            self.driving.renew()

    def arrive(self) -> None:
        if self.late:
            self.late.pop(0)()

    def start(self, coroutine: Any) -> None:
        Deferred.fromCoroutine(coroutine).addErrback(lambda why: why.trap(StoreUnavailable))

    @property
    def drives(self) -> bool:
        return self.session.rights.may_control and not self.session.ending


class World:
    def __init__(self) -> None:
        self.clock = Clock()
        self.store = Store(self.clock)
        self.processes = [Process(n, self.store, self.clock) for n in range(PROCESSES)]
        for each in self.processes:
            each.beat()
            each.start(each.driving.begin(each.session))  # type: ignore[arg-type]
            each.arrive()

    def drivers(self) -> list[str]:
        return [each.name for each in self.processes if each.drives]

    def wait(self, seconds: int) -> None:
        for _ in range(seconds):
            self.clock.advance(1)
            for each in self.processes:
                each.beat()


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "give", "read", "arrive", "cut", "heal", "wait", "leave"]),
        st.integers(0, PROCESSES - 1),
        st.integers(0, PROCESSES - 1),
    ),
    max_size=40,
)


class DrivingTests(SynchronousTestCase):
    def test_the_first_drives(self) -> None:
        self.assertEqual(World().drivers(), ["w0"])

    def test_one_that_is_cut_off_stops_before_another_begins(self) -> None:
        world = World()
        first, second = world.processes[:2]
        first.cut = True
        for _ in range(30):
            world.wait(1)
            second.start(second.driving.read(second.seat, wants=True))
            second.arrive()
            self.assertLessEqual(len(world.drivers()), 1)
        self.assertEqual(world.drivers(), ["w1"])

        first.cut = False
        first.beat()
        first.arrive()
        self.assertEqual(world.drivers(), ["w1"])

    def test_one_that_comes_back_in_time_drives_on(self) -> None:
        world = World()
        first = world.processes[0]
        first.cut = True
        world.wait(12)
        self.assertEqual(world.drivers(), [])
        first.cut = False
        first.beat()
        first.arrive()
        self.assertEqual(world.drivers(), ["w0"])

    def test_an_answer_from_before_the_hand_over_changes_nothing(self) -> None:
        world = World()
        first, second = world.processes[:2]
        first.driving.changed(VM)
        first.start(first.driving.give(first.seat, second.seat.name))
        second.driving.changed(VM)
        second.arrive()
        self.assertEqual(world.drivers(), ["w1"])
        first.arrive()
        self.assertEqual(world.drivers(), ["w1"])

    @settings(max_examples=300, deadline=None)
    @given(STEPS)
    def test_two_never_drive_at_once(self, steps: list[tuple[str, int, int]]) -> None:
        world = World()
        for what, number, other in steps:
            process = world.processes[number]
            to = world.processes[other].seat.name
            match what:
                case "ask":
                    process.start(process.driving.read(process.seat, wants=True))
                case "give":
                    process.start(process.driving.give(process.seat, to))
                case "read":
                    process.driving.changed(VM)
                case "arrive":
                    process.arrive()
                case "cut" | "heal":
                    process.cut = what == "cut"
                case "wait":
                    world.wait(1 + number * 3)
                case "leave":
                    process.session.ending = True
                    world.store.left.add(process.seat.name)
            self.assertLessEqual(len(world.drivers()), 1, (what, number))
