"""The recordings of this process: which sessions are recorded, and what becomes of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import VNCProxyError
from ..interfaces import IRecorder, ISessionObserver, IStage
from ..model import SessionInfo
from .directory import DirectoryReel, RecordingDirectory
from .events import Source
from .tape import Tape
from .taps import ServerTap, ViewerTap
from .writing import About

ENDED: Final = "recording"
STOPPED: Final = "recording-stopped"
"""The events of audit lines."""

LONGEST_STOP: Final = 5.0
"""Seconds that the end of the process waits for the disk."""

Note = Callable[[str, Mapping[str, object]], object]


@implementer(IRecorder, ISessionObserver)
class Recordings:
    """Records sessions into a directory.

    Args:
        keys: whether keys and texts that users send are recorded.
        note: writes an audit line: its event, and further members.
    """

    log = Logger()

    def __init__(
        self, directory: RecordingDirectory, clock: IReactorTime, note: Note, *, keys: bool = False
    ) -> None:
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
        tape = Tape(reel, self._clock, partial(self._stopped, session, on_trouble))
        tape.add(Source.SERVER, server_init)
        self._tapes[session.id] = tape, reel
        return ServerTap(tape), ViewerTap(tape, keys=self._keys)

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
        ending = Deferred.fromCoroutine(tape.end(why.code))
        self._ending.add(ending)
        ending.addCallbacks(self._ended, self._lost, (session, reel), errbackArgs=(session,))
        ending.addBoth(lambda _: self._ending.discard(ending))

    async def stop(self) -> None:
        """Wait until all recordings are written, `LONGEST_STOP` at most: a disk may hang."""
        written: Deferred[object] = Deferred()
        DeferredList(list(self._ending)).chainDeferred(written)
        with suppress(TimeoutError):
            await written.addTimeout(LONGEST_STOP, self._clock)
        self._directory.stop()

    def _about(self, session: SessionInfo) -> About:
        return About(
            session=session.id,
            token=session.token_id,
            vm=str(session.vm),
            user=session.user,
            client=session.client,
            type=session.type.value,
            proxy=session.proxy,
            started_at=session.started_at + session.seconds,
            keys=self._keys,
        )

    def _ended(self, _: object, session: SessionInfo, reel: DirectoryReel) -> None:
        written = reel.written
        assert written is not None
        line = {"file": written.path, "bytes": written.size, "hash": written.hash}
        self._note(ENDED, {**_named(session), **line})

    def _lost(self, failure: Failure, session: SessionInfo) -> None:
        failure.trap(OSError)
        error: Any = failure.value
        self._note(STOPPED, {**_named(session), "why": error.strerror or str(error)})

    def _stopped(self, session: SessionInfo, on_trouble: Callable[[str], object], why: str) -> None:
        self.log.error(
            "session {session} is not recorded any more: {why}", session=session.id, why=why
        )
        self._note(STOPPED, {**_named(session), "why": why})
        on_trouble(why)


def _named(session: SessionInfo) -> dict[str, object]:
    return {"session": session.id, "vm": str(session.vm), "user": session.user}
