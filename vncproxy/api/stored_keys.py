"""Keys that were created by the API: their records, and the look-up of one by its hash."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Annotated, Literal

from pydantic import Field, ValidationError
from twisted.logger import Logger

from ..config.scope import Access
from ..interfaces import IPortalStore
from ..model import Rate, UnixTime
from .caller import Caller, Credential

TRUSTED: float = 1.0
"""Seconds for which a key is trusted after it was looked up; a revoked one is refused then."""

MOST_TRUSTED = 1000
"""Keys that are trusted at the same time, without another look-up."""


class StoredKey(Access):
    """The record of a key.

    Attributes:
        v: the version of the form.
        rates: by which its requests are counted, each a name and the requests of a minute.
        created_by: the name of the key that created it.
        created_at, expires_at: for people and for what it may create in its turn; the store decides
            when it is over.
    """

    v: Literal[1] = 1
    name: str
    rates: tuple[tuple[str, Annotated[int, Field(ge=1)]], ...] = ()
    created_by: str
    created_at: UnixTime
    expires_at: UnixTime

    def bearer(self, key_id: str) -> Caller:
        """Return the bearer of the key."""
        rates = tuple(Rate(*each) for each in self.rates)
        credential = Credential(key_id, rates, self.expires_at)
        return replace(Caller.of(self.name, self), credential=credential)


class StoredKeys:
    """Looks keys up in the store; a key that was found is trusted for a moment.

    Args:
        seconds: a monotonic clock.
    """

    log = Logger()

    def __init__(self, store: IPortalStore, seconds: Callable[[], float]) -> None:
        self._store = store
        self._seconds = seconds
        self._found: dict[str, tuple[float, Caller]] = {}

    async def bearer(self, key_id: str) -> Caller | None:
        """Return the bearer of a key; None where there is none.

        Raises:
            StoreUnavailable: the store does not answer.
        """
        now = self._seconds()
        found_at, known = self._found.get(key_id, (now - TRUSTED, None))
        if known is not None and now - found_at < TRUSTED:
            return known
        self._found.pop(key_id, None)
        record = await self._store.find_key(key_id)
        caller = None if record is None else self._read(key_id, record)
        if caller is not None:
            if len(self._found) >= MOST_TRUSTED:
                self._found.clear()
            self._found[key_id] = now, caller
        return caller

    def _read(self, key_id: str, record: bytes) -> Caller | None:
        try:
            return StoredKey.model_validate_json(record).bearer(key_id)
        except ValidationError as e:
            self.log.warn(
                "the stored API key {key} is malformed: {count} members, such as {which}",
                key=key_id[:12],
                count=e.error_count(),
                which=".".join(map(str, e.errors(include_input=False)[0]["loc"])),
            )
            return None
