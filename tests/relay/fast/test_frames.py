"""Frames in the dispatcher's buffer: what a framing would send and receive, byte for byte."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import sized_bytes
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.relay.fast import frames
from vncproxy.relay.fast.dispatcher import HEAD_ROOM
from vncproxy.relay.websocket_framing import WebSocketFraming

SIZES = (1, 125, 126, 512, 513, 65535, 65536, 100_001)


class MaskTests(SynchronousTestCase):
    def framed(self, payload: bytes) -> bytes:
        buffer = bytearray(HEAD_ROOM) + payload
        with memoryview(buffer) as view:
            start = frames.mask_frame(buffer, view, HEAD_ROOM, len(buffer))
        return bytes(buffer[start:])

    def test_a_server_reads_what_was_masked(self) -> None:
        for size in SIZES:
            payload = bytes(range(251)) * (size // 251 + 1)
            framed = self.framed(payload[:size])
            self.assertEqual(framed[0], 0x82)
            self.assertTrue(framed[1] & 0x80)
            self.assertEqual(WebSocketFraming().receive(framed), payload[:size])

    def test_the_example_of_the_specification(self) -> None:
        # RFC 6455 section 5.7: a masked "Hello", here as a binary frame
        self.patch(frames, "_next_key", lambda: 0x3D21FA37)
        framed = self.framed(b"Hello")
        self.assertEqual(framed, bytes.fromhex("82 85 37fa213d 7f9f4d5158"))

    def test_keys_differ_and_are_not_zero(self) -> None:
        keys = {self.framed(b"\0" * 4)[2:6] for _ in range(3000)}
        self.assertGreater(len(keys), 2990)


def server_frames(messages: Sequence[tuple[str, bytes]]) -> bytes:
    """Return frames of a server, with others between the binary ones."""
    server = WebSocketFraming()
    kinds = {
        "whole": server.encode,
        "ping": lambda data: server._frame(9, data[:100]),  # type: ignore[arg-type]
        "parts": lambda data: b"\x02\x01" + data[:1].ljust(1) + b"\x80\x03abc",
    }
    return b"".join(kinds[kind](data) for kind, data in messages)


class GatherTests(SynchronousTestCase):
    @given(
        st.lists(
            st.tuples(
                st.sampled_from(["whole", "whole", "whole", "ping", "parts"]), sized_bytes(300)
            ),
            max_size=12,
        ),
        st.lists(st.integers(1, 400), max_size=40),
    )
    def test_any_frames_in_any_pieces_give_what_the_framing_gives(
        self, messages: list[tuple[str, bytes]], sizes: list[int]
    ) -> None:
        sent = server_frames(messages)
        framing = WebSocketFraming(client=True)
        received = b""
        for piece in pieces(sent, sizes):
            buffer = bytearray(HEAD_ROOM) + piece
            with memoryview(buffer) as view:
                begin, out, rest = frames.gather_payload(view, framing, HEAD_ROOM, len(buffer))
                received += bytes(view[begin:out]) + framing.receive(bytes(view[rest:]))
        self.assertEqual(received, WebSocketFraming(client=True).receive(sent))
        self.assertTrue(framing.between_messages)

    def test_large_frames_and_their_parts_pass_without_the_framing(self) -> None:
        for size in SIZES:
            payload = bytes(range(251)) * (size // 251 + 1)
            sent = WebSocketFraming().encode(payload[:size]) * 2
            framing, received = WebSocketFraming(client=True), b""
            for piece in pieces(sent, [65536] * 10):
                buffer = bytearray(HEAD_ROOM) + piece
                with memoryview(buffer) as view:
                    begin, out, rest = frames.gather_payload(view, framing, HEAD_ROOM, len(buffer))
                    self.assertGreaterEqual(begin, HEAD_ROOM)
                    received += bytes(view[begin:out])
                    self.assertEqual(bytes(view[rest:]), b"")
            self.assertEqual(received, payload[:size] * 2)

    def test_what_is_no_frame_of_a_server_is_left_to_the_framing(self) -> None:
        for sent in (
            b"\x82\x80abcd",
            b"\x82\xff",
            b"\x82\x7f\x80" + bytes(7),
            b"\x82",
            b"\x82\x00",
        ):
            framing, buffer = WebSocketFraming(client=True), bytearray(HEAD_ROOM) + sent
            with memoryview(buffer) as view:
                found = frames.gather_payload(view, framing, HEAD_ROOM, len(buffer))
            self.assertEqual(found, (HEAD_ROOM, HEAD_ROOM, HEAD_ROOM))


def pieces(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return data in pieces of these sizes, and the rest."""
    found, at = [], 0
    for size in sizes:
        found.append(data[at : at + size])
        at += size
    return [piece for piece in (*found, data[at:]) if piece]
