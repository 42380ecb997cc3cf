"""The recordings of this process: which sessions are recorded, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Final

from twisted.internet.defer import Deferred, DeferredList, TimeoutError, succeed  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import VNCProxyError
from ..interfaces import IRecorder, ISessionObserver, IStage
from ..model import SessionInfo
from .directory import DirectoryReel, RecordingDirectory
from .events import Source
from .tape import Tape, trouble_of
from .taps import ServerTap, ViewerTap
from .writing import STOPPED, About

ENDED: Final = "recording"
"""The event of the audit line of a whole recording; that of others is `STOPPED`."""

LONGEST_ENDING: Final = 10.0
"""Seconds that the audit line of a recording that stopped waits for the end of its file."""

Note = Callable[[str, Mapping[str, object]], object]


@implementer(IRecorder, ISessionObserver)
class Recordings:
    """Records sessions into a directory.

    Args:
        keys: whether keys and texts that users send are recorded.
        note: writes an audit line: its event, and further members.
        on_file: called with each file whose end was written.
    """

    log = Logger()

    def __init__(
        self,
        directory: RecordingDirectory,
        clock: IReactorTime,
        note: Note,
        *,
        keys: bool = False,
        on_file: Callable[[Path], object] = Path,
    ) -> None:
        self._on_file = on_file
        self._directory = directory
        self._clock = clock
        self._note = note
        self._keys = keys
        self._tapes: dict[str, tuple[Tape, DirectoryReel]] = {}
        self._ending: set[Deferred[None]] = set()

    def record(
        self, session: SessionInfo, server_init: bytes, on_trouble: Callable[[str], object]
    ) -> Sequence[IStage]:
        """Begin to record a session."""
        reel = self._directory.begin(self._about(session))
        stopped = partial(self._stopped, session, reel, on_trouble)
        tape = Tape(reel, self._clock, stopped, self._directory.room)
        self._tapes[session.id] = tape, reel
        tape.add(Source.SERVER, server_init)
        return ServerTap(tape), ViewerTap(tape, keys=self._keys)

    def begin(self, session_id: str) -> Deferred[None]:
        """Write the first events of a session at once; see `IRecorder`."""
        found = self._tapes.get(session_id)
        return succeed(None) if found is None else found[0].begin()

    def readable(self, session_id: str) -> Path | None:
        """Return the file of a session that is being recorded, where it can be read here."""
        found = self._tapes.get(session_id)
        return None if found is None else found[1].readable

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """End the recording of a session whose viewer has left before it began."""
        self.closed(session, error)

    def opened(self, session: SessionInfo) -> None:
        """Do nothing."""

    def changed(self, session: SessionInfo, by: str) -> None:
        """Do nothing."""

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """End the recording of a session."""
        if session.id not in self._tapes:
            return
        tape, reel = self._tapes.pop(session.id)
        self._finish(session, reel, Deferred.fromCoroutine(tape.end(why.code)))

    async def stop(self, limit: float) -> None:
        """Wait until all recordings are written; those that are not within the limit are lost.

        Args:
            limit: in seconds.
        """
        written: Deferred[list[tuple[bool, None]]] = Deferred()
        DeferredList(list(self._ending)).chainDeferred(written)
        with suppress(TimeoutError):
            await written.addTimeout(limit, self._clock)
        if self._ending:
            self.log.error("the ends of {count} recordings are lost", count=len(self._ending))
        for ending in list(self._ending):
            ending.cancel()
        self._directory.stop()

    def _finish(
        self, session: SessionInfo, reel: DirectoryReel, written: Deferred[None], why: str = ""
    ) -> Deferred[None]:
        """Write the audit line of a recording once its end is written.

        Args:
            written: is not cancelled with what is returned, so that the file is closed in any case.
            why: the recording stopped before its session; empty where it did not.
        """
        ending: Deferred[None] = Deferred()
        written.chainDeferred(ending)
        self._ending.add(ending)
        ending.addCallbacks(lambda _: why, lambda failure: why or trouble_of(failure)).addCallback(
            self._note_end, session, reel
        ).addBoth(lambda _: self._ending.discard(ending))
        return ending

    def _note_end(self, why: str, session: SessionInfo, reel: DirectoryReel) -> None:
        line: dict[str, object] = {}
        if (written := reel.written) is not None:
            line = {"file": written.path, "bytes": written.size, "hash": written.hash}
            why = why or written.trouble
        if why:
            line["why"] = why
        self._note(STOPPED if why else ENDED, {**_named(session), **line})
        if written is not None:
            self._on_file(self._directory.path / written.path)

    def _about(self, session: SessionInfo) -> About:
        return About(
            session=session.id,
            token=session.token_id,
            vm=str(session.vm),
            user=session.user,
            client=session.client,
            type=session.kind,
            proxy=session.proxy,
            started_at=session.started_at + session.seconds,
            keys=self._keys,
        )

    def _stopped(
        self,
        session: SessionInfo,
        reel: DirectoryReel,
        on_trouble: Callable[[str], object],
        why: str,
    ) -> None:
        self.log.error(
            "session {session} is not recorded any more: {why}", session=session.id, why=why
        )
        del self._tapes[session.id]
        written = Deferred.fromCoroutine(reel.end(STOPPED, 0))
        ending = self._finish(session, reel, written, why)
        late = self._clock.callLater(LONGEST_ENDING, ending.cancel)
        ending.addBoth(lambda _: late.cancel() if late.active() else None)
        on_trouble(why)


def _named(session: SessionInfo) -> dict[str, object]:
    return {"session": session.id, "vm": str(session.vm), "user": session.user}
