"""The bytes are those of RFC 6143 section 7.5 and of the extensions' registered layouts."""

from __future__ import annotations

import struct
from collections.abc import Sequence

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import DownstreamViolation
from vncproxy.rfb.client_messages import (
    ClientCutText,
    ClientMessage,
    ClientMessages,
    ClientPieces,
    EnableContinuousUpdates,
    ExtensionMessage,
    Fence,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    QEMUAudioFormat,
    QEMUKeyEvent,
    SetDesktopSize,
    SetEncodings,
    SetPixelFormat,
    XvpRequest,
)
from vncproxy.rfb.pixels import PixelFormat

SAMPLES: list[tuple[str, bytes, ClientMessage]] = [
    (
        "SetPixelFormat",
        bytes.fromhex("00 000000 20180001 00ff00ff00ff 000810 000000"),
        SetPixelFormat(PixelFormat(red_shift=0, blue_shift=16)),
    ),
    ("SetEncodings", bytes.fromhex("02 00 0002 00000006 ffffff21"), SetEncodings((6, -223))),
    ("no encodings", bytes.fromhex("02 00 0000"), SetEncodings(())),
    (
        "incremental request",
        bytes.fromhex("03 01 0001 0002 0320 0258"),
        FramebufferUpdateRequest(True, 1, 2, 800, 600),
    ),
    (
        "full request",
        bytes.fromhex("03 00 0000 0000 0001 0001"),
        FramebufferUpdateRequest(False, 0, 0, 1, 1),
    ),
    ("key down", bytes.fromhex("04 01 0000 0000ff0d"), KeyEvent(True, 0xFF0D)),
    ("key up", bytes.fromhex("04 00 0000 01000394"), KeyEvent(False, 0x1000394)),
    ("pointer", bytes.fromhex("05 81 0010 0020"), PointerEvent(0x81, 16, 32)),
    ("cut text", bytes.fromhex("06 000000 00000002 6869"), ClientCutText(10)),
    ("no cut text", bytes.fromhex("06 000000 00000000"), ClientCutText(8)),
    (
        "extended cut text",
        bytes.fromhex("06 000000 fffffffc 01000001"),
        ClientCutText(12, extended=True),
    ),
    (
        "continuous updates",
        bytes.fromhex("96 01 0000 0000 0320 0258"),
        EnableContinuousUpdates(True, 0, 0, 800, 600),
    ),
    ("fence", bytes.fromhex("f8 000000 80000001 03 616263"), Fence(0x80000001, b"abc")),
    ("xvp", bytes.fromhex("fa 00 01 02"), XvpRequest(1, 2)),
    (
        "desktop size",
        bytes.fromhex("fb 00 0320 0258 01 00") + bytes(16),
        SetDesktopSize(800, 600, 1),
    ),
    ("gii big-endian", bytes.fromhex("fd 81 0002 0001"), ExtensionMessage(253, None, 6)),
    ("gii little-endian", bytes.fromhex("fd 01 0200 0100"), ExtensionMessage(253, None, 6)),
    ("QEMU key", bytes.fromhex("ff 00 0001 00000061 0000001e"), QEMUKeyEvent(1, 0x61, 0x1E)),
    ("QEMU audio off", bytes.fromhex("ff 01 0001"), ExtensionMessage(255, 1, 4)),
    ("QEMU audio format", bytes.fromhex("ff 01 0002 03 02 0000ac44"), QEMUAudioFormat(3, 2, 44100)),
    ("VMware key", bytes.fromhex("7f 00 0008 001e 01 00"), ExtensionMessage(127, 0, 8)),
]
WHOLE_STREAM = b"".join(data for _, data, _ in SAMPLES)
ALL_MESSAGES = [message for _, _, message in SAMPLES]


def walk(pieces: Sequence[bytes]) -> tuple[list[ClientMessage], str | None]:
    """Return the messages in a stream, and what was wrong with it."""
    messages: list[ClientMessage] = []
    walker = ClientMessages()
    try:
        for piece in pieces:
            messages.extend(walker.receive(piece))
    except DownstreamViolation as e:
        return messages, e.detail
    return messages, None


class MessageTests(SynchronousTestCase):
    def test_each_message_is_read_as_specified(self) -> None:
        for name, data, expected in SAMPLES:
            self.assertEqual(walk([data]), ([expected], None), name)

    def test_each_message_knows_its_length(self) -> None:
        for name, data, message in SAMPLES:
            self.assertEqual(message.length, len(data), name)

    def test_messages_follow_each_other_without_a_gap(self) -> None:
        self.assertEqual(walk([WHOLE_STREAM]), (ALL_MESSAGES, None))

    def test_a_byte_at_a_time_gives_the_same(self) -> None:
        pieces = [bytes([byte]) for byte in WHOLE_STREAM]

        self.assertEqual(walk(pieces), (ALL_MESSAGES, None))

    def test_no_message_is_told_before_its_fields_are_there(self) -> None:
        for _, data, message in SAMPLES:
            if not isinstance(message, ClientCutText | ExtensionMessage | SetDesktopSize):
                self.assertEqual(walk([data[:-1]]), ([], None), message)

    def test_cut_text_is_told_at_its_head_and_its_text_is_not_kept(self) -> None:
        walker = ClientMessages()
        head = bytes.fromhex("06 000000 00100000")

        told = list(walker.receive(head))
        for _ in range(16):
            told += walker.receive(b"\x04" * 65536)
            self.assertEqual(walker._pieces._held, b"")
        told += walker.receive(bytes.fromhex("04 01 0000 00000041"))

        self.assertEqual(told, [ClientCutText(8 + (1 << 20)), KeyEvent(True, 0x41)])

    def test_messages_before_a_violation_are_still_told(self) -> None:
        key = bytes.fromhex("04 01 0000 00000041")

        self.assertEqual(walk([key + b"\x01"]), ([KeyEvent(True, 65)], "message type 1 is unknown"))

    def test_a_violation_is_not_forgotten(self) -> None:
        walker = ClientMessages()
        self.assertRaises(DownstreamViolation, list, walker.receive(b"\x07"))

        self.assertRaises(DownstreamViolation, list, walker.receive(bytes(20)))


class PieceTests(SynchronousTestCase):
    """Pieces lie in the bytes that were received, without gaps."""

    def test_a_short_message_is_one_piece(self) -> None:
        pieces = ClientPieces()

        found = list(pieces.receive(bytes.fromhex("05 00 0001 0002 04 01 0000 00000041 05")))

        self.assertEqual(found, [(5, 0, 6, True, True), (4, 6, 14, True, True)])
        self.assertEqual(list(pieces.receive(bytes(5))), [(5, 0, 6, True, True)])

    def test_a_long_message_begins_with_its_head(self) -> None:
        pieces = ClientPieces()

        found = list(pieces.receive(bytes.fromhex("06 000000 00000004 6162")))

        self.assertEqual(found, [(6, 0, 8, True, False), (6, 8, 10, False, False)])
        self.assertEqual(pieces.length, 12)
        self.assertEqual(list(pieces.receive(b"cd\5")), [(6, 0, 2, False, True)])

    def test_all_bytes_lie_in_pieces(self) -> None:
        pieces, seen = ClientPieces(), b""
        for byte in WHOLE_STREAM:
            for piece in pieces.receive(bytes([byte])):
                seen += pieces.data[piece.start : piece.end]

        self.assertEqual(seen, WHOLE_STREAM)


class LimitTests(SynchronousTestCase):
    def test_each_length_has_a_limit(self) -> None:
        for head, fact in [
            ("02 00 0401", "1025 encodings, at most 1024"),
            ("06 000000 00100001", "1048577 bytes of cut text, at most 1048576"),
            ("06 000000 ffefffff", "1048577 bytes of cut text, at most 1048576"),
            ("06 000000 80000000", "2147483648 bytes of cut text, at most 1048576"),
            ("f8 000000 00000000 41", "65 bytes of fence, at most 64"),
            ("fb 00 0001 0001 41 00", "65 screens, at most 64"),
            ("7f 04 0003", "VMware message of 3 bytes, at least 4"),
        ]:
            self.assertEqual(walk([bytes.fromhex(head)]), ([], fact))

    def test_the_limits_themselves_are_allowed(self) -> None:
        for head, length in [
            ("06 000000 00100000", 8 + 1048576),
            ("06 000000 fff00000", 8 + 1048576),
            ("f8 000000 00000000 40" + "61" * 64, 9 + 64),
            ("fb 00 0001 0001 40 00", 8 + 64 * 16),
            ("7f 04 0004", 4),
        ]:
            [message], wrong = walk([bytes.fromhex(head)])
            self.assertEqual((message.length, wrong), (length, None))

    def test_as_many_encodings_as_allowed_are_read(self) -> None:
        data = bytes.fromhex("02 00 0400") + struct.pack(">1024i", *range(1024))

        self.assertEqual(walk([data]), ([SetEncodings(tuple(range(1024)))], None))

    def test_unknown_operations_of_qemu_are_refused(self) -> None:
        for head in ("ff 02 0000", "ff 01 0003"):
            messages, wrong = walk([bytes.fromhex(head)])
            self.assertEqual(messages, [])
            self.assertIn("is unknown", wrong or "")

    def test_an_impossible_pixel_format_is_refused(self) -> None:
        self.assertEqual(
            walk([bytes(20)]), ([], "pixel format: 0 bits per pixel, expected 8, 16 or 32")
        )


def cut(data: bytes, sizes: Sequence[int]) -> list[bytes]:
    """Return the stream in pieces of the given sizes, and the rest as the last piece."""
    pieces = []
    for size in sizes:
        pieces.append(data[:size])
        data = data[size:]
    return [*pieces, data]


class AnyStreamTests(SynchronousTestCase):
    sizes = st.lists(st.integers(0, 40), max_size=20)
    starts = st.sampled_from(
        [bytes([kind]) for kind in (0, 2, 3, 4, 5, 6, 127, 248, 251, 253, 255)]
    )
    likely = st.lists(st.tuples(starts, st.binary(max_size=24)).map(b"".join), max_size=8)

    @given(sizes)
    def test_any_segmentation_of_good_messages_gives_the_same(self, sizes: list[int]) -> None:
        self.assertEqual(walk(cut(WHOLE_STREAM, sizes)), (ALL_MESSAGES, None))

    @given(likely.map(b"".join), sizes)
    def test_any_segmentation_of_random_bytes_gives_the_same(
        self, data: bytes, sizes: list[int]
    ) -> None:
        self.assertEqual(walk(cut(data, sizes)), walk([data]))

    @given(st.binary(max_size=200))
    def test_random_bytes_raise_only_our_errors(self, data: bytes) -> None:
        walk([data])
