"""The recordings of a directory: those files in its folders of days that are named as such.

Other files are not seen and not touched, and no symbolic link below the directory is followed.
"""

from __future__ import annotations

import errno
import os
import secrets
import shutil
import stat
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from io import BytesIO
from pathlib import Path
from threading import Lock
from typing import BinaryIO, Final

from ..recording.being_written import is_being_written
from .describing import describe_file
from .library import (
    DAY,
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

ID_FILE: Final = ".storage"
"""Tells proxies that share the directory that they do."""

_REMEMBERED: Final = 4096
"""Descriptions of ended recordings that are kept in memory."""

_FOLDER_FLAGS: Final = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_FILE_FLAGS: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class FolderLibrary:
    """The recordings of a directory; as `vncproxy.archive.library.Library`.

    Args:
        path: of the directory.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._described: OrderedDict[Entry, Description] = OrderedDict()
        self._lock = Lock()

    def entries(
        self, since: float | None = None, until: float | None = None, before: str = ""
    ) -> Iterator[Entry]:
        """Yield recordings, the newest first; see `Library.entries`."""
        wanted = Wanted(since, until, before)
        for day in sorted(filter(wanted.has_day, self._days()), reverse=True):
            for entry in sorted(self._of_day(day), key=lambda e: e.name, reverse=True):
                if wanted.has(entry):
                    yield entry

    def kept(self) -> Iterator[Entry]:
        """Yield all recordings."""
        return self.entries()

    def storage_id(self) -> str:
        """Return a name of the storage, which a file in the directory has."""
        place = self.path / ID_FILE
        try:
            with suppress(FileExistsError), place.open("x") as file:
                file.write(secrets.token_hex(8))
            return place.read_text()[:32]
        except (OSError, UnicodeDecodeError) as e:
            raise CannotRead(f"{place} cannot be read") from e

    def find(self, session: str) -> Entry | None:
        """Return the recording of a session; see `Library.find`."""
        if not is_session_id(session):
            return None
        ending = f"-{session}{SUFFIX}"
        for day in sorted(self._days(), reverse=True):
            for entry in self._of_day(day, ending):
                if entry.session == session:
                    return entry
        return None

    def describe(self, entry: Entry) -> Description:
        """Return what a recording is of; see `Library.describe`."""
        entry = self.refreshed(entry)
        with self._lock:
            known = self._described.get(entry)
        if known is None:
            with self.open(entry) as file:
                known = describe_file(file, entry, is_being_written(file.fileno()))
            if known.state is State.ENDED:
                self._remember(entry, known)
        return known

    def open(self, entry: Entry) -> BinaryIO:
        """Open a recording; see `Library.open`."""
        return self._open(entry.name)

    def local_path(self, entry: Entry) -> Path | None:
        """Return the file of a recording; see `Library.local_path`."""
        return self.path / entry.name

    def put_index(self, entry: Entry, path: Path) -> None:
        """Keep a file as the recording's index; see `Library.put_index`."""
        self.refreshed(entry)
        place = self.path / index_name(entry.name)
        with _converted(place.name):
            if path.stat().st_dev != place.parent.stat().st_dev:
                near = place.with_name(f".{place.name}.{os.getpid()}")
                shutil.move(path, near)
                path = near
            path.replace(place)

    def open_index(self, entry: Entry) -> BinaryIO | None:
        """Open a recording's index; see `Library.open_index`."""
        try:
            return self._open(index_name(entry.name))
        except NoRecording:
            return None

    def delete(self, entry: Entry) -> None:
        """Delete a recording and its index; see `Library.delete`."""
        with self.open(entry) as file:
            if is_being_written(file.fileno()):
                raise StillRecorded(entry.name)
        with _converted(entry.name), self._folder(entry.name) as (folder, name):
            with suppress(FileNotFoundError):
                os.unlink(index_name(name), dir_fd=folder)
            os.unlink(name, dir_fd=folder)
        with suppress(OSError):
            (self.path / entry.name).parent.rmdir()

    def refreshed(self, entry: Entry) -> Entry:
        """Return an entry with the sizes that its files have now.

        Raises:
            NoRecording: it is gone.
        """
        with self.open(entry) as file:
            status = os.fstat(file.fileno())
        with self.open_index(entry) or BytesIO() as index:
            index_size = index.seek(0, os.SEEK_END)
        return replace(
            entry, size=status.st_size, changed_at=status.st_mtime, index_size=index_size
        )

    def _days(self) -> list[str]:
        try:
            with os.scandir(self.path) as found:
                folders = [each for each in found if DAY.fullmatch(each.name)]
                return [each.name for each in folders if each.is_dir(follow_symlinks=False)]
        except OSError as e:
            raise CannotRead(f"{self.path}: {e.strerror}") from e

    def _of_day(self, day: str, ending: str = SUFFIX) -> list[Entry]:
        try:
            with os.scandir(self.path / day) as found:
                endings = (ending, index_name(ending))
                files = {each.name: each for each in found if each.name.endswith(endings)}
                names = [name for name in files if name.endswith(SUFFIX)]
                return [entry for name in names if (entry := _entry(day, name, files)) is not None]
        except FileNotFoundError:
            return []
        except OSError as e:
            raise CannotRead(f"{day}: {e.strerror}") from e

    def _open(self, name: str) -> BinaryIO:
        with _converted(name), self._folder(name) as (folder, file):
            descriptor = os.open(file, _FILE_FLAGS, dir_fd=folder)
        opened = os.fdopen(descriptor, "rb")
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            opened.close()
            raise NoRecording(name)
        return opened

    @contextmanager
    def _folder(self, name: str) -> Iterator[tuple[int, str]]:
        """Yield the descriptor of a day's folder, and the name in it."""
        day, _, file = name.partition("/")
        descriptor = os.open(self.path / day, _FOLDER_FLAGS)
        try:
            yield descriptor, file
        finally:
            os.close(descriptor)

    def _remember(self, entry: Entry, description: Description) -> None:
        with self._lock:
            self._described[entry] = description
            while len(self._described) > _REMEMBERED:
                self._described.popitem(last=False)


def _entry(day: str, name: str, files: Mapping[str, os.DirEntry[str]]) -> Entry | None:
    index = files.get(index_name(name))
    try:
        if not files[name].is_file(follow_symlinks=False):
            return None
        status = files[name].stat(follow_symlinks=False)
        index_size = index.stat(follow_symlinks=False).st_size if index else 0
    except FileNotFoundError:
        return None
    return entry_of(f"{day}/{name}", status.st_size, status.st_mtime, index_size)


@contextmanager
def _converted(name: str) -> Iterator[None]:
    """Turn what the file system says into errors of libraries."""
    try:
        yield
    except (FileNotFoundError, NotADirectoryError) as e:
        raise NoRecording(name) from e
    except OSError as e:
        if e.errno == errno.ELOOP:
            raise NoRecording(name) from e
        raise CannotRead(f"{name}: {e.strerror}") from e
