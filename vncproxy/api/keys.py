"""API keys: random secrets of callers, of which configuration and store hold the SHA-256."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from hmac import compare_digest
from typing import Protocol

from twisted.web.http_headers import Headers
from zope.interface import implementer

from ..model import Rate, UnixTime, new_secret
from .authentication import IAuthenticator, Unauthenticated
from .caller import Caller, Credential

_SEAL = b"vncproxy: answers that are kept for a key"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is configured.

    Attributes:
        hash: ``sha256:`` and 64 hexadecimal digits.
        bearer: its bearer, and what that may do.
        expires_at: from when on it is refused; None for no end.
        rates: by which its requests are counted.
    """

    hash: str = field(repr=False)
    bearer: Caller
    expires_at: UnixTime | None = None
    rates: tuple[Rate, ...] = ()

    def credential(self) -> Credential:
        """Return what a request is sent with that has this key, without its seal."""
        key_id = self.hash.lower().removeprefix("sha256:")
        return Credential(key_id, self.rates, self.expires_at)


class OtherKeys(Protocol):
    """Keys beside those of the configuration."""

    async def bearer(self, key_id: str) -> Caller | None:
        """Return the bearer of a key by its SHA-256; None where there is none."""


@implementer(IAuthenticator)
class ApiKeys:
    """Keys in ``Authorization: Bearer <key>`` or ``X-Api-Key: <key>``.

    Args:
        keys: those of the configuration; their hashes differ.
        time: the wall clock, by which keys expire.
        others: looks further keys up.

    Attributes:
        configured: the keys of the configuration.
    """

    challenge = 'Bearer realm="vncproxy"'
    hint = "an API key is needed: Authorization: Bearer <key>"

    def __init__(
        self,
        keys: Iterable[ApiKey],
        time: Callable[[], UnixTime] = lambda: 0.0,
        others: OtherKeys | None = None,
    ) -> None:
        self.configured: Sequence[ApiKey] = tuple(keys)
        self._keys = [(key.hash.lower().encode(), key) for key in self.configured]
        self._time = time
        self._others = others

    async def authenticate(self, headers: Headers) -> Caller | None:
        """Return the bearer of the key that a request was sent with."""
        key = key_in(headers)
        return None if key is None else await self.bearer(key)

    async def bearer(self, key: bytes) -> Caller:
        """Return the bearer of a key.

        Raises:
            Unauthenticated: the key is not known, or has expired.
            StoreUnavailable: it may be one that is stored, and the store does not answer.
        """
        caller = await self.bearer_of(_hash(key).removeprefix("sha256:"))
        assert caller.credential is not None
        return replace(caller, credential=replace(caller.credential, seal=_seal(key)))

    async def bearer_of(self, key_id: str) -> Caller:
        """Return the bearer of a key by its SHA-256, for what was begun with the key itself.

        Raises:
            Unauthenticated, StoreUnavailable: as `bearer`.
        """
        found = self._configured(f"sha256:{key_id}".encode())
        if found is not None:
            return self._credited(found)
        stored = None
        if self._others is not None:
            stored = await self._others.bearer(key_id)
        if stored is None or stored.credential is None:
            raise self._refusal("the API key is not known")
        return stored

    def _configured(self, digest: bytes) -> ApiKey | None:
        found = None
        for known, key in self._keys:  # no early exit: the duration must not reveal which one fits
            if compare_digest(known, digest):
                found = key
        return found

    def _credited(self, found: ApiKey) -> Caller:
        if found.expires_at is not None and self._time() >= found.expires_at:
            raise self._refusal("the API key has expired")
        return replace(found.bearer, credential=found.credential())

    def _refusal(self, message: str) -> Unauthenticated:
        return Unauthenticated(message, f'{self.challenge}, error="invalid_token"')


def new_api_key() -> tuple[str, str]:
    """Return a new key of 256 random bits and its hash, as the configuration holds it."""
    key = new_secret()
    return key, _hash(key.encode())


def _hash(key: bytes) -> str:
    return f"sha256:{hashlib.sha256(key).hexdigest()}"


def _seal(key: bytes) -> bytes:
    return hmac.digest(key, _SEAL, "sha256")


def key_in(headers: Headers) -> bytes | None:
    """Return the key that a request was sent with."""
    scheme, _, key = _last(headers, b"authorization").partition(b" ")
    if scheme.lower() == b"bearer":
        return key.strip()
    key = _last(headers, b"x-api-key")
    return key.strip() if key else None


def _last(headers: Headers, name: bytes) -> bytes:
    return headers.getRawHeaders(name, [b""])[-1]
