"""Frames of any content in any pieces give the same payload."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte, cut, places, sized_bytes
from tests.doubles.rfc6455 import (
    BINARY,
    CONTINUED,
    PING,
    PONG,
    Received,
    frame,
    from_browser,
    receive,
)
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.relay.websocket_framing import WebSocketFraming

payloads = st.one_of(sized_bytes(8), sized_bytes(300))


control = st.builds(frame, st.sampled_from((PING, PONG)), sized_bytes(12))


@st.composite
def messages(draw: st.DrawFn) -> tuple[bytes, bytes]:
    """Draw valid messages with control frames among their fragments, and their payload."""
    wire, payload = b"", b""
    for fragments in draw(st.lists(st.lists(payloads, min_size=1, max_size=3), max_size=4)):
        for i, part in enumerate(fragments):
            wire += b"".join(draw(st.lists(control, max_size=2)))
            opcode = CONTINUED if i else BINARY
            wire += frame(opcode, part, final=i == len(fragments) - 1, key=draw(keys))
            payload += part
    return wire, payload


keys = st.binary(min_size=4, max_size=4)


heads = st.tuples(st.integers(0, 255), st.integers(0, 255)).map(bytes)


class SegmentationTests(SynchronousTestCase):
    def assertSame(self, wire: bytes, where: list[int]) -> Received:
        whole = from_browser(wire)
        for pieces in (byte_by_byte(wire), cut(wire, where)):
            received = from_browser(*pieces)
            self.assertEqual(received.error, whole.error)
            self.assertEqual(received.close_received, whole.close_received)
            self.assertTrue(received.payload.startswith(whole.payload))
            if not whole.error:
                self.assertEqual(received.payload, whole.payload)
                answers = (b"".join(received.replies), b"".join(whole.replies))
                self.assertTrue(answers[0].endswith(answers[1]))
        return whole

    @given(messages(), places)
    def test_changes_no_message(self, drawn: tuple[bytes, bytes], where: list[int]) -> None:
        wire, payload = drawn
        self.assertEqual(self.assertSame(wire, where).payload, payload)

    @given(messages(), heads, sized_bytes(40), places)
    def test_changes_no_error(
        self, drawn: tuple[bytes, bytes], head: bytes, tail: bytes, where: list[int]
    ) -> None:
        self.assertSame(drawn[0] + head + tail, where)

    @given(sized_bytes(200))
    def test_random_bytes_raise_only_our_error(self, data: bytes) -> None:
        for client in (False, True):
            receive(WebSocketFraming(client=client), [data, data])


class IdentityTests(SynchronousTestCase):
    @given(st.lists(payloads, max_size=5), places, st.booleans())
    def test_what_one_endpoint_sends_the_other_receives(
        self, sent: list[bytes], where: list[int], client: bool
    ) -> None:
        sender, receiver = WebSocketFraming(client=client), WebSocketFraming(client=not client)
        wire = b"".join(sender.encode(payload) for payload in sent)
        received = receive(receiver, cut(wire, where))
        self.assertEqual((received.payload, received.error), (b"".join(sent), ""))

    @given(st.integers(1000, 4999), st.text(max_size=200), st.booleans())
    def test_a_close_ends_the_other_endpoint(self, code: int, reason: str, client: bool) -> None:
        sender, receiver = WebSocketFraming(client=client), WebSocketFraming(client=not client)
        self.assertEqual(receive(receiver, [sender.close(code, reason)]).error, "")
        self.assertTrue(receiver.close_received)
        self.assertEqual(len(receiver.close(1000, "")), 0)
