"""The audit lines of the API: each token issued, each revocation, each refusal, with the key."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from ..keyboard import TypingOrder
from ..model import Ended, Mode, SessionInfo, Token
from ..review.link import ReviewLink
from ..review.shelf import Recorded
from .caller import Caller
from .reply import Reply

Note = Callable[[str, Mapping[str, object]], object]
"""Writes a line: the event, and further members."""

STRANGERS: Final = 60
"""Refusals of requests without a good key that get lines, in a minute; others are counted."""

_MINUTE: Final = 60.0
_SHORT: Final = 12
_CHANGES: Final = ("POST", "PATCH", "DELETE")
_ALWAYS: Final = (401, 403, 429)


class ApiAudit:
    """Writes audit lines.

    Args:
        note: writes one.
        seconds: a monotonic clock.
    """

    def __init__(
        self,
        note: Note = lambda event, members: None,
        seconds: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._note = note
        self._seconds = seconds
        self._minute = 0.0
        self._strangers = self._suppressed = 0

    def issued(self, caller: Caller, token_id: str, vm: object, user: str) -> None:
        """Write that a token was issued."""
        self._write("api-issue", caller, token=token_id[:_SHORT], vm=str(vm), user=user)

    def joined(self, caller: Caller, event: str, token_id: str, token: Token) -> None:
        """Write that a link to a live session was made: ``api-shadow``, ``api-invite``."""
        joins = token.joins
        assert joins is not None
        self._write(
            event,
            caller,
            token=token_id[:_SHORT],
            vm=str(token.vm),
            user=token.user,
            mode=token.policy.mode.value,
            joins=joins.members(),
        )

    def drove(self, caller: Caller, session: SessionInfo) -> None:
        """Write that a session was given the control of its machine."""
        members = {"session": session.id, "vm": str(session.vm), "user": session.user}
        self._write("api-drive", caller, **members)

    def revoked(self, caller: Caller, revoked: int, ended: Ended, **what: object) -> None:
        """Write that tokens were revoked.

        Args:
            what: by what they were chosen.
        """
        chosen = {name: str(value) for name, value in what.items() if value is not None}
        counts = {"revoked": revoked, "ended": ended.count}
        self._write("api-revoke", caller, **chosen, **counts)

    def pictured(self, caller: Caller, vm: object) -> None:
        """Write that a picture of a machine's screen was shown."""
        self._write("api-screenshot", caller, vm=str(vm))

    def typed(self, caller: Caller, order: TypingOrder, session: str, keys: int) -> None:
        """Write that something was typed, and how much; never what.

        Args:
            session: the one that typed; empty where none began.
            keys: how many times keys were pressed, of so many as were asked for.
        """
        script = order.script
        counts = {"keys": keys, "of": script.strokes, "characters": script.characters}
        about = {"vm": str(order.vm), "user": order.user, "session": session or None}
        self._write("api-type", caller, **about, **counts)

    def mode_changed(self, caller: Caller, session: SessionInfo, mode: Mode) -> None:
        """Write that the mode of a live session was changed."""
        about = {"session": session.id, "vm": str(session.vm), "user": session.user or None}
        self._write("api-mode", caller, **about, mode=mode.value)

    def messaged(self, caller: Caller, session: SessionInfo, text: str, *, shown: bool) -> None:
        """Write that the user of a session was sent a message."""
        about = {"session": session.id, "vm": str(session.vm), "user": session.user or None}
        self._write("api-message", caller, **about, text=text, shown=shown)

    def reviewed(self, caller: Caller, event: str, recorded: Recorded, **members: object) -> None:
        """Write what was done with a recording: ``api-recording-file``, ``api-recording-delete``.

        Args:
            members: further ones.
        """
        about = recorded.what.about
        of = {"session": recorded.entry.session, "vm": about.vm, "user": about.user or None}
        self._write(event, caller, **of, file=recorded.entry.name, **members)

    def review_linked(self, caller: Caller, recorded: Recorded, link: ReviewLink) -> None:
        """Write that a link to a recording was made, and for which reviewer."""
        members = {"link": link.id[:_SHORT], "reviewer": link.user, "download": link.may_download}
        self.reviewed(caller, "api-recording-link", recorded, **members)

    def key_changed(self, caller: Caller, event: str, name: str, key_id: str) -> None:
        """Write that a key was created or revoked: ``api-key-create``, ``api-key-revoke``."""
        self._write(event, caller, of_key=name, of_key_id=key_id[:_SHORT])

    def refused(self, caller: Caller, method: str, path: str, reply: Reply[object]) -> None:
        """Write that a request was refused; reading what is not there is not written.

        Args:
            caller: without a name where it is not known.
        """
        if reply.status not in _ALWAYS and method not in _CHANGES:
            return
        if not caller.name and not self._may_write():
            return
        line = {"status": reply.status, **_about(reply.body)}
        if not caller.name and self._suppressed:
            line["suppressed"], self._suppressed = self._suppressed, 0
        self._write("api-refuse", caller, request_to=f"{method} {path}", **line)

    def _may_write(self) -> bool:
        """Tell whether one more stranger gets a line in this minute."""
        now = self._seconds()
        if now - self._minute >= _MINUTE:
            self._minute, self._strangers = now, 0
        self._strangers += 1
        self._suppressed += self._strangers > STRANGERS
        return self._strangers <= STRANGERS

    def about(self, caller: Caller) -> Mapping[str, object]:
        """Return the members that say who has sent a request."""
        key_id = caller.credential.id[:_SHORT] if caller.credential else None
        return {
            "request": caller.request_id or None,
            "client": caller.address or None,
            "caller": caller.kind if caller.name else None,
            "key": caller.name or None,
            "key_id": key_id,
        }

    def _write(self, event: str, caller: Caller, **members: object) -> None:
        self._note(event, {**self.about(caller), **members})


def _about(body: object) -> dict[str, object]:
    """Return what an error's body says, of ``/v1`` or of Nova's API, which have one member."""
    error = next(iter(body.values()), None) if isinstance(body, dict) else None
    if not isinstance(error, dict):
        return {}
    return {
        "reason": error.get("code"),
        "message": error.get("message"),
        "field": error.get("field"),
    }
