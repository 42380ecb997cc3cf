"""Messages that no viewer sends end the session, and do not reach the console.

The public faults are those in the table of docs/security.md.
"""

from __future__ import annotations

import re
import struct
import zlib
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.viewer_messages import (
    CAPS,
    EXTENDED_CLIPBOARD,
    KEY,
    NOTIFY,
    PROVIDE,
    REQUEST,
    TEXT,
    cut_text,
    extended,
    fence,
    pixel_format,
    provide,
    set_encodings,
    sized,
)
from vncproxy.errors import ViewerMessageRefused
from vncproxy.filters.rules import rules_for
from vncproxy.filters.to_server import ViewerFilter
from vncproxy.model import Clipboard, Mode, Policy

SYNC_NEXT = 0x80000004
SETTINGS = (
    Policy(),
    Policy(mode=Mode.VIEW_ONLY),
    Policy(clipboard=Clipboard.NONE),
    Policy(clipboard=Clipboard.FROM_GUEST, clipboard_limit=100),
)


class RefusedTestCase(SynchronousTestCase):
    def refused(self, message: bytes, *before: bytes, policy: Policy | None = None) -> str:
        """Return why a message is refused; nothing of it passes, a byte at a time neither."""
        reasons: set[str] = set()
        for pieces in ([message], [bytes([byte]) for byte in message]):
            stage = ViewerFilter(rules_for(policy or Policy()))
            for each in before:
                stage.process(each)
            passed = b""
            with self.assertRaises(ViewerMessageRefused) as caught:
                for piece in pieces:
                    passed += stage.process(piece)
            self.assertEqual(passed, b"")
            reasons.add(caught.exception.detail)
        self.assertEqual(len(reasons), 1)
        return reasons.pop()

    def refused_always(self, message: bytes, *before: bytes) -> None:
        for policy in SETTINGS:
            self.refused(message, *before, policy=policy)

    def refused_extended(self, message: bytes) -> str:
        return self.refused(message, set_encodings(EXTENDED_CLIPBOARD))


class QEMUTests(RefusedTestCase):
    def test_cve_2008_2382_a_list_without_encodings_is_sent_as_raw_alone(self) -> None:
        for policy in SETTINGS:
            for sent in (set_encodings(), set_encodings(1000)):
                passed = ViewerFilter(rules_for(policy)).process(sent)
                self.assertEqual(passed, set_encodings(0))

    def test_cve_2014_7815_pixels_of_too_few_bits(self) -> None:
        for bits in (0, 1, 7, 24, 64, 255):
            self.refused_always(pixel_format(bits=bits))

    def test_cve_2015_8504_colours_without_values(self) -> None:
        for largest in ((0, 255, 255), (255, 0, 255), (255, 255, 0)):
            self.refused_always(pixel_format(largest=largest))

    def test_a_colour_map_of_more_than_8_bits(self) -> None:
        """QEMU sends 8 bits a pixel then, so a walker of its updates would pass over messages."""
        for bits in (16, 32):
            self.refused_always(pixel_format(bits, 8, true_colour=False))

    def test_cve_2015_5239_a_text_of_gigabytes(self) -> None:
        for size in (0x7FFFFFFF, 0xFFFFFFFF - 0x7FFFFFF0, 0x80000000, 0x01000000):
            self.refused_always(struct.pack(">B3xI", 6, size))

    def test_cve_2022_3165_an_extended_message_without_flags(self) -> None:
        for size in (1, 2, 3):
            self.refused_extended(struct.pack(">B3xi", 6, -size) + bytes(size))

    def test_cve_2023_3255_bytes_behind_the_compressed_text(self) -> None:
        body = zlib.compress(sized(b"text\0"))

        reason = self.refused_extended(extended(PROVIDE | TEXT, body + b"\0"))

        self.assertEqual(reason, "clipboard data with bytes behind its zlib stream")

    def test_cve_2023_6683_an_empty_text_is_dropped(self) -> None:
        for policy in SETTINGS:
            stage = ViewerFilter(rules_for(policy))
            self.assertEqual(stage.process(cut_text(b"")), b"")
        stage = ViewerFilter(rules_for(Policy()))
        encodings = set_encodings(EXTENDED_CLIPBOARD)
        self.assertEqual(stage.process(encodings + provide(b"") + KEY), encodings + KEY)

    def test_cve_2023_6683_an_extended_message_before_its_announcement(self) -> None:
        for flags in (NOTIFY | TEXT, REQUEST | TEXT):
            self.refused(extended(flags))
            self.refused(extended(flags), set_encodings(EXTENDED_CLIPBOARD), set_encodings(0))


class LibVNCServerTests(RefusedTestCase):
    def test_cve_2010_5304_a_text_for_which_no_memory_is_found(self) -> None:
        for size in (0x7FFFFFFF, 0x00100001):
            self.refused_always(struct.pack(">B3xI", 6, size))

    def test_cve_2014_6053_and_2018_7225_a_text_larger_than_memory(self) -> None:
        for size in (0xFFFFFFFF - 0x7FFFFFF0, 0x7FFFFFFE, 0x00100001):
            self.refused_always(struct.pack(">B3xI", 6, size))

    def test_cve_2020_25708_a_request_without_pixels_is_dropped(self) -> None:
        for size in (b"\0\0\0\1", b"\0\1\0\0", bytes(4)):
            stage = ViewerFilter(rules_for(Policy()))
            request = b"\3\0\0\0\0\0"
            self.assertEqual(stage.process(request + size + KEY), KEY)

    def test_cve_2014_6054_scaling(self) -> None:
        for kind in (8, 15):
            self.refused_always(bytes([kind, 0, 0, 0]))

    def test_cve_2014_6055_2018_15127_and_others_of_its_file_transfer(self) -> None:
        self.refused_always(struct.pack(">BBBxII", 7, 3, 0, 0, 0xFFFFFFFF))


class UltraVNCTests(RefusedTestCase):
    def test_cve_2019_8271_and_others_of_its_file_transfer(self) -> None:
        for request in (1, 2, 3, 4, 6, 7, 11):
            self.refused_always(struct.pack(">BBBxII", 7, request, 0, 0xFFFFFFFF, 0xFFFFFFFF))


class TigerVNCTests(RefusedTestCase):
    def test_cve_2017_7393_a_fence_whose_payload_has_gone(self) -> None:
        stage = ViewerFilter(rules_for(Policy()))
        for each in (fence(SYNC_NEXT, b"a"), fence(SYNC_NEXT, b"b"), fence(0x80000001)):
            self.assertEqual(stage.process(each), each)

        self.refused_always(fence(SYNC_NEXT), fence(SYNC_NEXT, b"a"))

    def test_fences_without_any_payload_pass(self) -> None:
        stage = ViewerFilter(rules_for(Policy()))
        for _ in range(3):
            self.assertEqual(stage.process(fence(SYNC_NEXT)), fence(SYNC_NEXT))

    def test_cve_2017_7395_a_text_whose_length_overflows(self) -> None:
        for size in (0x7FFFFFFF, 0x80000000, 0x80000001):
            self.refused_always(struct.pack(">B3xI", 6, size))


class AbsurdTests(RefusedTestCase):
    def test_too_many_encodings(self) -> None:
        self.refused_always(bytes.fromhex("02 00 ffff"))

    def test_what_is_no_message(self) -> None:
        for kind in (1, 9, 128, 252, 254):
            self.refused_always(bytes([kind]))

    def test_a_compressed_text_that_fills_memory(self) -> None:
        bomb = zlib.compress(struct.pack(">I", 1 << 28) + bytes(1 << 28), 9)

        reason = self.refused_extended(extended(PROVIDE | TEXT, bomb))

        self.assertIn("more than 1048580 bytes", reason)

    def test_a_compressed_text_that_is_none(self) -> None:
        whole = zlib.compress(sized(b"text\0"))
        for body in (b"", b"no zlib", whole[:-8], whole[:3]):
            self.refused_extended(extended(PROVIDE | TEXT, body))

    def test_a_text_that_differs_from_its_size(self) -> None:
        for data in (struct.pack(">I", 9) + b"text", sized(b"text") + b"more", b"\0\0", sized()):
            self.refused_extended(extended(PROVIDE | TEXT, zlib.compress(data)))

    def test_extended_messages_of_a_wrong_form(self) -> None:
        for message in (
            extended(0),
            extended(NOTIFY | REQUEST | TEXT),
            extended(NOTIFY | TEXT, b"more"),
            extended(CAPS | TEXT),
            extended(CAPS | TEXT, bytes(8)),
            extended(1 << 30),
        ):
            self.refused_extended(message)

    def test_a_stream_that_is_flushed_and_not_ended_passes(self) -> None:
        """TigerVNC and noVNC compress so."""
        stream = zlib.compressobj()
        data = stream.compress(sized(b"text\0")) + stream.flush(zlib.Z_SYNC_FLUSH)
        message = extended(PROVIDE | TEXT, data)
        stage = ViewerFilter(rules_for(Policy()))
        stage.process(set_encodings(EXTENDED_CLIPBOARD))

        self.assertEqual(stage.process(message), message)

    def test_a_desktop_without_pixels_or_too_large(self) -> None:
        for width, height, screens in ((0, 600, 1), (800, 0, 1), (16385, 1, 1), (1, 65535, 1)):
            self.refused(struct.pack(">BxHHBx", 251, width, height, screens) + bytes(16))
        self.refused(struct.pack(">BxHHBx", 251, 800, 600, 0))
        self.refused(struct.pack(">BxHHBx", 251, 800, 600, 65))

    def test_sound_in_a_format_that_there_is_not(self) -> None:
        for form, channels, frequency in ((6, 2, 44100), (3, 0, 44100), (3, 3, 44100), (3, 2, 0)):
            self.refused(struct.pack(">BBHBBI", 255, 1, 2, form, channels, frequency))
        self.refused(struct.pack(">BBHBBI", 255, 1, 2, 3, 2, 0xFFFFFFFF))

    def test_an_action_that_xvp_has_not(self) -> None:
        for version, code in ((1, 0), (1, 1), (1, 5), (0, 2), (2, 2)):
            self.refused(bytes([250, 0, version, code]))
        stage = ViewerFilter(rules_for(Policy()))
        self.assertEqual(stage.process(bytes([250, 0, 1, 3])), bytes([250, 0, 1, 3]))

    def test_a_desktop_and_sound_as_viewers_ask_for_them_pass(self) -> None:
        stage = ViewerFilter(rules_for(Policy()))
        for message in (
            struct.pack(">BxHHBx", 251, 16384, 16384, 2) + bytes(32),
            struct.pack(">BBHBBI", 255, 1, 2, 3, 2, 44100),
        ):
            self.assertEqual(stage.process(message), message)


class TableTests(SynchronousTestCase):
    def test_each_fault_of_the_table_has_a_test(self) -> None:
        document = Path(__file__).resolve().parents[2] / "docs" / "security.md"
        rows = [row for row in document.read_text().splitlines() if row.startswith("| CVE-")]
        listed = {fault for row in rows for fault in re.findall(r"CVE-(\d{4}-\d+)", row)}
        tested = {
            f"{year}-{number}"
            for case in (QEMUTests, LibVNCServerTests, UltraVNCTests, TigerVNCTests)
            for name in dir(case)
            if name.startswith("test_cve_")
            for year, number in re.findall(r"(20\d\d)_(\d{4,})", name)
        }
        self.assertGreater(len(tested), 10)
        self.assertEqual(tested - listed, set())
        missing = {fault for fault in listed - tested if not _in_a_group(fault, rows)}
        self.assertEqual(missing, set())


def _in_a_group(fault: str, rows: list[str]) -> bool:
    """Return whether the first fault of the row stands for it: the same message, stopped alike."""
    row = next(row for row in rows if fault in row)
    return fault not in re.findall(r"CVE-(\d{4}-\d+)", row)[:1]
