"""Looks at the cluster once a second while there are readers, and tells them what has changed."""

from __future__ import annotations

from collections import Counter
from typing import Final, Protocol

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from ..interfaces import IProxies
from ..model import Activity
from .reply import Refusal

INTERVAL: Final = 1.0
"""Seconds between two looks."""

MOST: Final = 20
"""Readers of one process at a time."""

MOST_OF_ONE: Final = 5
"""Readers with one key at a time."""


class Reader(Protocol):
    """A reader of what goes on."""

    @property
    def key(self) -> str:
        """What it is counted by."""

    async def take(self, activity: Activity | None) -> None:
        """Take what was seen; None where the cluster cannot be asked."""

    def end(self, reason: str) -> None:
        """Tell it why nothing more comes, and close; does nothing the second time."""


class Broadcast:
    """Tells readers what goes on in the cluster; without readers it does nothing.

    However many there are, the cluster is asked once in an `INTERVAL`.

    Args:
        proxies: of the cluster.
        clock: for the time between two looks.

    Attributes:
        closed: why no more readers are admitted; empty while they are.
    """

    log = Logger()

    def __init__(self, proxies: IProxies, clock: IReactorTime) -> None:
        self.closed = ""
        self._proxies = proxies
        self._clock = clock
        self._readers: dict[Reader, None] = {}
        self._of_key = Counter[str]()
        self._last: Activity | None = None
        self._looking = False

    def __len__(self) -> int:
        return len(self._readers)

    def check_room(self, key: str) -> None:
        """Refuse a reader for which there is no room.

        Raises:
            Refusal: 503, there are too many, with this key or in all, or the process ends.
        """
        if self.closed:
            raise _busy("this process is about to end")
        if self._of_key[key] >= MOST_OF_ONE:
            raise _busy(f"{MOST_OF_ONE} readers with this key follow events already")
        if len(self._readers) >= MOST:
            raise _busy(f"{MOST} readers follow events at this process already")

    def add(self, reader: Reader) -> None:
        """Tell a reader what goes on from now on, until it is removed."""
        self._readers[reader] = None
        self._of_key[reader.key] += 1
        if not self._looking:
            self._looking = True
            Deferred.fromCoroutine(self._look_on()).addErrback(self._failed)
        elif self._last is not None:
            Deferred.fromCoroutine(reader.take(self._last)).addErrback(self._failed_for, reader)

    def remove(self, reader: Reader) -> None:
        """Tell a reader nothing more."""
        if self._readers.pop(reader, reader) is None:
            self._of_key[reader.key] -= 1
            if not self._of_key[reader.key]:
                del self._of_key[reader.key]

    def end_all(self, reason: str, *, close: bool = False) -> None:
        """Let all readers go; they may come again.

        Args:
            reason: a fixed word, for programs.
            close: whether no more readers are admitted, since the process ends.
        """
        self.closed = reason if close else self.closed
        for reader in list(self._readers):
            self.remove(reader)
            reader.end(reason)

    async def _look_on(self) -> None:
        try:
            while self._readers:
                self._last = await self._look()
                for reader in list(self._readers):
                    await self._tell(reader, self._last)
                await deferLater(self._clock, INTERVAL)
        finally:
            self._looking, self._last = False, None

    async def _look(self) -> Activity | None:
        try:
            found: Activity = await self._proxies.activity()
        except StoreUnavailable:
            return None
        return found

    async def _tell(self, reader: Reader, activity: Activity | None) -> None:
        if reader not in self._readers:
            return
        try:
            await reader.take(activity)
        except Exception:  # noqa: BLE001 one reader must not keep the others from being told
            self._failed_for(Failure(), reader)

    def _failed_for(self, failure: Failure, reader: Reader) -> None:
        self.log.failure("a reader of events is let go", failure)
        self.remove(reader)
        reader.end("failed")

    def _failed(self, failure: Failure) -> None:
        self.log.failure("readers of events are let go", failure)
        self.end_all("failed")


def _busy(message: str) -> Refusal:
    return Refusal(503, "busy", message, headers=(("Retry-After", "5"),))
