from __future__ import annotations

import json
import os
import time
from typing import Any, cast

from twisted.logger import (
    ILogObserver,
    LogEvent,
    Logger,
    LogLevel,
    eventAsJSON,
    eventFromJSON,
    formatEventAsClassicLogText,
)
from twisted.python import log as legacy
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.logs.lines import journal_lines, json_line, message_of, text_line

MOMENT = 1_767_323_045.25  # 2026-01-02T03:04:05.250Z


def _into(found: list[LogEvent]) -> ILogObserver:
    return cast(ILogObserver, found.append)


def event(text: str = "session {session} open to {vm}", **fields: Any) -> LogEvent:
    """Return an event as `Logger` emits it."""
    found: list[LogEvent] = []
    level = fields.pop("level", LogLevel.info)
    Logger("vncproxy.session", observer=_into(found)).emit(level, text, **fields)
    (emitted,) = found
    return {**emitted, "log_time": MOMENT}


def failed() -> LogEvent:
    found: list[LogEvent] = []
    try:
        raise ValueError("wrong\nindeed")
    except ValueError:
        Logger("vncproxy.session", observer=_into(found)).failure(
            "session {session} failed", Failure(), session="7f3a"
        )
    return {**found[0], "log_time": MOMENT}


OPEN = {"session": "7f3a", "vm": "kvm/web-01"}


class TextTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.patch(os, "environ", {**os.environ, "TZ": "UTC"})
        time.tzset()

    def test_a_line(self) -> None:
        self.assertEqual(
            text_line(event(**OPEN)),
            "2026-01-02T03:04:05+0000 [vncproxy.session#info] session 7f3a open to kvm/web-01\n",
        )

    def test_lines_are_those_of_twisted(self) -> None:
        legacies: list[LogEvent] = []
        observer = legacies.append
        legacy.addObserver(observer)
        self.addCleanup(legacy.removeObserver, observer)
        for each in (
            event(**OPEN),
            event("{a!r} {b:g} {c:>5}", a="x", b=1.50, c=7),
            event("{call()} of {a}", call=lambda: "called", a=1),
            event("{o.real}", o=3),
            event("two\nlines"),
            event("{missing}"),
            event("{broken"),
            event("{{braces}} {a}", a=1),
            event("{worker}", log_system="w2, vncproxy.session#info", worker="w2"),
            eventFromJSON(eventAsJSON(event("{e} {a!r}", e=ValueError("x"), a="y"))),
            failed(),
        ):
            self.assertEqual(text_line(each), formatEventAsClassicLogText(each), each)

    def test_an_event_without_a_message_is_no_line(self) -> None:
        empty = {"log_time": MOMENT, "log_level": LogLevel.info}

        self.assertEqual(text_line(empty) + journal_lines(empty) + json_line(empty), "")


class JournalTests(SynchronousTestCase):
    def test_each_line_has_its_priority_and_no_time(self) -> None:
        self.assertEqual(
            journal_lines(event(level=LogLevel.warn, **OPEN)),
            "<4>[vncproxy.session#warn] session 7f3a open to kvm/web-01\n",
        )
        lines = journal_lines(failed()).splitlines()
        self.assertGreater(len(lines), 3)
        self.assertEqual({line[:3] for line in lines}, {"<2>"})

    def test_priorities_are_those_of_syslog(self) -> None:
        for level, number in (("debug", 7), ("info", 6), ("warn", 4), ("error", 3)):
            line = journal_lines(event(level=LogLevel.levelWithName(level), **OPEN))
            self.assertEqual(line[:3], f"<{number}>")


class JSONTests(SynchronousTestCase):
    def parsed(self, of: LogEvent) -> dict[str, Any]:
        line = json_line(of)
        self.assertEqual(line.count("\n"), 1)
        self.assertTrue(line.isascii())
        found: dict[str, Any] = json.loads(line)
        return found

    def test_members(self) -> None:
        self.assertEqual(
            self.parsed(event(worker="w2", **OPEN)),
            {
                "time": "2026-01-02T03:04:05.250+00:00",
                "level": "info",
                "logger": "vncproxy.session",
                "message": "session 7f3a open to kvm/web-01",
                "worker": "w2",
                "session": "7f3a",
            },
        )

    def test_a_traceback_is_one_member(self) -> None:
        found = self.parsed(failed())

        self.assertEqual((found["level"], found["message"]), ("critical", "session 7f3a failed"))
        self.assertIn("ValueError: wrong\nindeed", found["traceback"])

    def test_a_traceback_that_a_worker_has_written_is_told_apart(self) -> None:
        of_worker = event("session {session} failed\n{traceback}", session="7", traceback="T\nU\n")

        found = self.parsed(of_worker)

        self.assertEqual((found["message"], found["traceback"]), ("session 7 failed", "T\nU\n"))

    def test_an_audit_line_is_an_object(self) -> None:
        found = self.parsed(event("{audit}", audit='{"event": "open", "session": "7f3a"}'))

        self.assertEqual(found["audit"], {"event": "open", "session": "7f3a"})
        self.assertEqual(found["message"], "audit")

    def test_what_is_not_json_is_text(self) -> None:
        found = self.parsed(event("{path}", path=b"/\xff", status=200, client=None))

        self.assertEqual(found["path"], "b'/\\xff'")
        self.assertEqual((found["status"], found["client"]), (200, None))

    def test_text_that_ends_lines_elsewhere_does_not_here(self) -> None:
        found = self.parsed(event("a\u2028b\x85c\nd"))

        self.assertEqual(found["message"], "a\u2028b\x85c\nd")


class MessageTests(SynchronousTestCase):
    def test_a_format_that_does_not_fit_is_told(self) -> None:
        self.assertIn("nothing", message_of(event("{nothing}")))
