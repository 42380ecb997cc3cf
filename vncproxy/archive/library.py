"""The recordings that are kept, wherever they are; all calls block, so they belong in threads."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from pathlib import Path
from typing import BinaryIO, Final, Protocol

from ..recording.writing import About

SUFFIX: Final = ".vncr"
INDEX_SUFFIX: Final = ".vncrx"

DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
"""The folders of days."""

_NAME: Final = re.compile(
    r"(?P<began>\d{4}-\d\d-\d\d/\d{6})-(?P<session>[A-Za-z0-9_-]{1,64})\.vncr", re.ASCII
)
_LAST_MOMENT: Final = 253402300799.0
"""The last second of the year 9999."""

_SESSION: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)


class NoRecording(Exception):
    """There is no such recording, or not any more."""


class CannotRead(Exception):
    """The storage does not answer, or what is there is no recording; its text is for the log."""


class StillRecorded(Exception):
    """The session is being recorded, so its recording cannot be deleted."""


class State(Enum):
    """What became of a recording.

    Attributes:
        RECORDING: it is being written.
        ENDED: its end was written.
        CUT: it has no end: its proxy was killed, or its disk failed.
    """

    RECORDING = "recording"
    ENDED = "ended"
    CUT = "cut"


@dataclass(frozen=True, slots=True)
class Entry:
    """A recording, as the list of files has it.

    Attributes:
        session: the session's id.
        name: ``2026-01-02/030405-SESSION.vncr``, as audit lines have it.
        size: in bytes.
        began_at: seconds since 1970, whole ones, by the clock of its proxy.
        changed_at: when something was last written; seconds since 1970, by the storage's clock.
        index_size: bytes of its index; 0 without one.
        proxy: the only proxy that has its bytes; empty where every proxy can read them.
    """

    session: str
    name: str
    size: int
    began_at: float
    changed_at: float
    index_size: int = 0
    proxy: str = ""


@dataclass(frozen=True, slots=True)
class Description:
    """What a recording is of, and what became of it.

    Attributes:
        reason: the code of the session's end; empty where there is none, or it is sealed.
        seconds: from its beginning to its end, or to the last change where no end can be read.
        has_index: whether it has an index.
    """

    about: About
    state: State
    reason: str
    seconds: float
    has_index: bool


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which recordings a list is to have; see `Library.entries`."""

    since: float | None = None
    until: float | None = None
    before: str = ""

    def has_day(self, day: str) -> bool:
        """Whether recordings of a day, ``2026-01-02``, may be wanted."""
        late_enough = self.since is None or day >= _day(self.since)
        early_enough = self.until is None or day <= _day(self.until)
        return late_enough and early_enough and (not self.before or day <= self.before[:10])

    def has(self, entry: Entry) -> bool:
        """Whether a recording is wanted."""
        late_enough = self.since is None or entry.began_at >= int(self.since)
        early_enough = self.until is None or entry.began_at < self.until
        return late_enough and early_enough and (not self.before or entry.name < self.before)


class Library(Protocol):
    """Recordings that can be listed, read and deleted.

    Every call may raise `CannotRead`; those with an entry raise `NoRecording` where it is gone.
    """

    def entries(
        self, since: float | None = None, until: float | None = None, before: str = ""
    ) -> Iterator[Entry]:
        """Yield recordings, the newest first, whose names descend.

        Args:
            since: began at this time or later, in seconds since 1970.
            until: began before this time.
            before: only names less than this one, such as the last of the page before.
        """

    def kept(self) -> Iterator[Entry]:
        """Yield the recordings that are where they stay, and not on their way."""

    def storage_id(self) -> str:
        """Return a name of the storage, the same for all proxies that share it."""

    def find(self, session: str) -> Entry | None:
        """Return the recording of a session; any text may be asked for."""

    def describe(self, entry: Entry) -> Description:
        """Return what a recording is of; the answers for ended ones are remembered."""

    def open(self, entry: Entry) -> BinaryIO:
        """Open a recording: seekable, and closed by the caller. One that is written may grow."""

    def local_path(self, entry: Entry) -> Path | None:
        """Return the file of a recording on this machine; None where it has none."""

    def put_index(self, entry: Entry, path: Path) -> None:
        """Keep a file as the recording's index, in place of a former one; the file is moved."""

    def open_index(self, entry: Entry) -> BinaryIO | None:
        """Open a recording's index: seekable, and closed by the caller; None without one."""

    def delete(self, entry: Entry) -> None:
        """Delete a recording and its index.

        Raises:
            StillRecorded: it is being written.
        """


def entry_of(
    name: str, size: int, changed_at: float, index_size: int = 0, proxy: str = ""
) -> Entry | None:
    """Return the entry of a file by its name; None for files that are no recordings."""
    found = _NAME.fullmatch(name)
    if found is None:
        return None
    try:
        began = datetime.strptime(found["began"], "%Y-%m-%d/%H%M%S").replace(tzinfo=UTC)
    except ValueError:
        return None
    return Entry(found["session"], name, size, began.timestamp(), changed_at, index_size, proxy)


def index_name(name: str) -> str:
    """Return the name of a recording's index, beside it."""
    return name.removesuffix(SUFFIX) + INDEX_SUFFIX


def is_session_id(text: str) -> bool:
    """Whether a text can be a session's id, so that it is safe as a part of a name."""
    return _SESSION.fullmatch(text) is not None


def _day(moment: float) -> str:
    within = min(max(moment, 0.0), _LAST_MOMENT)
    return f"{datetime.fromtimestamp(within, UTC):%Y-%m-%d}"
