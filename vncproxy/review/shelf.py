"""The recordings that there are, read in threads of their own."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Sequence
from time import monotonic
from typing import Final, NamedTuple, TypeVar

from ..archive.library import CannotRead, Description, Entry, Library, NoRecording
from ..errors import BackendError, VNCProxyError
from ..interfaces import IBlockingCalls
from ..player.sending import Part

T = TypeVar("T")

TIME_LIMIT: Final = 15.0
"""Seconds that the storage may take for one call."""

BATCH: Final = 200
"""Recordings that are described in one call."""

BATCH_TIME: Final = 5.0
"""Seconds after which one call describes no more."""


class RecordingsUnavailable(VNCProxyError):
    """The storage of recordings does not answer, or a recording there cannot be read."""

    public = "The recordings cannot be read at the moment. Try again in a minute."
    status = 503
    code = "recordings-unavailable"


class Recorded(NamedTuple):
    """A recording, and what it is of."""

    entry: Entry
    what: Description


class Batch(NamedTuple):
    """Recordings of a list, the newest first.

    Attributes:
        found: the entry alone of what cannot be read.
        is_last: whether there are no more.
        is_slow: whether `BATCH_TIME` was over.
    """

    found: Sequence[Recorded | Entry]
    is_last: bool
    is_slow: bool


class Shelf:
    """The recordings that this proxy can see.

    Every method raises ``RecordingsUnavailable`` when the storage does not answer.

    Args:
        calls: threads for it.
        proxy: the name of this proxy.
    """

    def __init__(self, library: Library, calls: IBlockingCalls, proxy: str) -> None:
        self.library = library
        self.proxy = proxy
        self._calls = calls

    async def find(self, session: str) -> Recorded | None:
        """Return the recording of a session; any text may be asked for."""
        return await self.call(_find, self.library, session)

    async def batch(self, since: float | None, until: float | None, before: str) -> Batch:
        """Return up to `BATCH` recordings.

        Args:
            since: began at this time or later, in seconds since 1970.
            until: began before this time.
            before: only names less than this one.
        """
        return await self.call(_batch, self.library, since, until, before)

    async def delete(self, recorded: Recorded) -> None:
        """Delete a recording, and what was made of it.

        Raises:
            StillRecorded: it is being written.
        """
        await self.call(self.library.delete, recorded.entry)

    async def open(self, recorded: Recorded) -> Part:
        """Open the file of a recording as far as it is written; the caller closes it.

        Raises:
            NoRecording: it is gone.
        """
        return await self.open_entry(recorded.entry)

    async def open_entry(self, entry: Entry) -> Part:
        """Open a file, as `open` does."""
        return await self.call(_open, self.library, entry, late=_close)

    def is_elsewhere(self, recorded: Recorded) -> bool:
        """Tell whether only another proxy has the bytes of a recording."""
        return recorded.entry.proxy not in ("", self.proxy)

    async def call(
        self,
        function: Callable[..., T],
        *args: object,
        late: Callable[[T], object] | None = None,
    ) -> T:
        """Call a function of the library in a thread.

        Args:
            late: disposes of a result that nothing waits for any more.
        """
        try:
            result: T = await self._calls.call(TIME_LIMIT, function, *args, late=late)
        except (BackendError, CannotRead) as e:
            raise RecordingsUnavailable(str(e)) from e
        return result


def _find(library: Library, session: str) -> Recorded | None:
    try:
        entry = library.find(session)
        return None if entry is None else Recorded(entry, library.describe(entry))
    except NoRecording:
        return None


def _batch(library: Library, since: float | None, until: float | None, before: str) -> Batch:
    found: list[Recorded | Entry] = []
    give_up = monotonic() + BATCH_TIME
    for each in _described(library, since, until, before):
        found.append(each)
        if is_slow := monotonic() > give_up:
            return Batch(found, is_last=False, is_slow=is_slow)
        if len(found) == BATCH:
            return Batch(found, is_last=False, is_slow=False)
    return Batch(found, is_last=True, is_slow=False)


def _described(
    library: Library, since: float | None, until: float | None, before: str
) -> Iterator[Recorded | Entry]:
    for entry in library.entries(since, until, before):
        try:
            yield Recorded(entry, library.describe(entry))
        except (NoRecording, CannotRead):
            yield entry


def _open(library: Library, entry: Entry) -> Part:
    file = library.open(entry)
    return Part(file, 0, file.seek(0, os.SEEK_END))


def _close(part: Part) -> None:
    part.file.close()
