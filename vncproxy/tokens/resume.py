"""The limits of resume cookies and of uses of a token, the same in every store."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Final

from ..model import LONGEST_WAIT, ConsoleType, Mode, SessionLease, Token

MOST_COOKIES = 32
"""Resume cookies kept for one token; the one that ends first makes room for another."""

MOST_GIVEN_BACK = 32
"""Moments kept for one token at which uses that were given back had first been taken."""

OPENING = 120.0
"""Seconds from a redemption within which a session opens, or gives the use back; longer than all of
its time limits together, but for that of consent and approval: `consent_time`."""

REMEMBER = 3600.0
"""Seconds for which a token is kept after its end, so that the log can say why it is refused."""


LONGEST_LINK: Final = 86400.0
"""Seconds between the signing of a link and its end, at most."""

CLOCKS: Final = 10.0
"""Seconds by which the clock of a signer may be ahead when its user's links are revoked."""


@dataclass(frozen=True, slots=True)
class Resume:
    """One browser's right to re-enter, in seconds of the store's clock; its end never moves.

    Attributes:
        whole_until: its end, for a secret that has to be renewed before; 0 for one that has not.
        mode: what its sessions may do in place of what the policy says; None for that.
    """

    started_at: float
    expires_at: float
    whole_until: float = 0.0
    mode: Mode | None = None

    def renewed(self, now: float, within: float | None) -> Resume:
        """Return the right under another secret, which is good for so many seconds at most."""
        whole = self.whole_until or self.expires_at
        if within is None:
            return replace(self, expires_at=whole, whole_until=0.0)
        return replace(self, expires_at=min(whole, now + within), whole_until=whole)


def consent_time(token: Token, lease: SessionLease | None) -> float:
    """Return the seconds for which a session may wait for consent or approval before it opens."""
    asks = token.policy.asks or (lease is not None and lease.asks)
    return LONGEST_WAIT if asks else 0.0


def opening_time(token: Token, lease: SessionLease | None) -> float:
    """Return the seconds from a redemption within which a session opens, or gives the use back."""
    return OPENING + consent_time(token, lease)


def resume_time(token: Token, resume: float) -> float:
    """Return the seconds for which a browser may re-enter; 0 for viewers without cookies."""
    return resume if token.type is ConsoleType.NOVNC else 0.0


def resume_end(token: Token, resume: float, first: float, now: float) -> float:
    """Return when the right to re-enter ends: a session that may not last is not resumed longer.

    Args:
        resume: seconds from now.
        first: when the use was first taken.
    """
    longest = token.policy.max_duration
    return now + resume if longest is None else min(now + resume, first + longest)
