"""Appends lines to a file; lines that a full disk refuses wait in memory until there is room."""

from __future__ import annotations

from collections import deque
from errno import EAGAIN
from io import RawIOBase

from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger

MOST_WAITING = 10_000
"""Lines that may wait for room, about 4 MB of audit lines; further ones are lost."""

RETRY = 1.0
"""Seconds between two attempts to write."""


class AuditFile:
    """Writes lines to a file, in order and each of them whole.

    Args:
        file: raw, and open for appending; it is closed with this object.
        clock: for the time between two attempts to write.
        what: what the log calls the lines.
        most: lines that may wait.

    Attributes:
        lost: how many lines were lost because too many waited.
        failures: how many attempts to write failed.
    """

    log = Logger()

    def __init__(
        self, file: RawIOBase, clock: IReactorTime, what: str = "audit", most: int = MOST_WAITING
    ) -> None:
        self.lost = self.failures = 0
        self._file = file
        self._clock = clock
        self._what = what
        self._most = most
        self._lines: deque[bytes] = deque()
        self._written = 0
        self._retry: IDelayedCall | None = None

    @property
    def waiting(self) -> int:
        """How many lines are not in the file yet."""
        return len(self._lines)

    def append(self, line: str) -> None:
        """Write a line, now or as soon as it is possible; never fails."""
        if len(self._lines) >= self._most:
            if not self.lost:
                self.log.error("{what} lines are lost: too many wait", what=self._what)
            self.lost += 1
            return
        self._lines.append(line.encode() + b"\n")
        if self._retry is None:
            self._write()

    def write_to(self, file: RawIOBase) -> None:
        """Write to another file from now on, waiting lines included, and close the one before."""
        before, self._file, self._written = self._file, file, 0
        self._close(before)
        self._try_again()

    def close(self) -> None:
        """Try to write what waits for the last time, and close the file."""
        self._try_again()
        if self._retry is not None:
            self._retry.cancel()
            self.log.error(
                "{count} {what} lines are lost: they could not be written before the end",
                count=len(self._lines),
                what=self._what,
            )
        self._close(self._file)

    def _close(self, file: RawIOBase) -> None:
        """Close a file; one on a full or lost volume may say only now that it has failed."""
        try:
            file.close()
        except OSError as e:
            self.log.error(
                "the {what} file did not close: {why}",
                what=self._what,
                why=e.strerror or str(e),
            )

    def _try_again(self) -> None:
        waited, self._retry = self._retry, None
        if waited is not None and waited.active():
            waited.cancel()
        self._write(waited is not None)

    def _write(self, again: bool = False) -> None:
        try:
            while self._lines:
                written = self._file.write(self._lines[0][self._written :])
                if not written:
                    raise BlockingIOError(EAGAIN, "the file takes nothing now")
                self._written += written
                if self._written == len(self._lines[0]):
                    self._lines.popleft()
                    self._written = 0
        except OSError as e:
            self.failures += 1
            if not again:
                self.log.error(
                    "{what} lines cannot be written and wait: {why}",
                    what=self._what,
                    why=e.strerror or str(e),
                )
            self._retry = self._clock.callLater(RETRY, self._try_again)
        else:
            if again:
                self.log.info(
                    "{what} lines are written again; {lost} were lost since the start",
                    what=self._what,
                    lost=self.lost,
                )
