"""Playable copies of recordings, found where they are kept, and made where they are missing."""

from __future__ import annotations

import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path
from typing import BinaryIO, Final, Protocol, TypeVar

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..archive.library import Entry, Library, NoRecording, State
from ..player import BeingMade, NotShown, Part
from ..replay import CannotMake, Contents, NoCopy, Segment, copy_of, read_contents
from ..replay.contents import told
from .shelf import Recorded, RecordingsUnavailable, Shelf

K = TypeVar("K")
V = TypeVar("V")

CHANGED: Final = (
    "What its storage says of this recording is not what the recording itself says. "
    "Ask your administrator."
)

REMEMBERED: Final = 32
"""Tables of contents, and reasons why there is none, that are kept in memory."""


class Maker(Protocol):
    """Makes playable copies beside files, as `vncproxy.replay.indexer.Indexer` does."""

    def make(self, recording: Path) -> Deferred[None]:
        """Make one."""

    def progress(self, recording: Path) -> float | None:
        """Return how much of one is made, from 0 to 1; None where none is to be made."""


class Copies:
    """The playable copies of recordings.

    Args:
        maker: makes those that are missing; None where none can be made here.
    """

    log = Logger()

    def __init__(self, shelf: Shelf, maker: Maker | None) -> None:
        self._shelf = shelf
        self._maker = maker
        self._tables: OrderedDict[str, Contents] = OrderedDict()
        self._failed: OrderedDict[Entry, str] = OrderedDict()
        self._making: dict[str, Path | None] = {}

    def playable(self, recorded: Recorded) -> str:
        """Return whether a recording can be shown: ``yes``, ``no`` or ``making``."""
        entry = recorded.entry
        if self._why_not(recorded) is not None or entry in self._failed:
            return "no"
        return "making" if self._progress(entry) is not None else "yes"

    def require_playable(self, recorded: Recorded) -> None:
        """Refuse a recording that cannot be played here.

        Raises:
            NotShown: it is sealed, at another proxy, or nothing can be decoded here.
        """
        if (why := self._why_not(recorded)) is not None:
            raise why

    async def table(self, recorded: Recorded) -> Contents:
        """Return what the playable copy of a recording has; it is made where it is missing.

        Raises:
            BeingMade: it is not ready; ask again.
            NotShown: there is none, and none can be made.
            RecordingsUnavailable: the storage does not answer.
        """
        self.require_playable(recorded)
        entry = recorded.entry
        known = self._tables.get(entry.name)
        if known is None or known.recorded != entry.size:
            known = await self._shelf.call(_read_table, self._shelf.library, entry)
        if known is None or known.recorded != entry.size:
            return self._make(entry)
        _remember(self._tables, entry.name, known)
        if known.about and known.about != told(recorded.what.about):
            self.log.error("{file} is not what its storage says of it", file=entry.name)
            raise NotShown(409, "recording-changed", CHANGED)
        return known

    async def segment(self, recorded: Recorded, number: int) -> tuple[Segment, Part]:
        """Return a segment, and the part of a file that has it, which the caller closes.

        Raises:
            BeingMade, NotShown, RecordingsUnavailable: as `table` has it.
        """
        table = await self.table(recorded)
        if not 0 <= number < len(table.segments):
            raise NotShown(404, "not-found", "There is no such part of this recording.")
        segment = table.segments[number]
        library = self._shelf.library
        file = await self._shelf.call(library.open_index, recorded.entry, late=_close)
        if file is None:
            self._tables.pop(recorded.entry.name, None)
            raise NotShown(404, "recording-not-found", "This recording was deleted.")
        return segment, Part(file, segment.offset, segment.size)

    def _why_not(self, recorded: Recorded) -> NotShown | None:
        if self._shelf.is_elsewhere(recorded):
            return elsewhere(recorded.entry.proxy)
        if recorded.what.about.sealed_key:
            return NotShown(
                409,
                "recording-sealed",
                "This recording is sealed: the proxy cannot read it. Play its file where the key "
                "is, with: vncproxy recording play FILE --identity KEY",
            )
        if self._maker is None:
            message = "This proxy cannot play recordings. Ask your administrator."
            return NotShown(501, "not-installed", message)
        return None

    def _progress(self, entry: Entry) -> float | None:
        """Return how much of a copy is made; None where none is being made."""
        assert self._maker is not None
        if entry.name in self._making:
            path = self._making[entry.name]
            return (self._maker.progress(path) if path else None) or 0.0
        path = self._shelf.library.local_path(entry)
        return None if path is None else self._maker.progress(path)

    def _make(self, entry: Entry) -> Contents:
        if why := self._failed.get(entry):
            message = f"This recording cannot be played: {why}."
            raise NotShown(409, "recording-unplayable", message)
        progress = self._progress(entry)
        if entry.name not in self._making:
            self._making[entry.name] = None
            making = Deferred.fromCoroutine(self._made(entry))
            making.addErrback(self._not_made, entry)
            making.addBoth(lambda _: self._making.pop(entry.name, None))
        raise BeingMade(progress or 0.0)

    async def _made(self, entry: Entry) -> None:
        """Make a copy: beside the file of the recording, or of one that is fetched for it."""
        assert self._maker is not None
        path = self._shelf.library.local_path(entry)
        if path is not None:
            self._making[entry.name] = path
            await self._maker.make(path)
            return
        folder = await self._shelf.call(tempfile.mkdtemp, "", "vncproxy-")
        try:
            path = Path(folder) / "recording.vncr"
            await self._fetch(entry, path)
            self._making[entry.name] = path
            await self._maker.make(path)
            await self._shelf.call(self._shelf.library.put_index, entry, copy_of(path))
        finally:
            await self._shelf.call(shutil.rmtree, folder, True)

    async def _fetch(self, entry: Entry, path: Path) -> None:
        """Copy a recording into a file, in pieces, each within the time limit of a call."""
        part = await self._shelf.open_entry(entry)
        target: BinaryIO = await self._shelf.call(path.open, "wb")
        try:
            await self._shelf.call(part.file.seek, part.offset)
            while await self._shelf.call(_copy_piece, part.file, target):
                pass
        finally:
            await self._shelf.call(part.file.close)
            await self._shelf.call(target.close)

    def _not_made(self, failure: Failure, entry: Entry) -> None:
        if failure.check(CannotMake):
            _remember(self._failed, entry, failure.getErrorMessage())
        elif not failure.check(NoRecording, RecordingsUnavailable):
            self.log.failure("no playable copy of {file}", failure, file=entry.name)
            _remember(self._failed, entry, "see the log of the proxy")


def elsewhere(proxy: str) -> NotShown:
    """Return why a recording is not shown that only another proxy has."""
    message = f"The proxy {proxy} has this recording. Ask for a link to that proxy."
    return NotShown(409, "recording-elsewhere", message)


def is_live(recorded: Recorded) -> bool:
    """Tell whether a session is still being recorded."""
    return recorded.what.state is State.RECORDING


def _read_table(library: Library, entry: Entry) -> Contents | None:
    file = library.open_index(entry)
    if file is None:
        return None
    with file:
        try:
            return read_contents(file)
        except NoCopy:
            return None


def _copy_piece(source: BinaryIO, target: BinaryIO) -> int:
    return target.write(source.read(8 << 20))


def _remember(where: OrderedDict[K, V], key: K, value: V) -> None:
    where[key] = value
    where.move_to_end(key)
    while len(where) > REMEMBERED:
        where.popitem(last=False)


def _close(file: BinaryIO | None) -> None:
    if file is not None:
        file.close()
