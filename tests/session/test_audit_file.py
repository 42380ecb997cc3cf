"""Lines that a full disk refuses wait, in order and whole."""

from __future__ import annotations

from errno import ENOSPC
from io import RawIOBase

from twisted.internet.task import Clock
from twisted.logger import capturedLogs, formatEvent
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.session.audit_file import RETRY, AuditFile


class Disk(RawIOBase):
    """A file on a disk with room for so many bytes."""

    def __init__(self, room: int) -> None:
        self.room = room
        self.content = b""
        self.tries = 0
        self.close_error: OSError | None = None

    def close(self) -> None:
        if self.close_error is not None:
            raise self.close_error
        super().close()

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.tries += 1
        if not self.room:
            raise OSError(ENOSPC, "No space left on device")
        written = data[: self.room]
        self.content += written
        self.room -= len(written)
        return len(written)


class AuditFileTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()

    def open(self, room: int = 10_000, most: int = 100) -> None:
        self.disk = Disk(room)
        self.file = AuditFile(self.disk, self.clock, most=most)

    def test_a_file_that_fails_only_when_it_is_closed_keeps_no_other_from_its_place(self) -> None:
        self.open()
        self.disk.close_error = OSError(ENOSPC, "No space left on device")
        self.addCleanup(setattr, self.disk, "close_error", None)
        other = Disk(10_000)

        with capturedLogs() as events:
            self.file.write_to(other)
        self.file.append("one")

        self.assertEqual(other.content, b"one\n")
        self.assertEqual(len(events), 1)

    def test_lines_are_written_at_once(self) -> None:
        self.open()

        self.file.append("one")
        self.file.append("two")

        self.assertEqual(self.disk.content, b"one\ntwo\n")
        self.assertEqual((self.file.waiting, self.file.lost), (0, 0))
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_lines_wait_for_room_wherever_it_ended(self) -> None:
        for room in range(8):
            self.open(room)
            self.file.append("one")
            self.file.append("two")
            self.assertGreater(self.file.waiting, 0)

            self.disk.room = 10_000
            self.clock.advance(RETRY)

            self.assertEqual(self.disk.content, b"one\ntwo\n", room)
            self.assertEqual(self.file.waiting, 0)
            self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_a_full_disk_is_tried_once_a_second_however_many_lines_there_are(self) -> None:
        self.open(0)
        for _ in range(50):
            self.file.append("line")
        self.assertEqual(self.disk.tries, 1)

        self.clock.pump([RETRY] * 3)

        self.assertEqual(self.disk.tries, 4)

    def test_lines_beyond_the_limit_are_counted(self) -> None:
        self.open(0, most=3)

        for number in range(5):
            self.file.append(str(number))
        self.disk.room = 10_000
        self.clock.advance(RETRY)

        self.assertEqual(self.file.lost, 2)
        self.assertEqual(self.disk.content, b"0\n1\n2\n")

    def test_the_log_says_it_once(self) -> None:
        with capturedLogs() as events:
            self.open(0, most=3)
            for _ in range(5):
                self.file.append("line")
            self.clock.pump([RETRY] * 5)
            self.disk.room = 10_000
            self.clock.advance(RETRY)

        self.assertEqual(
            [formatEvent(event) for event in events],
            [
                "audit lines cannot be written and wait: No space left on device",
                "audit lines are lost: too many wait",
                "audit lines are written again; 2 were lost since the start",
            ],
        )

    def test_another_file_gets_what_waits_in_whole_lines(self) -> None:
        self.open(2)
        self.file.append("one")
        before, after = self.disk, Disk(10_000)

        self.file.write_to(after)

        self.assertEqual((before.content, after.content), (b"on", b"one\n"))
        self.assertTrue(before.closed)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def test_what_waits_at_the_end_is_tried_once_more(self) -> None:
        for room, content in ((10_000, b"one\n"), (0, b"")):
            self.open(0)
            self.file.append("one")
            self.disk.room = room

            self.file.close()

            self.assertEqual(self.disk.content, content)
            self.assertTrue(self.disk.closed)
            self.assertEqual(self.clock.getDelayedCalls(), [])
