"""Live sessions over HTTP: list, show, change and end."""

from __future__ import annotations

import json
from dataclasses import replace

from twisted.logger import Logger

from ...answers import ChangedSession, EndedSessions, MessagedSession, Session, SessionList
from ...errors import EndedByAdministrator, Forbidden, ModeFixed
from ...interfaces import ISessionRegistry, ITokenStore
from ...model import Ended, JoinKind, Mode, SessionFilter, SessionInfo
from ...text import printable
from ..audit import ApiAudit
from ..caller import Caller
from ..permissions import Permissions
from ..reply import Refusal, Reply
from .bodies import changed_reply, ended_reply, messaged_reply, session_body
from .session_query import SessionQuery


class SessionsView:
    """The routes of sessions.

    Args:
        sessions: those of this proxy, or of all.
        store: where the token of an ended session can be revoked.
        permissions: which machines a caller may use.
        audit: writes which tokens were revoked.
    """

    log = Logger()

    def __init__(
        self,
        sessions: ISessionRegistry,
        store: ITokenStore,
        permissions: Permissions,
        audit: ApiAudit,
    ) -> None:
        self._sessions = sessions
        self._store = store
        self._permissions = permissions
        self._audit = audit

    async def list(self, caller: Caller, query: SessionQuery) -> Reply[SessionList]:
        """Return the sessions of the machines that the caller may touch, oldest first.

        Raises:
            Refusal: 403, the caller may not use the machine that is asked for.
            StoreUnavailable: other proxies cannot be asked.
        """
        most = None if query.limit is None else query.limit + 1
        wanted = query.criteria(caller, self._permissions)
        allows = self._permissions.filter(caller)
        page = _Page(query.limit)
        await self._sessions.visit(page.add, wanted, limit=most, after=query.after, allows=allows)
        return Reply(200, page.encode())

    async def show(self, caller: Caller, session_id: str) -> Reply[Session]:
        """Return one session.

        Raises:
            Refusal: 404, there is none, or not for this caller.
            StoreUnavailable: it is not at this proxy, and others cannot be asked.
        """
        return Reply(200, session_body(await self._find(caller, session_id)))

    async def end(
        self, caller: Caller, session_id: str, *, revoke: bool = False
    ) -> Reply[EndedSessions]:
        """End one session.

        The user can open the console again with the same link, as long as the token or the resume
        cookie is valid.

        Args:
            revoke: whether the token is revoked as well, and its other sessions end.

        Raises:
            Refusal: 404, there is none, or not for this caller.
            StoreUnavailable: it is ended, if it is of this proxy; whether the token is revoked is
                unknown.
        """
        session = await self._find(caller, session_id)
        why = EndedByAdministrator(f"by {caller}")
        ended = await self._sessions.end(session_id, why, by=str(caller))
        if not ended and not ended.unconfirmed:
            raise _unknown()
        self.log.info(
            "api {kind} {key} ended session {session} of {user} at {vm}",
            kind=caller.kind,
            key=caller.name,
            session=session.id,
            user=printable(session.user),
            vm=printable(str(session.vm)),
        )
        if not revoke:
            return ended_reply(ended)
        if not session.token_id:
            return ended_reply(ended, 0)
        try:
            revoked = await self._store.revoke(session.token_id)
        finally:
            of_token = SessionFilter(tokens=frozenset({session.token_id}))
            ended += await self._sessions.end_where(why, of_token, by=str(caller))
        self._audit.revoked(caller, int(revoked), ended, token=session.token_id[:12], vm=session.vm)
        return ended_reply(ended, int(revoked))

    async def change(self, caller: Caller, session_id: str, mode: Mode) -> Reply[ChangedSession]:
        """Change what the user of a session may do, whatever the policy of the link says.

        Guests of a user who may only view from now on may do no more.

        Raises:
            Refusal: 403, the caller's own links may only view; 404, there is none, or not for this
                caller.
            ModeFixed: it cannot change; its sentence says what can be done.
            StoreUnavailable: it may have changed, and other processes may not know.
        """
        session = await self._find(caller, session_id)
        if mode is Mode.CONTROL and caller.policy.mode is Mode.VIEW_ONLY:
            raise Refusal(
                403, Forbidden.code, "this key lets users view machines only", field="mode"
            )
        changed = await self._sessions.change(session_id, mode, by=str(caller))
        if not changed.known and not changed.unconfirmed:
            raise _unknown()
        self._audit.mode_changed(caller, session, mode)
        # where the page enters again, the session ends, and its guests with it
        if mode is Mode.VIEW_ONLY and changed.known and not changed.reenters:
            await self._lower_guests(caller, session)
        return changed_reply(mode, changed)

    async def message(self, caller: Caller, session_id: str, text: str) -> Reply[MessagedSession]:
        """Show a message to the user of a session, whose page shows it.

        Raises:
            Refusal: 404, there is none, or not for this caller.
            StoreUnavailable: it may have been shown.
        """
        session = await self._find(caller, session_id)
        messaged = await self._sessions.message(session_id, text, by=str(caller))
        if not messaged.known and not messaged.unconfirmed:
            raise _unknown()
        self._audit.messaged(caller, session, text, shown=messaged.shown)
        return messaged_reply(messaged)

    async def _lower_guests(self, caller: Caller, host: SessionInfo) -> None:
        """Let the guests of a session only view; one that cannot change ends."""
        found = [] if host.vm is None else await self._sessions.of_machine(host.vm)
        for guest in [each for each in found if _is_guest(each, host)]:
            try:
                changed = await self._sessions.change(guest.id, Mode.VIEW_ONLY, by=str(caller))
            except ModeFixed:
                why = EndedByAdministrator(f"by {caller}: its host has no control any more")
                await self._sessions.end(guest.id, why, by=str(caller))
            else:
                if changed.known:
                    self._audit.mode_changed(caller, guest, Mode.VIEW_ONLY)

    async def end_where(self, caller: Caller, query: SessionQuery) -> Reply[EndedSessions]:
        """End the sessions of a machine, a user, a token or a proxy; none is no error.

        Raises:
            Refusal: 403, the caller may not use the machine.
            StoreUnavailable: those of this proxy are ended; nothing is known of others.
        """
        ended = await self._end_where(caller, query.criteria(caller, self._permissions))
        self.log.info(
            "api {kind} {key} ended {ended} sessions: {words}",
            kind=caller.kind,
            key=caller.name,
            ended=ended.count,
            words=printable(str(query)),
        )
        return ended_reply(ended)

    async def _end_where(self, caller: Caller, wanted: SessionFilter) -> Ended:
        why, allows = EndedByAdministrator(f"by {caller}"), self._permissions.filter(caller)
        if allows is not None and wanted.vm is None:
            found = await self._sessions.list(wanted, allows=allows)
            if not found:
                return Ended(0)
            wanted = replace(wanted, ids=frozenset(session.id for session in found))
        return await self._sessions.end_where(why, wanted, by=str(caller))

    async def _find(self, caller: Caller, session_id: str) -> SessionInfo:
        return await find_session(self._sessions, self._permissions, caller, session_id)


async def find_session(
    sessions: ISessionRegistry, permissions: Permissions, caller: Caller, session_id: str
) -> SessionInfo:
    """Return a session of a machine that a caller may touch.

    Raises:
        Refusal: 404, there is none, or not for this caller.
        StoreUnavailable: other proxies cannot be asked.
    """
    session = await sessions.get(session_id)
    if session is None or not _is_visible(session, caller, permissions):
        raise _unknown()
    return session


def _is_visible(session: SessionInfo, caller: Caller, permissions: Permissions) -> bool:
    if session.vm is None:
        return caller.unrestricted
    return permissions.allow(caller, session.vm)


def _is_guest(session: SessionInfo, host: SessionInfo) -> bool:
    joins = session.joins
    return joins is not None and joins.kind is JoinKind.GUEST and joins.session == host.id


def _unknown() -> Refusal:
    return Refusal(404, "session-unknown", "there is no such session")


class _Page:
    """A page of a list of sessions, as JSON."""

    def __init__(self, limit: int | None) -> None:
        self._limit = limit
        self._bodies: list[bytes] = []
        self._last = self._following = ""

    def add(self, session: SessionInfo) -> None:
        """Add a session, or find that there is one more than the page takes."""
        if self._limit is not None and len(self._bodies) >= self._limit:
            self._following = self._last
            return
        self._bodies.append(json.dumps(session_body(session), ensure_ascii=False).encode())
        self._last = session.cursor

    def encode(self) -> bytes:
        """Return the whole answer; ``next`` is a member where the length was limited."""
        following = json.dumps(self._following or None)
        end = "]}\n" if self._limit is None else f'], "next": {following}}}\n'
        return b'{"sessions": [' + b", ".join(self._bodies) + end.encode()
