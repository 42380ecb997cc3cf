"""Writes log events to a stream, from a level on, in a format that can be changed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

from twisted.logger import ILogObserver, LogEvent, LogLevel
from zope.interface import implementer

from .lines import AUDIT, LINES, Format, journal_lines
from .outlets import is_journal

Level = Literal["debug", "info", "warn", "error"]


@implementer(ILogObserver)
class LogObserver:
    """Writes log events to a stream.

    Args:
        stream: takes text, and has ``flush``.
    """

    def __init__(self, stream: Any, format: Format = "text", level: Level = "info") -> None:  # noqa: A002
        self._stream = stream
        self._for_journal = is_journal(stream)
        self.configure(format, level)

    def configure(self, format: Format, level: Level) -> None:  # noqa: A002
        """Write events from now on in another format, or from another level on.

        Audit lines are written whatever the level.
        """
        line: Callable[[LogEvent], str] = LINES[format]
        self._line = journal_lines if self._for_journal and format == "text" else line
        self._least = LogLevel.levelWithName(level)

    def __call__(self, event: LogEvent) -> None:
        """Write an event; called by Twisted's log."""
        level = event.get("log_level")
        if level is not None and level < self._least and AUDIT not in event:
            return
        line = self._line(event)
        if line:
            try:
                self._stream.write(line)
            except UnicodeEncodeError:
                self._stream.write(line.encode("ascii", "backslashreplace").decode())
            self._stream.flush()
