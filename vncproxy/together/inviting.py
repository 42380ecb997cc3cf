"""Answers pages whose users invite others to their session."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any, Final
from weakref import WeakKeyDictionary

from ..errors import BadRequest, Busy
from ..model import Mode
from ..session.state import SessionState
from ..text import has_control
from .links import LONGEST_NAME, SessionLinks, Wanted

Note = Callable[[str, Mapping[str, object]], object]
"""Writes an audit line: the event, and further members."""

MOST_AT_ONCE: Final = 5
"""Links that a session may make within `WITHIN`."""

WITHIN: Final = 60.0
"""Seconds."""

_SHORT: Final = 12


class Invitations:
    """Answers the request ``invite`` of pages.

    Args:
        links: returns what makes links now: a reload may have replaced it.
        note: writes an audit line.
        seconds: a monotonic clock.
    """

    def __init__(
        self, links: Callable[[], SessionLinks], note: Note, seconds: Callable[[], float]
    ) -> None:
        self._links = links
        self._note = note
        self._seconds = seconds
        self._made: WeakKeyDictionary[SessionState, tuple[float, ...]] = WeakKeyDictionary()

    async def answer(self, session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Make a link to a session; the answer has its ``url``, and until when it is good.

        Raises:
            BadRequest: the request is malformed.
            Busy: the session has made too many links within a minute.
            VNCProxyError: as `SessionLinks.invite`.
        """
        wanted = _wanted(message)
        self._count(session)
        info = replace(session.info(self._seconds()), mode=session.rights.mode)
        issued = await self._links().invite(info, wanted)
        token = issued.token
        assert token.joins is not None
        self._note(
            "invite",
            {
                "session": session.id,
                "client": session.user_request.client,
                "vm": str(token.vm),
                "user": session.user,
                "token": issued.id[:_SHORT],
                "guest": token.user,
                "mode": token.policy.mode.value,
            },
        )
        seconds = round(token.expires_at - token.issued_at)
        return {"url": issued.url, "seconds": seconds, "mode": token.policy.mode.value}

    def _count(self, session: SessionState) -> None:
        now = self._seconds()
        recent = tuple(at for at in self._made.get(session, ()) if at > now - WITHIN)
        if len(recent) >= MOST_AT_ONCE:
            raise Busy(
                f"{len(recent)} links to one session within {WITHIN:g} s",
                public="You have made several links just now. Try again in a minute.",
            )
        self._made[session] = (*recent, now)


def _wanted(message: Mapping[str, Any]) -> Wanted:
    name, mode = message.get("name"), message.get("mode")
    if not isinstance(name, str) or not 0 < len(name.strip()) <= LONGEST_NAME or has_control(name):
        sentence = f"Write the name of the guest, up to {LONGEST_NAME} characters."
        raise BadRequest("the name of a guest is no text, or too long", public=sentence)
    try:
        return Wanted(name, Mode(mode))
    except ValueError as e:
        raise BadRequest("a page invites to no known mode") from e
