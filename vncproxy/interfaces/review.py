"""The seam of links by which recordings are watched."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence

from zope.interface import Interface


class IReviewLinks(Interface):
    """Where links to recordings are kept; they are secrets of their own, and no tokens.

    Every method but `close` raises ``StoreUnavailable`` when the store does not answer.
    """

    def add(link_id: str, session: str, record: str, ttl: float, longest: float) -> Awaitable[bool]:
        """Keep a link; False where its session has too many already.

        Args:
            link_id: the SHA-256 of its secret, in hexadecimal digits.
            session: the id of the recorded session.
            record: JSON on one line.
            ttl: seconds within which it is used for the first time.
            longest: seconds after which it ends however much it is used.
        """

    def use(link_ids: Sequence[str], idle: float) -> Awaitable[Sequence[str | None]]:
        """Return the records of links, in order; None for one that has ended or was revoked.

        Args:
            idle: seconds for which a link is good after its last use, at least.
        """

    def revoke(session: str, link_id: str = "") -> Awaitable[int]:
        """End a link of a session, or all of them; returns how many there were."""

    def linked(sessions: Sequence[str]) -> Awaitable[frozenset[str]]:
        """Return those of some sessions, a hundred at most, that have a link which is good."""

    def close() -> Awaitable[None]:
        """Close connections."""
