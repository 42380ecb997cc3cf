"""Who may call the API: keys with scopes and backends, known here only by their SHA-256."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import Enum
from hmac import compare_digest

from twisted.web.http import Request

from ..errors import Forbidden
from ..model import new_secret
from .reply import Refusal

ALL_BACKENDS = "*"


class Scope(Enum):
    """What a key may do; ``ADMIN`` includes the others."""

    ISSUE = "issue"
    READ = "read"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key as it is configured.

    Attributes:
        name: how logs call it.
        hash: ``sha256:`` and 64 hexadecimal digits.
        scopes: what it may do.
        backends: names of the backends it may touch, or ``*``.
    """

    name: str
    hash: str = field(repr=False)
    scopes: frozenset[Scope]
    backends: frozenset[str] = frozenset({ALL_BACKENDS})

    @property
    def unrestricted(self) -> bool:
        """Whether it may touch every backend."""
        return ALL_BACKENDS in self.backends

    def may_touch(self, backend: str) -> bool:
        """Whether it may see and use this backend's machines."""
        return self.unrestricted or backend in self.backends

    def require_backend(self, backend: str) -> None:
        """Refuse a backend that it may not touch.

        Raises:
            Refusal: 403, whether or not such a backend exists.
        """
        if not self.may_touch(backend):
            raise Refusal(
                Forbidden.status,
                Forbidden.code,
                f"the key {self.name!r} may not use the backend {backend!r}",
                field="vm",
            )


class Keyring:
    """The configured keys.

    Args:
        keys: their names and hashes differ.
    """

    def __init__(self, keys: Iterable[ApiKey]) -> None:
        self._keys = [(key.hash.lower().encode(), key) for key in keys]

    def authorize(self, request: Request, *scopes: Scope) -> ApiKey:
        """Return the key that a request was sent with.

        Args:
            request: with ``Authorization: Bearer <key>`` or ``X-Api-Key: <key>``.
            scopes: one of them is enough; ``ADMIN`` always is.

        Raises:
            Refusal: 401 without a known key, 403 with one that lacks the scope.
        """
        key = self._find(_presented(request))
        if key.scopes.isdisjoint({*scopes, Scope.ADMIN}):
            wanted = " or ".join(scope.value for scope in scopes)
            raise Refusal(
                Forbidden.status,
                Forbidden.code,
                f"the key {key.name!r} lacks the scope {wanted!r}",
            )
        return key

    def _find(self, presented: bytes) -> ApiKey:
        digest = _hash(presented).encode()
        found = None
        for known, key in self._keys:  # no early exit: the time must not tell which one fits
            if compare_digest(known, digest):
                found = key
        if found is None:
            raise _unauthorized("the API key is not known", ', error="invalid_token"')
        return found


def new_api_key() -> tuple[str, str]:
    """Return a new key of 256 random bits and its hash, as the configuration holds it."""
    key = new_secret()
    return key, _hash(key.encode())


def _hash(key: bytes) -> str:
    return f"sha256:{hashlib.sha256(key).hexdigest()}"


def _presented(request: Request) -> bytes:
    scheme, _, key = (request.getHeader(b"authorization") or b"").partition(b" ")
    if scheme.lower() == b"bearer":
        return key.strip()
    key = request.getHeader(b"x-api-key") or b""
    if not key:
        raise _unauthorized("an API key is needed: Authorization: Bearer <key>")
    return key.strip()


def _unauthorized(message: str, parameters: str = "") -> Refusal:
    challenge = f'Bearer realm="vncproxy"{parameters}'
    return Refusal(401, "unauthorized", message, headers=(("WWW-Authenticate", challenge),))
