"""A token in the memory of one process, with what happened to it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from ..errors import Superseded, TokenRefused
from ..model import Grant, Mode, Token
from .resume import MOST_GIVEN_BACK, Resume


@dataclass(slots=True)
class Entry:
    """A token with what happened to it.

    Attributes:
        resumes: the rights to re-enter, by the id of their cookie.
        newest: the claim of the newest session of each cookie, opening ones included.
        opening: the uses of sessions that are not open yet, until when they should be.
        given_back: when the uses that were given back had first been taken.
    """

    token: Token
    expires_at: float
    forget_at: float
    used: int = 0
    revoked: bool = False
    resumes: dict[str, Resume] = field(default_factory=dict)
    newest: dict[str, str] = field(default_factory=dict)
    opening: dict[str, Resume] = field(default_factory=dict)
    given_back: list[float] = field(default_factory=list)

    def prune(self, now: float) -> None:
        """Remove expired cookies, and give back the uses of sessions that did not open in time."""
        for cookie in [c for c, resume in self.resumes.items() if resume.expires_at <= now]:
            self.remove_cookie(cookie)
        for use in [use for use, opening in self.opening.items() if opening.expires_at <= now]:
            self.give_back(use)

    def remove_cookie(self, cookie_id: str) -> None:
        """Remove a resume cookie; it re-enters no console any more."""
        del self.resumes[cookie_id]
        self.newest.pop(cookie_id, None)

    def give_back(self, use: str) -> None:
        """Make a use available again whose session has not opened; any other one stays taken."""
        if opening := self.opening.pop(use, None):
            self.newest.pop(use, None)
            self.used -= 1
            if self.token.policy.uses and len(self.given_back) < MOST_GIVEN_BACK:
                self.given_back.append(opening.started_at)

    def has_use(self, now: float) -> bool:
        """Tell whether a use can be taken; those whose time is over count as taken."""
        longest, uses = self.token.policy.max_duration, self.token.policy.uses
        moments = sorted(self.given_back)
        self.given_back = [m for m in moments if longest is None or m + longest > now]
        self.used += len(moments) - len(self.given_back)
        return not uses or self.used < uses

    def take(self, now: float) -> float:
        """Take a use and return when it was first taken; call `has_use` before."""
        self.used += 1
        return self.given_back.pop(0) if self.given_back else now

    def refusal(self, error: TokenRefused) -> TokenRefused:
        """Return an error with the machine and user, for the log."""
        return error.about(self.token.vm, self.token.user)

    def uses_left(self, now: float) -> int | None:
        """Return how many uses are left, 0 after the expiry; None when there is no limit."""
        if now >= self.expires_at:
            return 0
        uses = self.token.policy.uses
        return None if uses == 0 else max(0, uses - self.used)

    def can_be_resumed(self) -> bool:
        """Tell whether a browser may re-enter, or a session is opening; call `prune` before."""
        return bool(self.resumes or self.opening)

    def can_be_revoked(self, now: float) -> bool:
        """Tell whether the token can still be redeemed or resumed."""
        self.prune(now)
        return not self.revoked and (now < self.expires_at or self.can_be_resumed())

    def remember_mode(self, grant: Grant, mode: Mode) -> bool:
        """Remember a mode, as ``ITokenStore.remember_mode`` does."""
        cookie = grant.cookie_id
        if cookie not in self.resumes:
            return False
        if self.newest.get(cookie, grant.claim) != grant.claim:
            raise Superseded("another session with the same cookie began")
        self.resumes[cookie] = replace(self.resumes[cookie], mode=mode)
        return True
