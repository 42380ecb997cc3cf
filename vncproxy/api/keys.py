"""API keys: random secrets of callers, of which the configuration holds the SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from hmac import compare_digest

from twisted.web.http_headers import Headers
from zope.interface import implementer

from ..model import new_secret
from .authentication import IAuthenticator, Unauthenticated
from .caller import Caller


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is configured.

    Attributes:
        hash: ``sha256:`` and 64 hexadecimal digits.
        bearer: its bearer, and what that may do.
    """

    hash: str = field(repr=False)
    bearer: Caller


@implementer(IAuthenticator)
class ApiKeys:
    """Keys in ``Authorization: Bearer <key>`` or ``X-Api-Key: <key>``.

    Args:
        keys: their names and hashes differ.
    """

    challenge = 'Bearer realm="vncproxy"'
    hint = "an API key is needed: Authorization: Bearer <key>"

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._callers = [(key.hash.lower().encode(), key.bearer) for key in keys]

    async def authenticate(self, headers: Headers) -> Caller | None:
        """Return the bearer of the key that a request was sent with."""
        key = _key_in(headers)
        return None if key is None else self.bearer(key)

    def bearer(self, key: bytes) -> Caller:
        """Return the bearer of a key.

        Raises:
            Unauthenticated: the key is not known.
        """
        digest = _hash(key).encode()
        found = None
        for (
            known,
            caller,
        ) in self._callers:  # no early exit: the duration must not reveal which one fits
            if compare_digest(known, digest):
                found = caller
        if found is None:
            challenge = f'{self.challenge}, error="invalid_token"'
            raise Unauthenticated("the API key is not known", challenge)
        return found


def new_api_key() -> tuple[str, str]:
    """Return a new key of 256 random bits and its hash, as the configuration holds it."""
    key = new_secret()
    return key, _hash(key.encode())


def _hash(key: bytes) -> str:
    return f"sha256:{hashlib.sha256(key).hexdigest()}"


def _key_in(headers: Headers) -> bytes | None:
    scheme, _, key = _last(headers, b"authorization").partition(b" ")
    if scheme.lower() == b"bearer":
        return key.strip()
    key = _last(headers, b"x-api-key")
    return key.strip() if key else None


def _last(headers: Headers, name: bytes) -> bytes:
    return headers.getRawHeaders(name, [b""])[-1]
