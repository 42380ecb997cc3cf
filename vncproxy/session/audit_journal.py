"""A file beside the audit file that says which sessions are open, in case the proxy is killed.

``<audit file>.open`` has a line for each session that opened, and one for each that closed. The
process that writes it holds a lock on it: a journal without a lock is that of a killed process,
whose sessions the next process that starts closes in the audit. Further processes that write to the
same audit file use ``.open.1`` and so on.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from io import FileIO
from pathlib import Path
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from .audit_file import AuditFile

MOST_PROCESSES = 64
"""Processes that may write to one audit file."""

MAX_CLOSED_LINES = 2000
"""Lines of closed sessions above which a journal is rewritten."""

Line = dict[str, Any]


class Journal:
    """The journal of this process.

    Args:
        file: raw, locked, and empty or this process's own.
        clock: for the time between two attempts to write.
    """

    log = Logger()

    def __init__(self, file: FileIO, clock: IReactorTime) -> None:
        self._file = file
        self._lines = AuditFile(file, clock, "journal")
        self._open = self._closed_lines = 0

    def opened(self, line: str) -> None:
        """Add an open session.

        Args:
            line: its audit line, in JSON.
        """
        self._open += 1
        self._lines.append(f'{{"open": {line}}}')

    def closed(self, session_id: str) -> None:
        """Note that a session is closed."""
        self._open -= 1
        self._closed_lines += 2
        self._lines.append(f'{{"close": "{session_id}"}}')
        if self._closed_lines > MAX_CLOSED_LINES + 2 * self._open and not self._lines.waiting:
            self._rewrite()

    def close(self) -> None:
        """Close the file; open sessions stay in it."""
        self._lines.close()

    def still_open(self) -> list[Line]:
        """Return the audit lines of the sessions that are open."""
        return list(_read(self._file))

    def _rewrite(self) -> None:
        lines = self.still_open()
        self._file.truncate(0)
        self._closed_lines = 0
        for line in lines:
            self._lines.append(json.dumps({"open": line}))


def claim(audit: Path, clock: IReactorTime) -> tuple[Journal | None, list[Line]]:
    """Return a journal for this process, and the sessions that killed processes had open.

    The journals of killed processes are removed, or become this process's own. Where the folder
    cannot be written, that is logged, and there is no journal.
    """
    lost: list[Line] = []
    journal: Journal | None = None
    try:
        for path in _places(audit):
            if journal is not None and not path.exists():
                continue
            file = _locked(path)
            if file is None:
                continue
            lost += _read(file)
            if journal is None:
                file.truncate(0)
                journal = Journal(file, clock)
            else:
                path.unlink()
                file.close()
    except OSError as e:
        Journal.log.warn(
            "{path}.open cannot be used, so the audit will not close sessions of a crash: {why}",
            path=str(audit),
            why=e.strerror,
        )
    return journal, lost


def _places(audit: Path) -> Iterator[Path]:
    yield Path(f"{audit}.open")
    for number in range(1, MOST_PROCESSES):
        yield Path(f"{audit}.open.{number}")


def _locked(path: Path) -> FileIO | None:
    """Open a journal and lock it; None where another process has locked it."""
    descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.fstat(descriptor).st_ino != path.stat().st_ino:
            raise BlockingIOError
    except (BlockingIOError, FileNotFoundError):
        os.close(descriptor)
        return None
    return FileIO(descriptor, "a+")


def _read(file: FileIO) -> Iterator[Line]:
    """Yield the audit lines of open sessions; lines that are not whole are left out."""
    file.seek(0)
    lines: dict[str, Line] = {}
    for text in file.readall().splitlines():
        try:
            entry = json.loads(text)
            if "open" in entry:
                lines[entry["open"]["session"]] = entry["open"]
            else:
                lines.pop(entry["close"], None)
        except (ValueError, KeyError, TypeError):
            continue
    yield from lines.values()
