"""The seam of what proxies keep for the programs that call their API."""

from __future__ import annotations

from collections.abc import Awaitable, Mapping, Sequence

from zope.interface import Interface

from ..model import Rate


class IPortalStore(Interface):
    """Keys that were created by the API, the rates of keys, and answers for repeated requests.

    Every method but `close` raises ``StoreUnavailable`` when the store does not answer.
    """

    def find_key(key_id: str) -> Awaitable[bytes | None]:
        """Return the record of a key that has neither expired nor been removed.

        Args:
            key_id: the SHA-256 of the key, in hexadecimal digits.
        """

    def add_key(key_id: str, name: str, record: bytes, ttl: float) -> Awaitable[str]:
        """Store a key for some seconds.

        Returns:
            ``added``; or ``two``, where there are two keys of the name already; or ``full``.
        """

    def remove_key(key_id: str, name: str) -> Awaitable[bool]:
        """Remove a key; False when there was none."""

    def keys() -> Awaitable[Sequence[tuple[str, bytes]]]:
        """Return the ids and records of all keys, those that expire first first."""

    def note_uses(ages: Mapping[str, float]) -> Awaitable[None]:
        """Note when keys were last used, by their ids: how many seconds ago."""

    def last_uses() -> Awaitable[Mapping[str, float]]:
        """Return how many seconds ago keys were last used, as far as it is known."""

    def admit(rates: Sequence[Rate]) -> Awaitable[float]:
        """Count a request; 0 when all rates admit it, else the seconds until they will."""

    def begin(name: str, owner: str, digest: str, claim: str) -> Awaitable[tuple[str, str]]:
        """Begin a request that may be sent again.

        Args:
            name: of the request, the same each time that it is sent.
            owner: whose requests are counted together.
            digest: of what it asks for.
            claim: of this attempt.

        Returns:
            ``begun`` and nothing; ``done`` and the answer; ``other``, it was sent with another
            digest; ``pending``, another attempt is under way; ``full``, the owner has sent too
            many. The last three have nothing, too.
        """

    def keep(name: str, digest: str, claim: str) -> Awaitable[None]:
        """Say that an attempt goes on; without that, another may begin after a while."""

    def finish(name: str, digest: str, claim: str, answer: str) -> Awaitable[None]:
        """Keep the answer of an attempt for those that follow, unless another one has begun."""

    def abandon(name: str, digest: str, claim: str) -> Awaitable[None]:
        """Forget an attempt, so that another one may begin at once."""

    def hold(name: str, claim: str, seconds: float) -> Awaitable[float]:
        """Hold a name, for some seconds at most, unless another claim does.

        Returns:
            0 where it is held by this claim from now on; else the seconds until the other one's
            time is over.
        """

    def let_go(name: str, claim: str) -> Awaitable[None]:
        """Hold a name no more, if it is this claim that does."""

    def close() -> Awaitable[None]:
        """Close connections."""
