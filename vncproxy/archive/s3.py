"""The recordings of a bucket, and of the spool before it."""

from __future__ import annotations

import hashlib
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import cached_property
from heapq import merge
from itertools import groupby
from pathlib import Path
from threading import Lock
from time import time
from typing import BinaryIO, Final

from .bucket import Bucket, Stored
from .cards import CARD_SUFFIX, LONGEST_CARD, card_name, pointer_name, read_card
from .describing import describe_file
from .job import RENEWED_AFTER, all_names
from .library import (
    DAY,
    INDEX_SUFFIX,
    SUFFIX,
    CannotRead,
    Description,
    Entry,
    NoRecording,
    State,
    StillRecorded,
    Wanted,
    entry_of,
    index_name,
    is_session_id,
)
from .ranges import open_object
from .spool import Spool
from .upload import uploads_of

LOST_AFTER: Final = 4 * RENEWED_AFTER
"""Seconds after which a card that was not written again is of a proxy that is gone."""

_REMEMBERED: Final = 8192
_LONGEST_NAME: Final = 1024


class S3Library:
    """The recordings of a bucket; as `vncproxy.archive.library.Library`.

    Those that wait in this proxy's spool, or are being written there, are read from it.

    Args:
        open_bucket: is called once, for the first call that needs it.
        time: seconds since 1970.
    """

    def __init__(
        self, open_bucket: Callable[[], Bucket], spool: Spool, time: Callable[[], float] = time
    ) -> None:
        self._open_bucket = open_bucket
        self._spool = spool
        self._time = time
        self._described: OrderedDict[Entry, Description] = OrderedDict()
        self._lock = Lock()

    @cached_property
    def bucket(self) -> Bucket:
        """The bucket; it is opened when it is needed first."""
        return self._open_bucket()

    def entries(
        self, since: float | None = None, until: float | None = None, before: str = ""
    ) -> Iterator[Entry]:
        """Yield recordings, the newest first; see `Library.entries`."""
        wanted = Wanted(since, until, before)
        here = self._spool.library.entries(since, until, before)
        both = merge(here, self._stored(wanted), key=lambda each: each.name, reverse=True)
        for _, entries in groupby(both, key=lambda each: each.name):
            yield next(entries)

    def kept(self) -> Iterator[Entry]:
        """Yield the recordings that are in the bucket, and not in the spool any more."""
        return (each for each in self._stored(Wanted()) if not self._spool.has(each))

    def storage_id(self) -> str:
        """Return a name of the storage: a digest of where the bucket is."""
        place = self.bucket.place
        text = "\n".join((place.endpoint, place.region, place.bucket, place.prefix))
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def find(self, session: str) -> Entry | None:
        """Return the recording of a session; see `Library.find`."""
        if not is_session_id(session):
            return None
        if (here := self._spool.library.find(session)) is not None:
            return here
        try:
            name = self.bucket.read(pointer_name(session), 0, _LONGEST_NAME).decode()
        except (NoRecording, UnicodeDecodeError):
            return None
        beginning = name.removesuffix(SUFFIX)
        found = self._entries_of(self.bucket.objects(beginning)) if entry_of(name, 0, 0) else ()
        return next((each for each in found if each.session == session), None)

    def describe(self, entry: Entry) -> Description:
        """Return what a recording is of; see `Library.describe`."""
        if self._spool.has(entry):
            return self._spool.library.describe(entry)
        with self._lock:
            known = self._described.get(entry)
        if known is None:
            known = self._describe(entry)
            if known.state is not State.RECORDING:
                self._remember(entry, known)
        return known

    def open(self, entry: Entry) -> BinaryIO:
        """Open a recording; see `Library.open`."""
        try:
            return self._spool.open(entry)
        except NoRecording:
            self._check_is_here(entry)
        found = self.bucket.look(entry.name)
        if found is None:
            raise NoRecording(entry.name)
        return open_object(self.bucket, entry.name, found.size)

    def local_path(self, entry: Entry) -> Path | None:
        """Return the file of a recording in the spool; see `Library.local_path`."""
        return self._spool.library.local_path(entry) if self._spool.has(entry) else None

    def put_index(self, entry: Entry, path: Path) -> None:
        """Keep a file as the recording's index; see `Library.put_index`.

        Where the recording is in the spool, the index goes there and is uploaded after it.
        """
        if self._spool.has(entry):
            self._spool.library.put_index(entry, path)
            return
        if self.bucket.look(entry.name) is None:
            raise NoRecording(entry.name)
        with path.open("rb") as file:
            self.bucket.put_file(index_name(entry.name), file)
        path.unlink()

    def open_index(self, entry: Entry) -> BinaryIO | None:
        """Open a recording's index; see `Library.open_index`."""
        if (here := self._spool.library.open_index(entry)) is not None:
            return here
        name = index_name(entry.name)
        found = self.bucket.look(name)
        return None if found is None else open_object(self.bucket, name, found.size)

    def delete(self, entry: Entry) -> None:
        """Delete a recording and its index; see `Library.delete`.

        One in the spool leaves it only once the bucket could be reached, and then the bucket
        again: an upload may have ended meanwhile.
        """
        is_here = self._spool.has(entry)
        if self.describe(entry).state is State.RECORDING:
            raise StillRecorded(entry.name)
        self._delete_stored(entry)
        if is_here:
            self._spool.remove(entry)
            self._delete_stored(entry)

    def _delete_stored(self, entry: Entry) -> None:
        for upload in uploads_of(self.bucket, entry.name):
            self.bucket.abort(entry.name, upload)
        for name in all_names(entry):
            self.bucket.delete(name)

    def _describe(self, entry: Entry) -> Description:
        if entry.proxy or entry.size == 0:
            self._check_exists(entry)
        try:
            found = read_card(entry.name, self._card(entry.name))
        except NoRecording:
            with open_object(self.bucket, entry.name, entry.size) as file:
                return describe_file(file, entry, writing=False)
        if found.state is State.RECORDING and self._is_lost(entry):
            found = replace(found, state=State.CUT)
        return replace(found, has_index=entry.index_size > 0)

    def _check_exists(self, entry: Entry) -> None:
        if self.bucket.look(card_name(entry.name)) is None:
            raise NoRecording(entry.name)

    def _is_lost(self, entry: Entry) -> bool:
        return self._time() - entry.changed_at > LOST_AFTER

    def _check_is_here(self, entry: Entry) -> None:
        if entry.proxy:
            raise CannotRead(f"{entry.name} is at the proxy {entry.proxy} until it is uploaded")

    def _card(self, name: str) -> bytes:
        return self.bucket.read(card_name(name), 0, LONGEST_CARD)

    def _stored(self, wanted: Wanted) -> Iterator[Entry]:
        days = [each for each in self.bucket.folders() if DAY.fullmatch(each)]
        for day in sorted(filter(wanted.has_day, days), reverse=True):
            yield from filter(wanted.has, self._entries_of(self.bucket.objects(f"{day}/")))

    def _entries_of(self, objects: Iterator[Stored]) -> list[Entry]:
        """Return the entries of objects, the newest first."""
        recordings: dict[str, Stored] = {}
        indexes: dict[str, int] = {}
        cards: dict[str, Stored] = {}
        for each in objects:
            if each.name.endswith(SUFFIX):
                recordings[each.name] = each
            elif each.name.endswith(INDEX_SUFFIX):
                indexes[each.name.removesuffix(INDEX_SUFFIX) + SUFFIX] = each.size
            elif each.name.endswith(CARD_SUFFIX):
                cards[each.name.removesuffix(CARD_SUFFIX) + SUFFIX] = each
        found = [
            entry_of(name, each.size, each.changed_at, indexes.get(name, 0))
            for name, each in recordings.items()
        ]
        found += [self._elsewhere(name, cards[name]) for name in cards.keys() - recordings.keys()]
        return sorted((e for e in found if e is not None), key=lambda e: e.name, reverse=True)

    def _elsewhere(self, name: str, card: Stored) -> Entry | None:
        """Return the entry of a recording that is not uploaded, by its card."""
        if entry_of(name, 0, 0) is None:
            return None
        try:
            proxy = read_card(name, self._card(name)).about.proxy
        except (CannotRead, NoRecording):
            return None
        return entry_of(name, 0, card.changed_at, proxy=proxy)

    def _remember(self, entry: Entry, description: Description) -> None:
        with self._lock:
            self._described[entry] = description
            while len(self._described) > _REMEMBERED:
                self._described.popitem(last=False)
