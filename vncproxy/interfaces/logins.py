"""The seam of users that are logged in."""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Interface


class ILoginStore(Interface):
    """Where logins are kept; a browser has the secret of its own in a cookie.

    Every method but `close` raises ``StoreUnavailable`` when the store does not answer.
    """

    def add(login_id: str, user: str, record: str, ttl: float) -> Awaitable[None]:
        """Keep a login for some seconds; the user's oldest one ends where there are too many.

        Args:
            login_id: the SHA-256 of its secret, in hexadecimal digits.
            record: JSON on one line.
        """

    def find(login_id: str) -> Awaitable[str | None]:
        """Return the record of a login; None where it has ended."""

    def remove(login_id: str) -> Awaitable[bool]:
        """End a login; False when there was none."""

    def remove_user(user: str) -> Awaitable[int]:
        """End all logins of a user; returns how many there were."""

    def first(name: str, ttl: float) -> Awaitable[bool]:
        """Tell whether a name is given for the first time, within some seconds."""

    def close() -> Awaitable[None]:
        """Close connections."""
