"""The recordings of a directory that wait until a bucket has them."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from ..recording.being_written import is_being_written, take_lock
from ..recording.chunks import HASH_SIZE, HEAD, LONGEST_BODY, MAGIC
from .folder import FolderLibrary
from .library import DAY, Entry, NoRecording, index_name

LOCK: Final = ".uploading"
"""The file whose lock one process has at a time: the one that uploads."""


@dataclass(frozen=True, slots=True)
class Progress:
    """What the spool remembers of an upload, for the process that goes on with it.

    Attributes:
        upload: the id of the upload in parts; empty where there is none.
        part_size: in bytes; all parts but the last have it.
        is_complete: whether the bucket has the whole recording, as it was confirmed.
    """

    upload: str = ""
    part_size: int = 0
    is_complete: bool = False


class Spool:
    """A directory of recordings that are to be uploaded.

    Args:
        path: of the directory.

    Attributes:
        library: its recordings.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.library = FolderLibrary(path)

    def entries(self) -> Iterator[Entry]:
        """Yield its recordings, the newest first."""
        return self.library.entries()

    def open(self, entry: Entry) -> BinaryIO:
        """Open a recording; raises `NoRecording` where it is gone."""
        return self.library.open(entry)

    def has(self, entry: Entry) -> bool:
        """Whether a recording is still there."""
        try:
            self.open(entry).close()
        except NoRecording:
            return False
        return True

    def progress(self, entry: Entry) -> Progress:
        """Return how far its upload has come; a note that cannot be read counts as none."""
        try:
            found = json.loads(self._note(entry).read_bytes())
            return Progress(
                str(found["upload"]), int(found["part_size"]), bool(found["is_complete"])
            )
        except (OSError, ValueError, TypeError, KeyError):
            return Progress()

    def remember(self, entry: Entry, progress: Progress) -> None:
        """Write down how far its upload has come."""
        note = self._note(entry)
        new = note.with_name(note.name + ".new")
        members = {name: getattr(progress, name) for name in Progress.__slots__}
        with new.open("w") as file:
            json.dump(members, file)
            file.flush()
            os.fsync(file.fileno())
        new.replace(note)

    def remove(self, entry: Entry) -> None:
        """Delete a recording that the bucket has, and what was remembered of it."""
        place = self.path / entry.name
        for path in (place, self.path / index_name(entry.name), self._note(entry)):
            path.unlink(missing_ok=True)
        try:
            place.parent.rmdir()
        except OSError:
            return  # others of its day are there

    def is_used(self) -> bool:
        """Whether there are folders of days in it."""
        return any(DAY.fullmatch(each.name) for each in self.path.iterdir())

    def used(self) -> int:
        """Return the bytes of its recordings and their indexes."""
        return sum(each.size + each.index_size for each in self.entries())

    @contextmanager
    def lock(self) -> Iterator[bool]:
        """Take the right to upload from it; yields whether no other process has it."""
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(self.path / LOCK, flags, 0o640)
        try:
            yield take_lock(descriptor)
        finally:
            os.close(descriptor)

    def _note(self, entry: Entry) -> Path:
        place = self.path / entry.name
        return place.with_name(f".{place.name}.upload")


class Settled:
    """How many bytes of a file no writer takes back: those of its whole chunks.

    A chunk that could be written in part only is removed again, as when the disk is full.
    """

    def __init__(self) -> None:
        self.size = 0

    def look(self, file: BinaryIO) -> int:
        """Return the bytes that will stay as they are; never fewer than before."""
        end = os.fstat(file.fileno()).st_size
        if not self.size:
            if os.pread(file.fileno(), len(MAGIC), 0) != MAGIC:
                return 0
            self.size = len(MAGIC)
        while (following := self._next(file, end)) is not None:
            self.size = following
        return self.size

    def _next(self, file: BinaryIO, end: int) -> int | None:
        head = os.pread(file.fileno(), HEAD.size, self.size)
        if len(head) < HEAD.size:
            return None
        length = HEAD.unpack(head)[0]
        following: int = self.size + HEAD.size + length + HASH_SIZE
        return following if length <= LONGEST_BODY and following <= end else None


def is_growing(file: BinaryIO) -> bool:
    """Whether a process still writes a recording."""
    return is_being_written(file.fileno())
