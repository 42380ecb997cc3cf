"""Both filters under hostile streams, and what no stream may do to them."""

from __future__ import annotations

import time
import zlib
from random import Random

from tests.fuzz.messages import Messages
from tests.fuzz.surface import MOST_TIME, Fault
from vncproxy.errors import UpstreamViolation, ViewerMessageRefused, VNCProxyError
from vncproxy.filters.rules import Rules, rules_for
from vncproxy.filters.to_client import ServerFilter
from vncproxy.filters.to_server import ViewerFilter
from vncproxy.model import Clipboard, Mode, Policy
from vncproxy.rfb.pixels import PixelFormat
from vncproxy.rfb.server_messages import FormatChanges, ServerPieces

POLICIES = (
    Policy(),
    Policy(mode=Mode.VIEW_ONLY),
    Policy(clipboard=Clipboard.TO_GUEST, clipboard_limit=10),
    Policy(clipboard=Clipboard.FROM_GUEST),
    Policy(mode=Mode.VIEW_ONLY, clipboard=Clipboard.NONE),
)
MOST_HELD = 4 + 4 * 1024
MOST_TEXT = 1 << 20
FIXED = {0: 20, 3: 10, 4: 8, 5: 6, 150: 10, 250: 4}
STREAMED = {6: 8, 127: 4, 251: 8, 253: 4}
"""Messages of which the head may have passed before the rest came, and the size of that head."""

Outcome = tuple[bytes, str]


class Filters:
    """Runs cases: a viewer's stream, and a server's.

    Args:
        seed: of all cases.
    """

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)
        self._messages = Messages(self._random)
        self.cases = 0

    def run(self, cases: int) -> None:
        """Run so many cases.

        Raises:
            Fault: one of them did what it may not.
        """
        while self.cases < cases:
            self._viewer_case()
            self._server_case()
            self.cases += 2

    def _viewer_case(self) -> None:
        policy, data = self._random.choice(POLICIES), self._messages.of_viewer()
        rules = rules_for(policy)
        whole, reason = self._filter(rules, [data], data)
        passed, other = self._filter(rules, self._messages.pieces(data), data)
        if reason != other or (not reason and passed != whole):
            raise self._fault(
                data, f"{policy}: {reason!r} {whole!r}, in pieces {other!r} {passed!r}"
            )
        if wrong := what_may_not_arrive(passed, rules):
            raise self._fault(data, f"{policy}: {wrong} passed: {passed!r}")

    def _filter(self, rules: Rules, pieces: list[bytes], data: bytes) -> Outcome:
        stage, passed, started = ViewerFilter(rules), b"", time.process_time()
        try:
            for piece in pieces:
                passed += stage.process(piece)
                held, text = len(stage._pieces._held), len(stage._collected)
                if held > MOST_HELD or text > MOST_TEXT + 8:
                    raise self._fault(data, f"keeps {held} and {text} bytes")
        except ViewerMessageRefused as e:
            return passed, e.detail
        except VNCProxyError as e:
            raise self._fault(data, f"raised {e!r}") from e
        finally:
            self._check_time(started, data)
        return passed, ""

    def _server_case(self) -> None:
        messages, good = self._messages.of_server()
        data = b"".join(messages)
        policy = Policy(clipboard=Clipboard.NONE)
        whole, reason = self._walk(policy, [data], data)
        passed, other = self._walk(policy, self._messages.pieces(data), data)
        if reason != other or (not reason and passed != whole):
            raise self._fault(data, f"{reason!r}, in pieces {other!r}")
        expected = b"".join(each for each in messages if each[0] != 3)
        if good and (reason or passed != expected):
            raise self._fault(data, f"a server's messages: {reason!r}")

    def _walk(self, policy: Policy, pieces: list[bytes], data: bytes) -> Outcome:
        formats = FormatChanges(PixelFormat())
        formats.send_fence(1 << 31, b"abc")
        stage, passed, started = ServerFilter(rules_for(policy), formats), b"", time.process_time()
        try:
            for piece in pieces:
                passed += stage.process(piece)
                self._check_held(stage._pieces, data)
        except UpstreamViolation as e:
            return passed, e.detail
        except VNCProxyError as e:
            raise self._fault(data, f"raised {e!r}") from e
        finally:
            self._check_time(started, data)
        return passed, ""

    def _check_held(self, walker: ServerPieces, data: bytes) -> None:
        if len(walker._held) > 300:
            raise self._fault(data, f"keeps {len(walker._held)} bytes")

    def _check_time(self, started: float, data: bytes) -> None:
        if (spent := time.process_time() - started) > MOST_TIME:
            raise self._fault(data, f"took {spent:.2f} s")

    def _fault(self, data: bytes, what: str) -> Fault:
        return Fault(f"case {self.cases}: {what}\n{data!r}")


def what_may_not_arrive(data: bytes, rules: Rules) -> str:
    """Return what a server must not get of these messages, by another parser; empty for nothing."""
    announced = False
    while data:
        kind, length = data[0], _length(data)
        if len(data) < length and not (kind in STREAMED and len(data) >= STREAMED[kind]):
            return "a part of a message"
        message, data = data[:length], data[length:]
        announced = announced or (kind == 2 and b"\xc0\xa1\xe5\xce" in message)
        if wrong := _wrong(message, length, rules, announced):
            return wrong
    return ""


def _length(data: bytes) -> int:
    kind, number = data[0], int.from_bytes(data[2:4], "big")
    if kind in FIXED:
        return FIXED[kind]
    match kind:
        case 2:
            return 4 + 4 * number
        case 6:
            return 8 + abs(int.from_bytes(data[4:8], "big", signed=True))
        case 127:
            return number
        case 248:
            return 9 + (data[8] if len(data) > 8 else 0)
        case 251:
            return 8 + 16 * (data[6] if len(data) > 6 else 0)
        case 253:
            return 4 + int.from_bytes(data[2:4], "big" if data[1] & 0x80 else "little")
        case 255:
            return 12 if data[1] == 0 else {0: 4, 1: 4, 2: 10}[number]
    return 0


def _wrong(message: bytes, length: int, rules: Rules, announced: bool) -> str:
    kind = message[0]
    controls = kind in (4, 5, 6, 250, 251, 253, 255)
    if rules.view_only and (controls or (kind == 127 and (message[1], length) != (4, 8))):
        return f"message {kind}, which controls"
    if kind == 0 and (any(message[1:4] + message[17:]) or not _is_pixel_format(message[4:])):
        return "a pixel format"
    if kind == 2 and length > 4 + 4 * 1024:
        return "too many encodings"
    if kind == 6:
        return _wrong_text(message, length, rules, announced)
    return "" if kind in FIXED or kind in STREAMED or kind in (2, 248, 255) else f"message {kind}"


def _is_pixel_format(data: bytes) -> bool:
    if not data[3]:
        return data[0] == 8
    return data[0] in (8, 16, 32) and all(any(data[at : at + 2]) for at in (4, 6, 8))


def _wrong_text(message: bytes, length: int, rules: Rules, announced: bool) -> str:
    if not message[4] & 0x80:
        most = min(rules.to_guest or 0, MOST_TEXT)
        return "" if 0 < length - 8 <= most else f"a text of {length - 8} bytes"
    flags = int.from_bytes(message[8:12], "big")
    if not announced or len(message) < length:
        return "an extended message before its announcement, or in parts"
    if flags >> 24 & 0x1F == 0x10:
        inflate = zlib.decompressobj()
        size = len(inflate.decompress(message[12:])) - 4 * (flags & 0xFFFF).bit_count()
        if rules.to_guest is None or not 0 < size <= min(rules.to_guest, MOST_TEXT):
            return f"an extended text of {size} bytes"
        return "bytes behind a text" if inflate.unused_data else ""
    if flags >> 24 & 8 and not flags >> 24 & 1 and rules.to_guest is None:
        return "an offer"
    return ""
