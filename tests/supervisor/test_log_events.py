"""Log events on their way from a worker into the supervisor's log."""

from __future__ import annotations

import os
import threading
from io import StringIO
from pathlib import Path
from typing import Any, cast

from twisted.internet.task import Clock
from twisted.logger import ILogObserver, LogEvent, Logger, LogLevel, textFileLogObserver
from twisted.trial.unittest import SynchronousTestCase

import vncproxy
from vncproxy.supervisor import log_events
from vncproxy.supervisor.log_events import EventPipe, encode, publish


class TextTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.events: list[LogEvent] = []
        self.log = Logger("room", observer=cast(ILogObserver, self.events.append))

    def published(self) -> str:
        """Return the last event as it stands in the supervisor's log, without its time."""
        written = StringIO()
        publish(encode(self.events[-1]), "worker 2", textFileLogObserver(written))
        return written.getvalue().partition(" ")[2]

    def test_plain_fields_stay_fields(self) -> None:
        self.log.warn("{user} is late by {seconds:.1f} s", user="alice", seconds=2.25)

        got: list[LogEvent] = []
        publish(encode(self.events[-1]), "worker 2", got.append)

        self.assertEqual(self.published(), "[worker 2, room#warn] alice is late by 2.2 s\n")
        self.assertEqual((got[0]["user"], got[0]["log_level"]), ("alice", LogLevel.warn))

    def test_no_message_of_a_worker_has_a_field_that_names_the_worker_that_logs(self) -> None:
        package = Path(vncproxy.__file__).parent
        texts = {path: path.read_text() for path in package.rglob("*.py")}
        of_workers = {p: t for p, t in texts.items() if p.parent.name != "supervisor"}

        self.assertEqual([str(p) for p, text in of_workers.items() if "{worker}" in text], [])

    def test_others_become_text(self) -> None:
        self.log.info("{what!r} of {who.real}", what=ValueError("x"), who=7)

        self.assertEqual(self.published(), "[worker 2, room#info] ValueError('x') of 7\n")

    def test_a_failure_keeps_its_traceback(self) -> None:
        try:
            raise ValueError("a defect")
        except ValueError:
            self.log.failure("it failed")

        text = self.published()

        self.assertTrue(text.startswith("[worker 2, room#critical] it failed\n\tTraceback"), text)
        self.assertIn("ValueError: a defect", text)

    def test_line_feeds_of_others_end_no_line(self) -> None:
        self.log.info("{name}", name="a\n[worker 1, x#info] forged")

        self.assertEqual(encode(self.events[-1]).count(b"\n"), 1)
        self.assertEqual(len(self.published().splitlines()), 2)
        self.assertTrue(self.published().splitlines()[1].startswith("\t"))

    def test_what_is_no_event_is_shown_as_it_is(self) -> None:
        for line in (b"Segmentation fault", b"[1]", b'{"log_level": "loud"}', b"\xff"):
            got: list[LogEvent] = []
            publish(line, "worker 2", got.append)
            self.assertEqual(got[0]["log_text"], line.decode(errors="replace"))


class PipeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.read, write = os.pipe()
        os.set_blocking(self.read, False)
        self.addCleanup(os.close, self.read)
        self.clock = Clock()
        self.pipe = EventPipe(write, self.clock)
        self.addCleanup(os.close, write)
        self.log = Logger("room", observer=self.pipe)

    def arrived(self) -> list[str]:
        found = b""
        try:
            while True:
                found += os.read(self.read, 65536)
        except BlockingIOError:
            lines: list[str] = []
            for line in found.splitlines():
                publish(line, "", lambda event: lines.append(text_of(event)))
            return lines

    def test_several_events_are_one_write(self) -> None:
        for number in range(3):
            self.log.info("{number}", number=number)
        self.assertEqual(self.arrived(), [])

        self.clock.advance(log_events.PERIOD)

        self.assertEqual(self.arrived(), ["0", "1", "2"])

    def test_an_error_is_written_at_once(self) -> None:
        self.log.info("before")
        self.log.error("now")

        self.assertEqual(self.arrived(), ["before", "now"])

    def test_another_thread_may_log(self) -> None:
        thread = threading.Thread(target=self.log.info, args=("elsewhere",))
        thread.start()
        thread.join()

        self.assertEqual(self.arrived(), ["elsewhere"])

    def test_a_full_pipe_keeps_the_events_in_order(self) -> None:
        for number in range(2000):
            self.log.error("{number} {more}", number=number, more="x" * 200)
        got = []
        for _ in range(100):
            got += [int(line.split()[0]) for line in self.arrived_whole()]
            self.clock.advance(log_events.RETRY)

        self.assertEqual(got, list(range(2000)))

    def arrived_whole(self) -> list[str]:
        """Return whole lines; the rest of one is kept."""
        self.rest = getattr(self, "rest", b"")
        try:
            self.rest += os.read(self.read, 1 << 20)
        except BlockingIOError:
            return []
        *whole, self.rest = self.rest.split(b"\n")
        lines: list[str] = []
        for line in whole:
            publish(line, "", lambda event: lines.append(text_of(event)))
        return lines

    def test_events_that_do_not_fit_are_counted(self) -> None:
        self.patch(log_events, "MOST_WAITING", 10)
        for _ in range(3000):
            self.log.error("{more}", more="x" * 200)

        got: list[str] = []
        for _ in range(50):
            got += self.arrived_whole()
            self.clock.advance(log_events.RETRY)

        self.assertRegex(got[-1], r"^\d+ lines of this log are lost$")
        self.assertEqual(len(got) - 1 + int(got[-1].split()[0]), 3000)

    def test_a_supervisor_that_is_gone_is_no_error(self) -> None:
        os.dup2(os.open(os.devnull, os.O_RDONLY), self.read)

        self.log.error("in vain")
        self.pipe.flush()


def text_of(event: LogEvent) -> str:
    shown: dict[str, Any] = dict(event)
    return str(shown["log_format"]).format(**shown)
