"""Live sessions over HTTP: list and end."""

from __future__ import annotations

from twisted.logger import Logger

from ...errors import EndedByAdministrator
from ...interfaces import ISessionRegistry, ITokenStore
from ...model import SessionInfo
from ...text import printable
from ..caller import Caller
from ..reply import Refusal, Reply
from .bodies import session_body


class SessionsView:
    """The routes of sessions.

    Args:
        sessions: the registry of this proxy.
        store: where the token of an ended session can be revoked.
    """

    log = Logger()

    def __init__(self, sessions: ISessionRegistry, store: ITokenStore) -> None:
        self._sessions = sessions
        self._store = store

    async def list(self, caller: Caller) -> Reply:
        """Return the sessions of the backends that the caller may touch, oldest first."""
        seen = [s for s in await self._sessions.list() if _visible(s, caller)]
        seen.sort(key=lambda session: session.started_at)
        return Reply(200, {"sessions": [session_body(session) for session in seen]})

    async def end(self, caller: Caller, session_id: str, *, revoke: bool = False) -> Reply:
        """End one session.

        The user can open the console again with the same link, as long as the token or the resume
        cookie is valid.

        Args:
            revoke: whether the token is revoked as well, and its other sessions end.

        Raises:
            Refusal: 404, there is none, or not for this caller.
            StoreUnavailable: it is ended; whether the token is revoked is unknown.
        """
        live = await self._sessions.list()
        session = next((s for s in live if s.id == session_id), None)
        if session is None or not _visible(session, caller):
            raise _unknown()
        if not await self._sessions.end(session_id, EndedByAdministrator()):
            raise _unknown()
        self.log.info(
            "api {kind} {key} ended session {session} of {user} at {vm}",
            kind=caller.kind,
            key=caller.name,
            session=session.id,
            user=printable(session.user),
            vm=printable(str(session.vm)),
        )
        return await self._revoke(session) if revoke else Reply(200, {"ended": 1})

    async def _revoke(self, session: SessionInfo) -> Reply:
        if not session.token_id:
            return Reply(200, {"ended": 1, "revoked": 0})
        why, token_id = EndedByAdministrator(), session.token_id
        try:
            revoked = await self._store.revoke(token_id)
        finally:
            others = await self._sessions.end_where(why, token_id=token_id)
        return Reply(200, {"ended": 1 + others, "revoked": int(revoked)})


def _visible(session: SessionInfo, caller: Caller) -> bool:
    return caller.unrestricted if session.vm is None else caller.may_touch(session.vm.backend)


def _unknown() -> Refusal:
    return Refusal(404, "session-unknown", "there is no such session")
