"""What every relay promises of a session whose bytes are copied."""

from __future__ import annotations

from zope.interface import implementer

from tests.doubles.dialogues import byte_by_byte
from tests.relay.pacing_contract import PacingContract
from vncproxy.filters import stages_for
from vncproxy.interfaces import IStage, ITap
from vncproxy.model import Direction, Policy

MOVE, PRESSED, KEY = b"\5\0\0\1\0\1", b"\5\1\0\1\0\1", b"\4\1\0\0\0\0\0A"


@implementer(ITap)
class Copied:
    """Keeps what passes, and when it came."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction
        self.data = b""
        self.moments: list[float] = []

    def process(self, data: bytes) -> bytes:
        self.data += data
        return data

    def copy(self, data: bytes | memoryview, seconds: float) -> bool:
        self.data += bytes(data)
        self.moments.append(seconds)
        return True


@implementer(IStage)
class Reversed:
    """A toy that changes every byte."""

    def __init__(self, direction: Direction) -> None:
        self.direction = direction

    def process(self, data: bytes) -> bytes:
        return bytes(255 - byte for byte in data)


class TapContract(PacingContract):
    """Part of `tests.relay.relay_contract.RelayContract`, which has what it needs."""

    def tapped(self, *stages: IStage) -> tuple[Copied, Copied]:
        """Join the legs by taps, with stages between them as in recorded sessions."""
        taps = Copied(Direction.TO_CLIENT), Copied(Direction.TO_SERVER)
        self.legs()
        self.begin(taps[0], *stages, taps[1])
        self.settle()
        return taps

    def test_a_tap_has_every_byte_once_however_they_come(self) -> None:
        pixels, keys = self.tapped()
        self.user.peer.send(*byte_by_byte(self.user.wire(b"abcdefgh")))
        self.console.send(*byte_by_byte(b"ijklmnop"))
        self.settle()
        self.console.send(b"more")
        self.user.send(b"keys")
        self.settle()

        passed = self.console.receive(), self.user.receive()
        self.assertEqual(passed, (b"abcdefghkeys", b"ijklmnopmore"))
        self.assertEqual((keys.data, pixels.data), passed)
        self.assertEqual(pixels.moments, sorted(pixels.moments))

    def test_a_tap_has_what_came_before_the_relay_too(self) -> None:
        tap = Copied(Direction.TO_CLIENT)
        self.legs()
        self.console.send(b"ear")
        self.settle()
        self.begin(tap)
        self.console.send(b"ly")
        self.settle()

        self.assertEqual(self.user.receive(), b"early")
        self.assertEqual(tap.data, b"early")

    def test_much_is_copied_whole(self) -> None:
        pixels, _ = self.tapped()
        sent = b"".join(b"%07d," % number for number in range(40_000))
        self.console.send(*(sent[at : at + 10_000] for at in range(0, len(sent), 10_000)))

        self.assertEqual(self.drain_user(), sent)
        self.assertEqual(pixels.data, sent)

    def test_stages_stand_between_the_server_s_tap_and_the_viewer_s(self) -> None:
        pixels, keys = self.tapped(Reversed(Direction.TO_CLIENT), Reversed(Direction.TO_SERVER))
        self.console.send(b"\1\2")
        self.user.send(b"\3\4")
        self.settle()

        self.assertEqual((self.user.receive(), pixels.data), (b"\xfe\xfd", b"\1\2"))
        self.assertEqual((self.console.receive(), keys.data), (b"\xfc\xfb", b"\xfc\xfb"))

    def test_a_tap_behind_a_viewer_s_filter_has_what_it_lets_pass(self) -> None:
        _, keys = self.tapped(*stages_for(Policy(), b"", check=True))
        dropped, text = b"\3" + bytes(9), b"\6" + bytes(6) + b"\4text"
        messages = MOVE, dropped, PRESSED, text, MOVE, KEY, MOVE + KEY + text
        for message in messages:
            self.user.send(message)
            self.settle()

        right = b"".join(each for each in messages if each != dropped)
        self.assertEqual(self.console.receive(), right)
        self.assertEqual(keys.data, right)
