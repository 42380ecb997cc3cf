"""How many wait for screens, at how many machines, and for how long; consoles are in memory."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, execute
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import Busy, ClientGone, ConsoleOccupied, UpstreamViolation, VNCProxyError
from vncproxy.model import VMAddress
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.testing import MemoryPeer
from vncproxy.watching import waiting
from vncproxy.watching.waiting import LINGER, MOST_OF_ONE, MOST_WAITING, OPENING_TIME, Waiting
from vncproxy.watching.wanted import Area, Seen, Wanted
from vncproxy.watching.watch import ANSWER_TIME, CHECKED

SIDE = 32
INIT = struct.pack(">HH", SIDE, SIDE) + bytes(16) + bytes(4)
REQUEST = struct.Struct(">BBHHHH")
SOON = Wanted(stable_for=1.0, timeout=30.0)
HEADS = {0: 20, 2: 4}


class Console:
    """A console's server of one colour, which answers when it is told to."""

    def __init__(self, clock: Clock) -> None:
        self.leg = Leg(RawFraming(), clock, ClientGone)
        self.peer = MemoryPeer(self.leg, 1 << 20)
        self.colour = b"\0\0\xff\0"
        self.changed = True

    def answer(self) -> None:
        """Send what was asked for: areas at once, changes where there are some."""
        data = self.peer.receive()
        while data:
            size = REQUEST.size if data[0] == 3 else HEADS[data[0]]
            if data[0] == 2:
                size += 4 * int.from_bytes(data[2:4], "big")
            request, data = data[:size], data[size:]
            if request[0] == 3 and (not request[1] or self.changed):
                self.send(*REQUEST.unpack(request)[2:])

    def send(self, x: int, y: int, width: int, height: int) -> None:
        self.changed = False
        head = struct.pack(">BxHHHHHi", 0, 1, x, y, width, height, 0)
        self.peer.send(head + self.colour * (width * height))

    def paint(self, colour: bytes) -> None:
        """Change the whole screen, which the server sends as soon as that is asked for."""
        self.colour = colour
        self.send(0, 0, SIDE, SIDE)


class WaitingCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.consoles: dict[VMAddress, list[Console]] = {}
        self.refusal: VNCProxyError | None = None
        self.waiting = Waiting(self.open, self.allowed, self.in_thread, self.clock)

    async def open(self, vm: VMAddress) -> tuple[Leg, bytes]:
        console = Console(self.clock)
        self.consoles.setdefault(vm, []).append(console)
        return console.leg, INIT

    async def allowed(self, vm: VMAddress) -> None:
        if self.refusal is not None:
            raise self.refusal

    def in_thread(self, function: Callable[..., Any], *args: Any) -> Deferred[Any]:
        return execute(function, *args)

    def wait(self, name: str = "web-01", wanted: Wanted = SOON, by: str = "ci") -> Deferred[Any]:
        found = self.waiting.wait(VMAddress("kvm", name), wanted, by)
        return Deferred.fromCoroutine(found)

    def only(self, name: str = "web-01") -> Console:
        (console,) = self.consoles[VMAddress("kvm", name)]
        return console

    def go_on(self, seconds: float) -> None:
        """Let time pass, in which consoles answer."""
        for _ in range(int(seconds / 0.1)):
            self.clock.advance(0.1)
            for consoles in self.consoles.values():
                for console in consoles:
                    console.answer()

    def seen(self, waiting: Deferred[Any]) -> Seen:
        found: Seen = self.successResultOf(waiting)
        return found


class SeenTests(WaitingCase):
    def test_a_screen_that_is_still(self) -> None:
        first = self.wait()
        self.go_on(0.5)
        self.assertNoResult(first)
        self.go_on(1.0)
        seen = self.seen(first)
        self.assertEqual((seen.width, seen.height, seen.stable, seen.changed), (32, 32, True, None))

    def test_all_that_wait_for_a_machine_share_a_connection(self) -> None:
        results = [self.wait(by=f"k{number}") for number in range(5)]
        self.go_on(1.5)
        self.assertEqual(len({self.seen(each).digest for each in results}), 1)
        self.only()

    def test_one_that_changes_all_the_time_is_answered_at_the_end(self) -> None:
        waiting = self.wait(wanted=Wanted(stable_for=1.0, timeout=5.0))
        self.go_on(0.2)
        for number in range(12):
            self.assertNoResult(waiting)
            self.only().paint(bytes((number, number, 255, 0)))
            self.go_on(0.4)
        self.go_on(0.2)
        self.assertFalse(self.seen(waiting).stable)

    def test_another_screen_than_before(self) -> None:
        first = self.wait()
        self.go_on(1.5)
        digest = self.seen(first).digest
        second = self.wait(wanted=Wanted(1.0, 30.0, changed_from=digest))
        self.go_on(5.0)
        self.assertNoResult(second)
        self.only().paint(b"\0\xff\0\0")
        self.go_on(1.5)
        seen = self.seen(second)
        self.assertEqual((seen.changed, seen.stable), (True, True))
        self.assertNotEqual(seen.digest, digest)

    def test_what_is_left_out_may_change(self) -> None:
        area = Area(0, 0, SIDE, SIDE)
        waiting = self.wait(wanted=Wanted(1.0, 30.0, ignored=(area,)))
        self.go_on(0.2)
        for number in range(4):
            self.only().paint(bytes((number, 0, 0, 0)))
            self.go_on(0.4)
        self.assertTrue(self.seen(waiting).stable)


class LimitTests(WaitingCase):
    def test_requests_of_one_caller(self) -> None:
        for _ in range(MOST_OF_ONE):
            self.wait()
        self.failureResultOf(self.wait(), Busy)
        self.assertNoResult(self.wait(by="another"))

    def test_requests_of_all(self) -> None:
        for number in range(MOST_WAITING):
            self.wait(by=f"k{number}")
        self.failureResultOf(self.wait(by="one more"), Busy)

    def test_one_that_has_its_answer_or_leaves_makes_room(self) -> None:
        for _ in range(MOST_OF_ONE - 1):
            self.wait(wanted=Wanted(1.0, 2.0))
        leaving = self.wait(wanted=Wanted(60.0, 300.0))
        self.go_on(0.5)
        leaving.cancel()
        leaving.addErrback(lambda _: None)
        self.assertNoResult(self.wait(wanted=Wanted(60.0, 300.0)))
        self.failureResultOf(self.wait(), Busy)
        self.go_on(2.5)
        self.assertNoResult(self.wait(wanted=Wanted(60.0, 300.0)))

    def test_machines_that_are_watched(self) -> None:
        for number in range(waiting.MOST_WATCHED):
            self.wait(f"m{number}", by=f"k{number}")
        error = self.failureResultOf(self.wait("one-more"), Busy).value
        self.assertIn("machines are watched", error.detail)
        self.assertNoResult(self.wait("m0"))

    def test_machines_whose_consoles_are_being_opened_count(self) -> None:
        self.patch(waiting, "MOST_WATCHED", 1)
        first = self.wait("m0")
        self.failureResultOf(self.wait("m1"), Busy)
        self.clock.advance(OPENING_TIME + 1)
        self.failureResultOf(first, Busy)
        self.assertNoResult(self.wait("m1"))


class TimeTests(WaitingCase):
    def test_a_console_that_sends_no_screen(self) -> None:
        first, second = self.wait(), self.wait()
        self.clock.advance(OPENING_TIME)
        for each in (first, second):
            self.assertIn("no screen within 15 s", self.failureResultOf(each, Busy).value.detail)
        self.assertTrue(self.only().leg.is_closing)
        self.assertEqual(self.waiting._watches, {})

    def test_a_server_that_answers_no_more(self) -> None:
        self.wait()
        self.go_on(1.5)
        waiting = self.wait(wanted=Wanted(5.0, 60.0))
        self.clock.pump([0.1] * int((ANSWER_TIME + 6) / 0.1))
        error = self.failureResultOf(waiting, UpstreamViolation).value
        self.assertIn("no answer in 5 s", error.detail)
        self.assertTrue(self.only().leg.is_closing)
        self.assertNoResult(self.wait())
        self.assertEqual(len(self.consoles[VMAddress("kvm", "web-01")]), 2)

    def test_a_machine_that_may_not_be_looked_at_any_more(self) -> None:
        waiting = self.wait(wanted=Wanted(60.0, 300.0))
        self.go_on(1.0)
        self.refusal = ConsoleOccupied("another session has it to itself")
        self.go_on(CHECKED + 1)
        self.failureResultOf(waiting, ConsoleOccupied)
        self.assertTrue(self.only().leg.is_closing)
        self.failureResultOf(self.wait(), ConsoleOccupied)

    def test_a_connection_that_ends(self) -> None:
        waiting = self.wait()
        self.go_on(0.5)
        self.only().peer.close()
        self.go_on(0.2)
        self.failureResultOf(waiting, VNCProxyError)
        self.assertEqual(self.waiting._watches, {})

    def test_a_screen_that_none_waits_for_is_watched_for_a_while(self) -> None:
        self.wait()
        self.go_on(LINGER - 1)
        self.wait()
        self.go_on(LINGER - 1)
        self.assertFalse(self.only().leg.is_closing)
        self.go_on(LINGER)
        self.assertTrue(self.only().leg.is_closing)
        self.assertEqual(self.waiting._watches, {})
        self.go_on(10)
        self.assertEqual(self.clock.getDelayedCalls(), [])
