"""The bytes of RFC 6455, section 5: frames of both endpoints, right and wrong."""

from __future__ import annotations

import tracemalloc

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.dialogues import byte_by_byte
from tests.doubles.rfc6455 import (
    BINARY,
    CLOSE,
    CONTINUED,
    PING,
    PONG,
    SIZES,
    TEXT,
    frame,
    from_browser,
    from_server,
    masked,
    receive,
)
from vncproxy.relay.framing import FrameError, PeerClose
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming


class ExampleTests(SynchronousTestCase):
    """Section 5.7, with binary frames where it shows text."""

    def test_unmasked_message(self) -> None:
        self.assertEqual(from_server(bytes.fromhex("820548656c6c6f")).payload, b"Hello")

    def test_masked_message(self) -> None:
        data = bytes.fromhex("828537fa213d7f9f4d5158")
        self.assertEqual(from_browser(data).payload, b"Hello")

    def test_fragmented_message(self) -> None:
        data = bytes.fromhex("020348656c 80026c6f")
        self.assertEqual(from_server(data).payload, b"Hello")

    def test_ping_and_its_masked_pong(self) -> None:
        framing = WebSocketFraming(client=True)
        framing.receive(bytes.fromhex("890548656c6c6f"))
        pong = framing.replies()
        self.assertEqual(pong[:2], bytes.fromhex("8a85"))
        self.assertEqual(masked(pong[6:], pong[2:6]), b"Hello")

    def test_masked_ping_and_its_pong(self) -> None:
        received = from_browser(bytes.fromhex("898537fa213d7f9f4d5158"))
        self.assertEqual(received.replies, [bytes.fromhex("8a0548656c6c6f")])

    def test_256_bytes(self) -> None:
        payload = bytes(range(256))
        self.assertEqual(from_server(bytes.fromhex("827e0100") + payload).payload, payload)

    def test_64_kibibytes(self) -> None:
        payload = bytes(range(256)) * 256
        data = bytes.fromhex("827f0000000000010000") + payload
        self.assertEqual(from_server(data).payload, payload)

    def test_text_is_refused(self) -> None:
        framing = WebSocketFraming(client=True)
        error = self.assertRaises(FrameError, framing.receive, bytes.fromhex("810548656c6c6f"))
        self.assertEqual(error.reply_code, 1003)


class ReceiveTests(SynchronousTestCase):
    def test_every_size(self) -> None:
        for size in SIZES:
            payload = (bytes(range(251)) * 300)[:size]
            self.assertEqual(from_browser(frame(BINARY, payload)).payload, payload, size)
            self.assertEqual(from_server(frame(BINARY, payload, key=None)).payload, payload, size)

    def test_longer_forms_than_needed(self) -> None:
        for head in ("827e0002", "827f0000000000000002"):
            self.assertEqual(from_server(bytes.fromhex(head) + b"hi").payload, b"hi")

    def test_payload_comes_out_before_its_frame_is_whole(self) -> None:
        framing = WebSocketFraming()
        whole = frame(BINARY, b"Hello")
        self.assertEqual(framing.receive(whole[:8]), b"He")
        self.assertEqual(framing.receive(whole[8:]), b"llo")

    def test_several_messages_in_one_segment(self) -> None:
        data = frame(BINARY, b"Hel") + frame(BINARY) + frame(BINARY, b"lo")
        self.assertEqual(from_browser(data).payload, b"Hello")

    def test_a_message_in_three_fragments(self) -> None:
        data = (
            frame(BINARY, b"He", final=False)
            + frame(CONTINUED, b"ll", final=False)
            + frame(CONTINUED, b"o")
            + frame(BINARY, b"!")
        )
        self.assertEqual(from_browser(data).payload, b"Hello!")

    def test_control_frames_between_fragments(self) -> None:
        received = from_browser(
            frame(BINARY, b"Hel", final=False) + frame(PING, b"1") + frame(PONG, b"2"),
            frame(CONTINUED, b"lo"),
        )
        self.assertEqual((received.payload, received.replies), (b"Hello", [b"\x8a\x011"]))

    def test_each_frame_has_its_own_key(self) -> None:
        data = frame(BINARY, b"Hel") + frame(BINARY, b"lo", key=b"\0\0\0\0")
        self.assertEqual(from_browser(data).payload, b"Hello")

    def test_nothing_is_kept_of_a_large_frame(self) -> None:
        framing, piece = WebSocketFraming(client=True), bytes(4096)
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        framing.receive(bytes.fromhex("827f7fffffffffffffff"))
        for _ in range(1024):
            framing.receive(piece)
        self.assertLess(tracemalloc.get_traced_memory()[1], 65536)

    def test_nothing_is_kept_of_many_small_frames(self) -> None:
        framing, piece = WebSocketFraming(client=True), bytes.fromhex("820100 8900 8a00") * 1000
        tracemalloc.start()
        self.addCleanup(tracemalloc.stop)
        for _ in range(20):
            framing.receive(piece)
        self.assertLess(tracemalloc.get_traced_memory()[0], 4096)


class PingTests(SynchronousTestCase):
    def test_longest(self) -> None:
        received = from_browser(frame(PING, b"x" * 125))
        self.assertEqual(received.replies, [frame(PONG, b"x" * 125, key=None)])

    def test_in_pieces(self) -> None:
        received = from_browser(*byte_by_byte(frame(PING, b"Hello")))
        self.assertEqual(received.replies, [frame(PONG, b"Hello", key=None)])

    def test_only_the_newest_is_answered(self) -> None:
        received = from_browser(frame(PING, b"1") + frame(PING, b"2"))
        self.assertEqual(received.replies, [frame(PONG, b"2", key=None)])

    def test_is_answered_before_a_close(self) -> None:
        received = from_browser(frame(PING, b"1") + frame(CLOSE))
        self.assertEqual(received.replies, [b"\x8a\x011" + b"\x88\x02\x03\xe8"])

    def test_pongs_are_taken_silently(self) -> None:
        received = from_browser(frame(PONG, b"unasked"))
        self.assertEqual((received.payload, received.replies), (b"", []))

    def test_our_own_is_empty(self) -> None:
        self.assertEqual(WebSocketFraming().ping(), b"\x89\x00")
        self.assertEqual(WebSocketFraming(client=True).ping()[:2], b"\x89\x80")


class CloseTests(SynchronousTestCase):
    def assertEcho(self, payload: bytes, code: int) -> None:
        received = from_browser(frame(CLOSE, payload))
        self.assertTrue(received.close_received)
        self.assertEqual(received.replies, [b"\x88\x02" + code.to_bytes(2, "big")], payload)

    def test_code_is_echoed_without_the_reason(self) -> None:
        for code in (1000, 1001, 1002, 1003, *range(1007, 1015), 3000, 4000, 4999):
            self.assertEcho(code.to_bytes(2, "big") + b"bye", code)

    def test_without_a_code_counts_as_normal(self) -> None:
        self.assertEcho(b"", 1000)

    def test_codes_that_must_not_be_sent(self) -> None:
        for code in (0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65535):
            self.assertEcho(code.to_bytes(2, "big"), 1002)

    def test_half_a_code(self) -> None:
        self.assertEcho(b"\x03", 1002)

    def test_a_reason_that_is_not_utf_8(self) -> None:
        self.assertEcho(b"\x03\xe8\xff", 1002)

    def test_code_and_reason_of_the_peer_are_kept(self) -> None:
        for payload, kept in (
            (b"", PeerClose(1005)),
            (b"\x0f\xa0", PeerClose(4000)),
            (b"\x0f\xa1moved", PeerClose(4001, "moved")),
            (b"\x03\xe8\xff", PeerClose(1002)),
            (b"\x00\x00bye", PeerClose(1002)),
        ):
            framing = WebSocketFraming()
            self.assertIsNone(framing.peer_close)
            framing.receive(frame(CLOSE, payload))
            self.assertEqual(framing.peer_close, kept)

    def test_the_longest_reason(self) -> None:
        self.assertEcho(b"\x03\xe8" + b"x" * 123, 1000)

    def test_in_mid_message(self) -> None:
        received = from_browser(frame(BINARY, b"Hel", final=False) + frame(CLOSE))
        self.assertEqual((received.payload, received.close_received), (b"Hel", True))

    def test_nothing_is_taken_after_it(self) -> None:
        more = frame(BINARY, b"more") + frame(PING) + frame(CLOSE) + b"\xff\xff"
        received = from_browser(frame(CLOSE) + more, more)
        self.assertEqual(received, from_browser(frame(CLOSE)))

    def test_ours_has_code_and_reason(self) -> None:
        self.assertEqual(WebSocketFraming().close(1000, "bye"), b"\x88\x05\x03\xe8bye")

    def test_ours_is_sent_once(self) -> None:
        framing = WebSocketFraming()
        framing.close(1000, "")
        self.assertEqual(framing.close(1001, ""), b"")

    def test_ours_is_not_sent_after_an_echo(self) -> None:
        framing = WebSocketFraming()
        framing.receive(frame(CLOSE))
        self.assertEqual(framing.close(1000, ""), b"")

    def test_the_echo_of_ours_is_not_answered(self) -> None:
        framing = WebSocketFraming()
        framing.close(4000, "bye")
        received = receive(framing, [frame(CLOSE, b"\x0f\xa0")])
        self.assertEqual((received.close_received, received.replies), (True, []))

    def test_what_comes_before_the_echo_of_ours_is_still_read(self) -> None:
        framing = WebSocketFraming()
        framing.close(4000, "bye")
        received = receive(framing, [frame(BINARY, b"late") + frame(CLOSE)])
        self.assertEqual((received.payload, received.close_received), (b"late", True))

    def test_a_long_reason_is_cut_at_a_character(self) -> None:
        sent = WebSocketFraming().close(4000, "x" + "\xe9" * 100)
        self.assertEqual(sent, b"\x88\x7d\x0f\xa0x" + b"\xc3\xa9" * 61)

    def test_a_reason_that_utf_8_cannot_say(self) -> None:
        self.assertEqual(WebSocketFraming().close(4000, "\udce9"), b"\x88\x03\x0f\xa0?")

    def test_a_client_masks_its_echo(self) -> None:
        echo = from_server(frame(CLOSE, b"\x03\xe8", key=None)).replies[0]
        self.assertEqual(echo[:2], b"\x88\x82")
        self.assertEqual(masked(echo[6:], echo[2:6]), b"\x03\xe8")


class EncodeTests(SynchronousTestCase):
    def test_a_server_does_not_mask(self) -> None:
        for size in SIZES:
            payload = bytes(size)
            self.assertEqual(WebSocketFraming().encode(payload), frame(BINARY, payload, key=None))

    def test_a_client_masks(self) -> None:
        for size in SIZES:
            payload = (bytes(range(251)) * 300)[:size]
            sent = WebSocketFraming(client=True).encode(payload)
            key = sent[len(sent) - size - 4 : len(sent) - size]
            self.assertEqual(sent, frame(BINARY, payload, key=key))

    def test_a_clients_keys_differ(self) -> None:
        framing = WebSocketFraming(client=True)
        self.assertEqual(len({framing.encode(b"")[2:6] for _ in range(20)}), 20)


class BetweenMessagesTests(SynchronousTestCase):
    def after(self, *pieces: bytes) -> bool:
        framing = WebSocketFraming()
        receive(framing, list(pieces))
        return framing.between_messages

    def test_at_first_and_after_whole_messages(self) -> None:
        self.assertTrue(self.after())
        self.assertTrue(self.after(frame(BINARY, b"Hello") + frame(PING)))

    def test_not_within_a_header(self) -> None:
        self.assertFalse(self.after(frame(BINARY, b"Hello")[:1]))

    def test_not_within_payload(self) -> None:
        self.assertFalse(self.after(frame(BINARY, b"Hello")[:6]))
        self.assertFalse(self.after(frame(BINARY, b"Hello")[:-1]))

    def test_not_between_fragments(self) -> None:
        self.assertFalse(self.after(frame(BINARY, b"Hello", final=False)))

    def test_not_after_the_end(self) -> None:
        self.assertFalse(self.after(frame(CLOSE)))
        self.assertFalse(self.after(frame(TEXT)))


class RawTests(SynchronousTestCase):
    def test_bytes_are_payload(self) -> None:
        framing = RawFraming()
        self.assertEqual((framing.receive(b"a"), framing.encode(b"b")), (b"a", b"b"))

    def test_has_no_words_of_its_own(self) -> None:
        framing = RawFraming()
        words = (framing.replies(), framing.ping(), framing.close(1000, "bye"))
        self.assertEqual((words, framing.close_received), ((b"", b"", b""), False))
        self.assertTrue(framing.between_messages)
