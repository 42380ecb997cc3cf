"""What every relay promises, whatever tricks it uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import ClassVar, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from zope.interface import implementer

from tests.doubles.dialogues import byte_by_byte, cut, places, sized_bytes
from tests.doubles.frames import BINARY, CLOSE, PING, PONG, ROOM, masked, whole_frames
from tests.properties import HealthCheck, given, settings
from tests.relay.tap_contract import TapContract
from vncproxy.errors import (
    ClientGone,
    ConnectionLost,
    ConsoleEnded,
    EndedByAdministrator,
    HypervisorError,
    SessionEnded,
    ViewerMessageRefused,
    VNCProxyError,
)
from vncproxy.filters import stage_of_viewer, stages_for
from vncproxy.interfaces import IStage
from vncproxy.model import Direction, Policy
from vncproxy.relay.framing import FrameError, Framing
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming
from vncproxy.testing import MemoryPeer


class Peer(Protocol):
    """What the contract needs of the other end of a leg's connection: see `MemoryPeer`."""

    most: int

    @property
    def reading(self) -> bool: ...
    @property
    def half_closed(self) -> bool: ...
    @property
    def closed(self) -> object | None: ...
    def send(self, *pieces: bytes) -> None: ...
    def receive(self) -> bytes: ...
    def close(self) -> None: ...
    def reset(self) -> None: ...
    def pump(self) -> bool: ...


@implementer(IStage)
class Words:
    """A toy: lets whole words of four bytes pass, in upper case, and ends the session at ``STOP``.

    What it keeps of an unfinished word shows whether a relay gives it every byte once, in order.
    """

    def __init__(self, direction: Direction, error: Exception | None = None) -> None:
        self.direction = direction
        self._error = error or EndedByAdministrator()
        self._rest = b""

    def process(self, data: bytes) -> bytes:
        data = self._rest + data
        whole = len(data) // 4 * 4
        self._rest = data[whole:]
        if b"STOP" in data[:whole]:
            raise self._error
        return data[:whole].upper()


@implementer(IStage)
class Echoed:
    """A toy that returns more than came."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction

    def process(self, data: bytes) -> bytes:
        return bytes(byte for each in data for byte in (each, each))


class User:
    """The user's end of a connection: sends and receives payload in any framing."""

    def __init__(self, peer: Peer, websocket: bool) -> None:
        self.peer = peer
        self.control: list[tuple[int, bytes]] = []
        self._websocket = websocket
        self._unfinished = b""

    def wire(self, payload: bytes) -> bytes:
        return masked(BINARY, payload) if self._websocket else payload

    def send(self, payload: bytes) -> None:
        self.peer.send(self.wire(payload))

    def receive(self) -> bytes:
        """Return the payload that came; other frames go to ``control``."""
        data = self.peer.receive()
        if not self._websocket:
            return data
        heard, self._unfinished = whole_frames(self._unfinished + data)
        self.control += [(kind, text) for kind, text in heard if kind != BINARY]
        return b"".join(text for kind, text in heard if kind == BINARY)


def segmentation_test(examples: int) -> Callable[[RelayContract], None]:
    """Return the test that any segmentation gives the same bytes.

    Args:
        examples: how many are tried, since they take long on real connections.
    """

    @settings(
        max_examples=examples,
        suppress_health_check=[HealthCheck.differing_executors, HealthCheck.too_slow],
    )
    @given(sized_bytes(3000), sized_bytes(3000), places, places)
    def test(
        self: RelayContract, keys: bytes, pixels: bytes, up: list[int], down: list[int]
    ) -> None:
        self.connected()
        wire = self.user.wire(keys[:100]) + self.user.wire(keys[100:])

        self.user.peer.send(*cut(wire, up))
        self.console.send(*cut(pixels, down))
        self.settle()

        self.assertEqual((self.console.receive(), self.user.receive()), (keys, pixels))

    return test


class RelayContract(TapContract):
    """Mixed into a test case for each pair of framings; the upstream side is raw.

    ``join`` is the relay: it gets two legs and returns a Deferred. The connections are
    in memory unless ``connect`` makes others.

    Attributes:
        much: more bytes than a peer that does not read lets leave.
        bound: the most bytes that may then wait.
        half_closes: whether the console can be sent end of file, and its bytes still received.
    """

    websocket: ClassVar[bool]
    much: ClassVar[int] = ROOM + 1
    bound: ClassVar[int] = ROOM + 2000
    half_closes: ClassVar[bool] = True

    def join(
        self, downstream: Leg, upstream: Leg, stages: Sequence[IStage] = ()
    ) -> Deferred[VNCProxyError]:
        raise NotImplementedError

    def framing(self) -> Framing:
        return WebSocketFraming() if self.websocket else RawFraming()

    def make_clock(self) -> IReactorTime:
        return Clock()

    def connect(self, leg: Leg, of_user: bool) -> Peer:
        """Connect a leg and return its peer."""
        return MemoryPeer(leg, ROOM)

    def settle(self) -> None:
        """Let all that can move move."""
        while self.user.peer.pump() or self.console.pump():
            pass

    def legs(self) -> None:
        self.clock = self.make_clock()
        self.down = Leg(self.framing(), self.clock, ClientGone)
        self.up = Leg(RawFraming(), self.clock, ConsoleEnded)
        self.user = User(self.connect(self.down, of_user=True), self.websocket)
        self.console = self.connect(self.up, of_user=False)

    def begin(self, *stages: IStage) -> None:
        self.over = self.join(self.down, self.up, stages)
        self.settle()

    def connected(self, *stages: IStage) -> None:
        self.legs()
        self.begin(*stages)

    def ended(self, kind: type[VNCProxyError]) -> VNCProxyError:
        why: VNCProxyError = self.successResultOf(self.over)
        self.assertIs(type(why), kind)
        return why

    def test_bytes_go_both_ways(self) -> None:
        self.connected()

        self.user.send(b"keys")
        self.console.send(b"pixels")
        self.settle()

        self.assertEqual((self.console.receive(), self.user.receive()), (b"keys", b"pixels"))
        self.assertNoResult(self.over)

    def test_order_is_kept_over_many_pieces(self) -> None:
        self.connected()
        pieces = [b"%d," % number for number in range(500)]

        for piece in pieces:
            self.user.send(piece)
            self.console.send(piece)

        self.assertEqual(self.console.receive(), b"".join(pieces))
        self.assertEqual(self.user.receive(), b"".join(pieces))

    test_any_segmentation_gives_the_same_bytes = segmentation_test(examples=100)

    def test_one_byte_at_a_time_gives_the_same_bytes(self) -> None:
        self.connected()

        self.user.peer.send(*byte_by_byte(self.user.wire(bytes(range(200)))))

        self.assertEqual(self.console.receive(), bytes(range(200)))

    def test_what_came_before_the_relay_goes_first(self) -> None:
        self.legs()
        self.user.send(b"early keys ")
        self.console.send(b"early pixels ")

        self.begin()
        self.user.send(b"keys")
        self.console.send(b"pixels")

        self.assertEqual(self.console.receive(), b"early keys keys")
        self.assertEqual(self.user.receive(), b"early pixels pixels")

    def test_much_that_came_before_the_relay_is_not_lost(self) -> None:
        self.legs()
        for _ in range(100):
            self.console.send(bytes(1000))
        self.assertFalse(self.console.reading)

        self.begin()
        heard = self.drain_user()

        self.assertEqual(len(heard), 100_000)

    def drain_user(self) -> bytes:
        return self.drain(self.user.receive)

    def drain_console(self) -> bytes:
        return self.drain(self.console.receive)

    def drain(self, receive: Callable[[], bytes]) -> bytes:
        """Receive until twice nothing comes: once may be a part of a frame."""
        heard, silences = b"", 0
        while silences < 2:
            piece = receive()
            heard += piece
            silences = 0 if piece else silences + 1
            self.settle()
        return heard

    def test_a_user_who_does_not_read_stops_the_console(self) -> None:
        self.connected()

        self.console.send(*[bytes(1000)] * 1000)

        self.assertFalse(self.console.reading)
        self.assertLess(self.user.peer.most, self.bound)
        self.assertTrue(self.user.peer.reading)

    def test_a_console_that_does_not_read_stops_the_user(self) -> None:
        self.connected()

        self.user.peer.send(*[self.user.wire(bytes(1000))] * 1000)

        self.assertFalse(self.user.peer.reading)
        self.assertLess(self.console.most, self.bound)
        self.assertTrue(self.console.reading)

    def test_all_bytes_arrive_when_a_slow_side_reads_again(self) -> None:
        self.connected()
        self.console.send(*[bytes([n]) * 1000 for n in range(200)])
        self.user.peer.send(*[self.user.wire(bytes([n]) * 1000) for n in range(200)])

        expected = b"".join(bytes([n]) * 1000 for n in range(200))

        self.assertEqual(self.drain_user(), expected)
        self.assertEqual(self.drain_console(), expected)
        self.assertTrue(self.console.reading and self.user.peer.reading)

    def test_a_side_that_is_full_before_the_relay_stops_the_other(self) -> None:
        self.legs()
        self.down.send(bytes(self.much))

        self.begin()
        self.console.send(b"pixels")

        self.assertFalse(self.console.reading)
        self.assertEqual(self.drain_user(), bytes(self.much) + b"pixels")

    def test_the_user_leaves(self) -> None:
        self.connected()
        self.user.send(b"last key")
        self.user.peer.close()

        self.ended(ClientGone)
        self.assertEqual(self.console.receive(), b"last key")

    def test_the_console_closes(self) -> None:
        self.connected()
        self.console.send(b"last pixels")
        self.console.close()

        self.ended(ConsoleEnded)
        self.assertEqual(self.user.receive(), b"last pixels")

    def test_a_reset_is_a_lost_connection(self) -> None:
        for side in ("user", "console"):
            self.connected()

            (self.user.peer if side == "user" else self.console).reset()

            self.ended(ConnectionLost)

    def test_the_first_end_counts(self) -> None:
        self.connected()

        self.user.peer.close()
        self.console.reset()

        self.ended(ClientGone)

    def test_a_side_that_was_over_before_the_relay_ends_it_after_its_bytes(self) -> None:
        self.legs()
        self.console.send(b"last pixels")
        self.console.close()

        self.begin()

        self.ended(ConsoleEnded)
        self.assertEqual(self.user.receive(), b"last pixels")

    def test_cancelling_ends_the_wait_and_leaves_the_legs_to_be_closed(self) -> None:
        self.connected()
        self.over.cancel()
        why = EndedByAdministrator()

        self.down.close(why, 5)
        self.up.close(why, 5)

        self.failureResultOf(self.over)
        self.assertIs(self.successResultOf(self.down.close_reason), why)

    def test_closing_sends_what_was_relayed_before(self) -> None:
        self.connected()
        self.user.send(b"last key")
        self.console.send(b"last pixels")
        self.over.addErrback(lambda _: None).cancel()

        self.down.close(SessionEnded(), 5)
        self.up.close(SessionEnded(), 5)

        self.assertEqual(
            (self.user.receive(), self.console.receive()), (b"last pixels", b"last key")
        )
        self.assertEqual(self.console.half_closed, self.half_closes)

    def test_payload_is_counted_on_both_sides(self) -> None:
        self.connected()

        self.user.send(b"12345")
        self.console.send(b"123")

        self.assertEqual((self.down.bytes_received, self.up.bytes_received), (5, 3))

    def test_nothing_is_relayed_once_it_is_over(self) -> None:
        self.connected()
        self.console.close()

        self.user.send(b"too late")

        self.assertEqual(self.console.receive(), b"")

    def test_a_stage_has_the_bytes_of_its_direction_only(self) -> None:
        self.connected(Words(Direction.TO_SERVER))

        self.user.send(b"keys!")
        self.console.send(b"pixels")
        self.settle()

        self.assertEqual((self.console.receive(), self.user.receive()), (b"KEYS", b"pixels"))

        self.user.send(b"abc")
        self.settle()
        self.assertEqual(self.console.receive(), b"!ABC")

    def test_both_directions_may_have_stages(self) -> None:
        self.connected(Words(Direction.TO_CLIENT), Words(Direction.TO_SERVER))

        self.user.send(b"keyskey")
        self.console.send(b"pixelspi")
        self.settle()

        self.assertEqual((self.console.receive(), self.user.receive()), (b"KEYS", b"PIXELSPI"))

    def test_stages_follow_each_other_in_their_order(self) -> None:
        self.connected(Echoed(Direction.TO_SERVER), Words(Direction.TO_SERVER))

        self.user.send(b"abc")
        self.settle()

        self.assertEqual(self.console.receive(), b"AABB")

    def test_a_stage_has_what_came_before_the_relay_too(self) -> None:
        self.legs()
        self.user.send(b"ear")

        self.begin(Words(Direction.TO_SERVER))
        self.user.send(b"ly k")
        self.settle()

        self.assertEqual(self.console.receive(), b"EARL")

    def test_a_stage_has_every_byte_once_however_they_come(self) -> None:
        self.connected(Words(Direction.TO_SERVER), Words(Direction.TO_CLIENT))

        self.user.peer.send(*byte_by_byte(self.user.wire(b"abcdefgh")))
        self.console.send(*byte_by_byte(b"ijklmnop"))
        self.settle()

        self.assertEqual((self.console.receive(), self.user.receive()), (b"ABCDEFGH", b"IJKLMNOP"))

    def test_a_viewer_s_filter_has_what_it_must_whatever_way_bytes_take(self) -> None:
        [stage] = stages_for(Policy(), b"", check=True)
        self.connected(stage)
        dropped, moves, text = b"\3" + bytes(9), b"\5\0" + bytes(4), b"\6" + bytes(6) + b"\4text"
        keys = b"\4\1" + bytes(5) + b"A" + b"\5\1" + bytes(4)

        self.user.send(moves)
        self.user.send(moves + text[:9])
        self.user.send(text[9:] + moves)
        self.user.send(dropped)
        self.user.send(keys)
        self.settle()
        received = self.console.receive()

        self.assertEqual(received, moves + moves + text + moves + keys)
        released = stage_of_viewer([stage])
        assert released is not None
        self.assertEqual(released.set_view_only(True), b"\4\0" + keys[2:8] + b"\5" + bytes(5))
        self.user.send(moves + keys)
        self.settle()
        self.assertEqual(self.console.receive(), b"")

    def test_after_a_message_that_is_refused_no_key_passes_either(self) -> None:
        self.connected(*stages_for(Policy(), b"", check=True))

        self.user.send(b"\xee")
        self.user.send(b"\5\0" + bytes(4))
        self.settle()

        self.ended(ViewerMessageRefused)
        self.assertEqual(self.console.receive(), b"")

    def test_a_stage_ends_the_session_with_its_error_and_nothing_more_passes(self) -> None:
        self.connected(Words(Direction.TO_SERVER))

        self.user.send(b"keysSTOP")
        self.user.send(b"more")
        self.settle()

        self.ended(EndedByAdministrator)
        self.assertEqual(self.console.receive(), b"")

    def test_a_defective_stage_lets_nothing_pass(self) -> None:
        self.connected(Words(Direction.TO_CLIENT, ZeroDivisionError()))

        self.console.send(b"STOP")
        self.console.send(b"more")
        self.settle()

        self.ended(HypervisorError)
        self.assertEqual(self.user.receive(), b"")
        self.assertEqual(len(self.flushLoggedErrors(ZeroDivisionError)), 1)

    def test_a_side_that_does_not_read_stops_the_other_behind_a_stage_too(self) -> None:
        self.connected(Echoed(Direction.TO_CLIENT))

        self.console.send(*[bytes(1000)] * 1000)

        self.assertFalse(self.console.reading)
        self.assertLess(self.user.peer.most, 2 * self.bound)


class WebSocketRelayContract(RelayContract):
    """What comes with a WebSocket downstream."""

    websocket = True

    def test_a_ping_in_mid_relay_is_answered_and_not_relayed(self) -> None:
        self.connected()

        wire = self.user.wire(b"key") + masked(PING, b"there?") + self.user.wire(b"s")
        self.user.peer.send(*byte_by_byte(wire))

        self.assertEqual(self.console.receive(), b"keys")
        self.assertEqual(self.user.receive(), b"")
        self.assertEqual(self.user.control, [(PONG, b"there?")])
        self.assertNoResult(self.over)

    def test_a_flood_of_pings_does_not_grow_memory(self) -> None:
        self.connected()
        self.console.send(bytes(self.much))

        self.user.peer.send(*[masked(PING, b"%0125d" % n) for n in range(2000)])

        self.assertLess(self.user.peer.most, self.bound)
        self.assertEqual(len(self.drain_user()), self.much)
        self.assertEqual(self.user.control[-1], (PONG, b"%0125d" % 1999))

    def test_a_close_frame_ends_it_and_is_echoed(self) -> None:
        self.connected()

        self.user.peer.send(self.user.wire(b"last key") + masked(CLOSE, b"\x03\xe8bye"))

        self.ended(ClientGone)
        self.assertEqual(self.console.receive(), b"last key")
        self.user.receive()
        self.assertEqual(self.user.control, [(CLOSE, b"\x03\xe8")])
        self.assertIsNotNone(self.user.peer.closed)

    def test_a_frame_violation_ends_it_with_a_close_frame(self) -> None:
        self.connected()

        self.user.peer.send(b"\x82\x01x")

        self.ended(FrameError)
        self.user.receive()
        self.assertEqual(self.user.control, [(CLOSE, b"\x03\xeaprotocol error")])
        self.assertIsNotNone(self.user.peer.closed)

    def test_a_text_frame_is_refused_with_its_own_code(self) -> None:
        self.connected()

        self.user.peer.send(masked(0x81, b"x"))

        self.ended(FrameError)
        self.user.receive()
        self.assertEqual(self.user.control[0][1][:2], b"\x03\xeb")

    def test_a_frame_far_larger_than_memory_is_relayed_as_it_comes(self) -> None:
        self.connected()
        head = bytes((BINARY, 0x80 | 127)) + (1 << 40).to_bytes(8, "big") + bytes(4)

        self.user.peer.send(head, b"first", b" second")

        self.assertEqual(self.console.receive(), b"first second")
