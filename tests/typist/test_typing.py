"""Sessions that type, in memory: what reaches the console, and what ends them."""

from __future__ import annotations

import struct
from typing import Any

from twisted.internet.defer import Deferred
from twisted.python.failure import Failure

from tests.doubles.proxy_in_memory import WEB_01, ProxyTestCase
from vncproxy.errors import (
    ConsoleInUse,
    ConsoleOccupied,
    EndedByAdministrator,
    Forbidden,
    KeysInterrupted,
    OutsideHours,
    UpstreamUnreachable,
    VMNotFound,
)
from vncproxy.keyboard import Pause, Press, Script, TypingOrder, load_layout
from vncproxy.keyboard.messages import ANNOUNCE, ASK, key_message
from vncproxy.keyboard.script import presses
from vncproxy.model import Mode, Policy, Sharing, VMAddress
from vncproxy.testing import MemoryPeer
from vncproxy.typist.machine_turns import MachineTurns
from vncproxy.typist.typing import Typing

US = load_layout("us")
PIXEL = struct.pack(">BxHHHHHi4x", 0, 1, 0, 0, 1, 1, 0)
CODES = struct.pack(">BxHHHHHi", 0, 1, 0, 0, 640, 400, -258)


def script(text: str, rate: float = 20) -> Script:
    return Script(tuple(presses(US.strokes(text))), rate, len(text))


def events(text: str, *, codes: bool) -> bytes:
    """Return the messages that type a text."""
    return b"".join(
        key_message(key, down=down, codes=codes)
        for chord in US.strokes(text)
        for down, keys in ((True, chord), (False, tuple(reversed(chord))))
        for key in keys
    )


class TypingTestCase(ProxyTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.refused: Exception | None = None
        self.asked_for_room: list[VMAddress] = []
        self.typing = Typing(self.sessions, self.has_room, MachineTurns(self.reactor))
        self.result: list[Any] = []

    async def has_room(self, vm: VMAddress) -> None:
        self.asked_for_room.append(vm)
        if self.refused is not None:
            raise self.refused

    def type(self, what: Script | str, policy: Policy | None = None, **more: Any) -> None:
        """Begin to type; `result` has what becomes of it."""
        wanted = script(what) if isinstance(what, str) else what
        order = TypingOrder(
            more.pop("vm", WEB_01), "ci", "192.0.2.7", policy or Policy(), wanted, **more
        )
        self.running = Deferred.fromCoroutine(self.typing.type_keys(order))
        self.running.addBoth(self.result.append)

    def opened(self, *, codes: bool = False) -> MemoryPeer:
        """Return the console, which is asked for a pixel and has answered."""
        console = self.console()
        self.reactor.advance(0)
        self.reactor.advance(0)
        self.assertEqual(console.receive(), ANNOUNCE + ASK)
        console.send((CODES if codes else b"") + PIXEL)
        self.reactor.advance(0)
        self.reactor.advance(0.2)
        return console

    def typed_at(self, console: MemoryPeer, seconds: float = 10.0) -> bytes:
        """Let time pass; returns what has reached the console."""
        found = b""
        for _ in range(int(seconds / 0.01)):
            self.reactor.advance(0.01)
            found += console.receive()
            if found.endswith(ASK):
                console.send(PIXEL)
        return found

    def why(self) -> Any:
        """Return why not all was typed."""
        (failure,) = self.result
        assert isinstance(failure, Failure), failure
        return failure.value


class ArrivalTests(TypingTestCase):
    def test_keysyms_reach_a_server_that_takes_no_scan_codes(self) -> None:
        self.type("aB")
        console = self.opened()
        self.assertEqual(self.typed_at(console), events("aB", codes=False) + ASK)

        (typed,) = self.result
        self.assertEqual((typed.strokes, typed.codes), (2, False))

    def test_scan_codes_reach_one_that_does(self) -> None:
        self.type("aB")
        console = self.opened(codes=True)
        self.assertEqual(self.typed_at(console), events("aB", codes=True) + ASK)
        self.assertTrue(self.result[0].codes)

    def test_keysyms_reach_it_where_that_is_asked_for(self) -> None:
        self.type("a", codes=False)
        console = self.opened(codes=True)
        self.assertEqual(self.typed_at(console), events("a", codes=False) + ASK)

    def test_two_callers_do_not_type_between_each_other(self) -> None:
        self.type("aa")
        first = self.opened()
        self.type("bb")
        self.assertEqual(self.typed_at(first, 0.5), events("aa", codes=False) + ASK)
        self.assertEqual(len(self.result), 1)
        second = self.opened()
        self.assertEqual(self.typed_at(second), events("bb", codes=False) + ASK)
        self.assertEqual([each.strokes for each in self.result], [2, 2])

    def test_a_pause_is_kept(self) -> None:
        chord = US.strokes("a")
        self.type(Script((*presses(chord), Pause(5.0), *presses(chord)), 20))
        console = self.opened()
        self.assertEqual(self.typed_at(console, 4.0), events("a", codes=False))
        self.assertEqual(self.typed_at(console, 2.0), events("a", codes=False) + ASK)

    def test_a_held_key_is_released_after_its_time(self) -> None:
        (chord,) = US.strokes("a")
        self.type(Script((Press(chord, 3.0),), 20))
        console = self.opened()
        (key,) = chord
        self.assertEqual(self.typed_at(console, 2.5), key_message(key, down=True, codes=False))
        self.assertEqual(
            self.typed_at(console, 2.0), key_message(key, down=False, codes=False) + ASK
        )

    def test_it_is_no_faster_than_its_rate(self) -> None:
        self.type(script("aaaa", rate=2))
        console = self.opened()
        self.assertEqual(self.typed_at(console, 0.9), events("aa", codes=False))

    def test_a_server_that_answers_nothing_is_typed_at_all_the_same(self) -> None:
        self.type("a")
        console = self.console()
        self.typed_at(console, 8.0)
        self.assertEqual(self.result[0].strokes, 1)

    def test_the_session_is_one_of_its_own_kind_and_ends(self) -> None:
        self.type("a")
        console = self.opened()
        (live,) = self.live_sessions()
        self.assertEqual((live.kind, live.user, live.client), ("keys", "ci", "192.0.2.7"))
        self.typed_at(console)
        self.assertEqual(self.live_sessions(), [])
        ((closed, why),) = self.observer.closings
        self.assertEqual((closed.kind, why.code), ("keys", "client-gone"))

    def test_a_console_that_takes_no_bytes_for_a_while(self) -> None:
        self.type("abcdef")
        console = self.opened()
        near = self.sessions.snapshot()[0].legs
        assert near is not None
        near[0].pause()
        before = self.typed_at(console, 5.0)
        self.assertLess(len(before), len(events("ab", codes=False)))
        near[0].resume()
        self.assertEqual(before + self.typed_at(console), events("abcdef", codes=False) + ASK)

    def test_one_that_takes_none_any_more(self) -> None:
        self.type("abcdef")
        console = self.opened()
        near = self.sessions.snapshot()[0].legs
        assert near is not None
        near[0].pause()
        self.typed_at(console, 20.0)
        self.assertIsInstance(self.why(), KeysInterrupted)
        self.assertEqual(self.live_sessions(), [])


class EndTests(TypingTestCase):
    def hold(self) -> MemoryPeer:
        """Hold a chord for a minute, and return the console that has it."""
        chord = (*US.strokes("A"),)
        self.type(Script((Press(chord[0], 60.0), *presses(chord)), 20))
        console = self.opened()
        self.pressed = b"".join(key_message(key, down=True, codes=False) for key in chord[0])
        self.released = b"".join(
            key_message(key, down=False, codes=False) for key in reversed(chord[0])
        )
        self.assertEqual(self.typed_at(console, 1.0), self.pressed)
        return console

    def test_what_is_held_is_released_when_an_administrator_ends_it(self) -> None:
        console = self.hold()
        (live,) = self.live_sessions()
        self.assertTrue(self.end_session(live.id))
        self.assertEqual(self.typed_at(console, 1.0), self.released)
        self.assertIsInstance(self.why(), KeysInterrupted)
        self.assertIn("0 of 2 keys", self.why().sentence())

    def test_what_is_held_is_released_when_the_caller_leaves(self) -> None:
        console = self.hold()
        self.running.cancel()
        self.assertEqual(self.typed_at(console, 1.0), self.released)
        self.assertEqual(self.live_sessions(), [])

    def test_what_is_held_is_released_at_the_end_of_the_time_allowed(self) -> None:
        chord = US.strokes("a")
        policy = Policy(max_duration=5.0)
        self.type(Script((Press(chord[0], 60.0),), 20), policy)
        console = self.opened()
        self.assertEqual(self.typed_at(console, 10.0), events("a", codes=False))
        self.assertIsInstance(self.why(), KeysInterrupted)

    def test_what_is_held_is_released_when_the_proxy_stops(self) -> None:
        console = self.hold()
        Deferred.fromCoroutine(self.sessions.stop())
        self.assertEqual(self.typed_at(console, 1.0), self.released)

    def test_a_console_that_closes(self) -> None:
        console = self.hold()
        console.close()
        self.typed_at(console, 10.0)
        self.assertIsInstance(self.why(), KeysInterrupted)
        self.assertEqual(self.live_sessions(), [])

    def test_a_server_that_is_not_one_of_rfb(self) -> None:
        console = self.hold()
        console.send(b"\x99 nonsense")
        self.typed_at(console, 1.0)
        self.assertIsInstance(self.why(), KeysInterrupted)

    def test_a_caller_that_leaves_before_the_console_is_there(self) -> None:
        self.type("a")
        self.running.cancel()
        self.reactor.advance(1)
        self.assertEqual((self.live_sessions(), len(self.result)), ([], 1))

    def test_an_administrator_who_ends_it_before_that(self) -> None:
        self.type("a")
        (live,) = self.live_sessions()
        self.end_session(live.id)
        self.reactor.advance(1)
        self.assertIsInstance(self.why(), KeysInterrupted)
        ((_, why),) = self.observer.refusals
        self.assertIsInstance(why, EndedByAdministrator)


class RefusalTests(TypingTestCase):
    def test_a_console_that_admits_one_viewer(self) -> None:
        self.refused = ConsoleInUse("one viewer")
        self.type("a")
        self.assertIsInstance(self.why(), ConsoleInUse)
        self.assertEqual(self.live_sessions(), [])

    def test_it_is_taken_over_where_that_is_asked_for(self) -> None:
        self.refused = ConsoleInUse("one viewer")
        self.type("a", Policy(sharing=Sharing.TAKE_OVER), takes_over=True)
        self.assertEqual(self.asked_for_room, [])
        console = self.opened()
        self.typed_at(console)
        self.assertEqual(self.result[0].strokes, 1)

    def test_a_machine_that_another_session_has_to_itself(self) -> None:
        self.type(Script((Pause(60.0),), 20), Policy(sharing=Sharing.EXCLUSIVE))
        self.opened()
        self.typing = Typing(self.sessions, self.has_room, MachineTurns(self.reactor))
        self.type("a")
        self.assertIsInstance(self.why(), ConsoleOccupied)

    def test_it_is_taken_from_that_session(self) -> None:
        self.type(Script((Pause(60.0),), 20), Policy(sharing=Sharing.EXCLUSIVE))
        self.opened()
        self.type("a", Policy(sharing=Sharing.TAKE_OVER), takes_over=True)
        self.reactor.advance(0)
        self.assertIsInstance(self.why(), KeysInterrupted)
        self.typed_at(self.opened())
        self.assertEqual(self.result[1].strokes, 1)

    def test_a_key_whose_sessions_only_view(self) -> None:
        self.type("a", Policy(mode=Mode.VIEW_ONLY))
        self.assertIsInstance(self.why(), Forbidden)
        self.assertEqual(self.store.calls, [])

    def test_a_key_whose_sessions_need_approval(self) -> None:
        for policy in (Policy(approval=1), Policy(banner="Accept this.")):
            self.result.clear()
            self.type("a", policy)
            self.assertIsInstance(self.why(), Forbidden)

    def test_a_banner_of_the_configuration_is_for_people(self) -> None:
        self.serve(banner="Accept this.")
        self.typing = Typing(self.sessions, self.has_room, MachineTurns(self.reactor))
        self.type("a")
        self.typed_at(self.opened())
        self.assertEqual(self.result[0].strokes, 1)

    def test_other_hours(self) -> None:
        self.type("a", Policy(not_after=self.time() - 10, not_before=self.time() - 20))
        self.assertEqual(self.why().code, "time-limit")
        self.result.clear()
        self.type("a", Policy(not_before=self.time() + 10))
        self.assertIsInstance(self.why(), OutsideHours)

    def test_a_machine_that_is_not_there(self) -> None:
        self.type("a", vm=VMAddress("kvm", "no-such"))
        self.assertIsInstance(self.why(), VMNotFound)

    def test_a_console_that_cannot_be_reached(self) -> None:
        self.type("a")
        self.reactor.refuse()
        self.assertIsInstance(self.why(), UpstreamUnreachable)
