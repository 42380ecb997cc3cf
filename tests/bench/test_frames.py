from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from bench.frames import BINARY, CONTINUATION, PING, FrameReader, frame

KEY = b"\x01\x02\x03\x04"
SIZES = (1, 125, 126, 65535, 65536)


def taken_apart(pieces: list[bytes]) -> tuple[bytes, list[tuple[int, bytes]]]:
    controls: list[tuple[int, bytes]] = []
    reader = FrameReader(lambda opcode, payload: controls.append((opcode, payload)))
    payload = b"".join(bytes(part) for piece in pieces for part in reader.feed(memoryview(piece)))
    return payload, controls


class FrameTests(SynchronousTestCase):
    def test_a_masked_message_as_in_the_rfc(self) -> None:
        wire = bytes.fromhex("818537fa213d7f9f4d5158")  # RFC 6455 section 5.7, "Hello"

        self.assertEqual(taken_apart([wire])[0], b"Hello")
        self.assertEqual(frame(b"Hello", 1, key=bytes.fromhex("37fa213d")), wire)

    def test_a_byte_at_a_time_equals_all_at_once(self) -> None:
        wire = frame(bytes(range(256)) * 300, key=KEY)
        wire += frame(b"", PING, key=KEY)
        for size in SIZES:
            wire += frame(bytes([size % 251]) * size, BINARY, fin=False, key=KEY)
            wire += frame(b"within", PING, key=KEY)
            wire += frame(b"rest", CONTINUATION, key=KEY)

        payload, controls = taken_apart([wire])

        self.assertEqual(len(payload), 76800 + sum(SIZES) + 4 * len(SIZES))
        self.assertEqual(controls, [(PING, b""), *[(PING, b"within")] * len(SIZES)])
        self.assertEqual(taken_apart([wire[at : at + 1] for at in range(len(wire))])[0], payload)
