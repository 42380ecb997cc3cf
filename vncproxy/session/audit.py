"""The audit log: one JSON line for each refusal, opening and closing of a session.

A line holds neither token nor password; ``token`` is a prefix of the token's SHA-256.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from io import FileIO
from pathlib import Path

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import AuditUnavailable, ClientError, ConfigurationError, VNCProxyError
from ..interfaces import IEventObserver
from ..model import SessionInfo, UnixTime
from .audit_file import AuditFile
from .audit_journal import Journal, Line, claim

TOKEN_PREFIX = 12
"""Hexadecimal digits of a token's id in a line: enough to find it, too few to use it."""

LOST = "lost"
"""The reason in the line that closes a session whose proxy was killed."""

_MEMBERS_OF_BORDER = ("from_zone", "from_session", "to_zone", "to_session")
_MEMBERS_OF_LOST = ("session", "proxy", "client", "type", "vm", "user", "token", "host")


@implementer(IEventObserver)
class AuditLog:
    """Writes audit lines to a file, or into the ordinary log.

    Args:
        proxy: the name of this proxy, in every line.
        time: the wall clock.
        clock: for the time between two attempts to write.
        file: from `open_audit_file`; None for the ordinary log.

    Attributes:
        required: whether no session may begin while lines cannot be written.
    """

    log = Logger()

    def __init__(
        self,
        proxy: str,
        time: Callable[[], UnixTime],
        clock: IReactorTime,
        file: FileIO | None = None,
    ) -> None:
        self.required = False
        self._proxy = proxy
        self._time = time
        self._clock = clock
        self._file: AuditFile | None = None
        self._path: str | None = None
        self._journal: Journal | None = None
        self._lost_before = self._failures_before = 0
        self.write_to(file)

    @property
    def waiting(self) -> int:
        """How many lines wait for a disk that is full."""
        return self._file.waiting if self._file is not None else 0

    @property
    def lost(self) -> int:
        """How many lines were lost because too many waited."""
        return self._lost_before + (self._file.lost if self._file is not None else 0)

    @property
    def failures(self) -> int:
        """How many attempts to write failed."""
        return self._failures_before + (self._file.failures if self._file is not None else 0)

    def refusal(self) -> VNCProxyError | None:
        """Return why no session may begin now; None when it may."""
        if self.required and self.waiting:
            return AuditUnavailable(f"{self.waiting} audit lines cannot be written")
        return None

    def write_to(self, file: FileIO | None) -> None:
        """Write to another file from now on, and close the one before.

        Sessions that a killed process left open in the new file are closed as `LOST`.
        """
        if file is not None and self._file is not None:
            self._file.write_to(file)
        else:
            self._close_file()
            self._file = AuditFile(file, self._clock) if file is not None else None
        self._move_journal(None if file is None else str(file.name))

    def close(self) -> None:
        """Close the file; later lines go to the ordinary log."""
        self.write_to(None)

    def _close_file(self) -> None:
        if self._file is not None:
            self._lost_before += self._file.lost
            self._failures_before += self._file.failures
            self._file.close()
            self._file = None

    def _move_journal(self, path: str | None) -> None:
        if path == self._path:
            return
        before, self._journal, self._path = self._journal, None, path
        if path is not None:
            self._journal, lost = claim(Path(path), self._clock)
            for line in lost:
                self._close_lost(line)
        if before is not None:
            if self._journal is not None:
                self._copy_open(before, self._journal)
            before.close()

    def _copy_open(self, before: Journal, journal: Journal) -> None:
        """Name the open sessions in another journal, as far as the one before can be read."""
        try:
            for line in before.still_open():
                journal.opened(json.dumps(line))
        except OSError as e:
            self.log.error(
                "open sessions are not copied to the new audit journal: {why}",
                why=e.strerror or str(e),
            )

    def _close_lost(self, line: Line) -> None:
        """Write the closing line of a session that a killed process left open."""
        members = {name: line.get(name) for name in _MEMBERS_OF_LOST}
        members |= {name: line[name] for name in _MEMBERS_OF_BORDER if name in line}
        detail = "the proxy ended without closing it"
        unknown = dict.fromkeys(("side", "bytes_down", "bytes_up", "seconds"))
        self._put({**self._stamp("close"), **members, **unknown, "reason": LOST, "detail": detail})

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Write why a session was refused, with the detail that the user does not see."""
        known = {}
        if isinstance(error, ClientError) and error.vm:
            known = {"vm": error.vm, "user": error.user or None}
        self._write("refuse", session, **known, reason=error.code, detail=error.detail)

    def opened(self, session: SessionInfo) -> None:
        """Write that a session is open."""
        text = self._write("open", session, **_mode(session))
        self._note_joining("join", session)
        if self._journal is not None:
            self._journal.opened(text)

    def changed(self, session: SessionInfo, by: str) -> None:
        """Write that a user may control the machine from now on, or not any more, and by whom."""
        self._write("change", session, **_mode(session), by=by or None)

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Write why a session ended, and its bytes and seconds."""
        self._write(
            "close",
            session,
            reason=why.code,
            detail=why.detail,
            side=session.side or None,
            bytes_down=session.bytes_down,
            bytes_up=session.bytes_up,
        )
        self._note_joining("leave", session)
        if self._journal is not None:
            self._journal.closed(session.id)

    def _note_joining(self, event: str, session: SessionInfo) -> None:
        """Write a line of the session that was joined, where one was: by whom, and how."""
        if session.joins is None:
            return
        members = {
            **session.joins.members(),
            "joined_by": session.id,
            "user": session.user,
            "vm": str(session.vm),
            "mode": session.mode.value,
        }
        self.note(event, members)

    def noted(self, session: SessionInfo, event: str, members: Mapping[str, object]) -> None:
        """Write what has happened to a session; members without a value are left out."""
        known = {name: value for name, value in members.items() if value not in (None, "")}
        self._write(event, session, **known)

    def note(self, event: str, members: Mapping[str, object]) -> None:
        """Write a line about something else than a session; members without a value are left out.

        Args:
            event: what happened.
        """
        known = {name: value for name, value in members.items() if value is not None}
        self._put({**self._stamp(event), "proxy": self._proxy, **known})

    def _stamp(self, event: str) -> Line:
        now = datetime.fromtimestamp(self._time(), UTC)
        return {"time": now.isoformat(timespec="milliseconds"), "event": event}

    def _write(self, event: str, session: SessionInfo, **more: object) -> str:
        line = {
            **self._stamp(event),
            "session": session.id,
            "proxy": self._proxy,
            "client": session.client,
            "type": session.kind,
            "vm": str(session.vm) if session.vm else None,
            "user": session.user or None,
            "token": session.token_id[:TOKEN_PREFIX] or None,
            "host": session.host or None,
            "seconds": round(session.seconds, 3),
            **_zones(session),
            **({} if session.joins is None else {"joins": session.joins.members()}),
            **more,
        }
        return self._put(line)

    def _put(self, line: Line) -> str:
        text = json.dumps(line)  # ASCII: some readers end a line at more than a line feed
        if self._file is None:
            self.log.info("{audit}", audit=text)
        else:
            self._file.append(text)
        return text


def _mode(session: SessionInfo) -> Line:
    """Return what the user may do, and what the policy says where that is something else."""
    line: Line = {"mode": session.mode.value}
    if session.policy_mode not in (None, session.mode):
        line["policy"] = session.policy_mode.value if session.policy_mode else None
    return line


def _zones(session: SessionInfo) -> Line:
    """Return the members that only a session across a border has."""
    return {} if session.border is None else {**session.border.members()}


def open_audit_file(path: str) -> FileIO | None:
    """Open the file that lines are appended to; None for an empty path.

    Raises:
        ConfigurationError: it cannot be written.
    """
    try:
        return FileIO(path, "a") if path else None
    except OSError as e:
        raise ConfigurationError(f"[log] audit: {path} cannot be written: {e.strerror}") from e
