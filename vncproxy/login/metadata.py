"""What the provider says of itself (OpenID Connect Discovery 1.0), and its keys (RFC 7517)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from ..addresses import is_loopback
from ..errors import ProviderUnavailable
from .limits import KEYS_AGAIN_AFTER, METADATA_KEPT
from .options import Fetch

_JSON = {"Accept": "application/json"}


@dataclass(frozen=True, slots=True)
class Metadata:
    """The provider's own description, as far as it is used.

    Attributes:
        userinfo: empty where it has no such endpoint.
        posts_secret: whether the client's secret is sent in the body of requests.
        names_issuer: whether its answers name it (RFC 9207).
    """

    authorization: str
    token: str
    jwks: str
    userinfo: str
    posts_secret: bool
    names_issuer: bool


class ProviderMetadata:
    """Reads description and keys, and reads them again when they are old.

    Args:
        issuer: whose they have to be.
        fetch: sends requests.
        seconds: a monotonic clock.
    """

    def __init__(self, issuer: str, fetch: Fetch, seconds: Callable[[], float]) -> None:
        self._issuer = issuer
        self._fetch = fetch
        self._seconds = seconds
        self._known: tuple[float, Metadata] | None = None
        self._keys: tuple[float, dict[str, Any]] | None = None

    async def read(self) -> Metadata:
        """Return the description.

        Raises:
            ProviderUnavailable: it cannot be read, or is that of another issuer.
        """
        now = self._seconds()
        if self._known is None or now - self._known[0] >= METADATA_KEPT:
            self._known = now, await self._discover()
        return self._known[1]

    async def keys(self, *, anew: bool = False) -> dict[str, Any]:
        """Return the provider's keys, a JWK set.

        Args:
            anew: whether those that are known were no use: the provider may have other ones.

        Raises:
            ProviderUnavailable: they cannot be read.
        """
        now = self._seconds()
        age = METADATA_KEPT if self._keys is None else now - self._keys[0]
        if self._keys is None or age >= (KEYS_AGAIN_AFTER if anew else METADATA_KEPT):
            url = (await self.read()).jwks
            self._keys = now, _of_signatures(await self.get(url, _JSON), url)
        return self._keys[1]

    async def get(self, url: str, headers: dict[str, str]) -> dict[str, Any]:
        """Return the JSON object of a URL.

        Raises:
            ProviderUnavailable: there is none.
        """
        status, content = await self._fetch("GET", url, headers)
        return answered(url, status, content)

    async def _discover(self) -> Metadata:
        url = self._issuer.rstrip("/") + "/.well-known/openid-configuration"
        found = await self.get(url, _JSON)
        if found.get("issuer") != self._issuer:
            said = str(found.get("issuer"))[:200]
            raise ProviderUnavailable(f"{url} is of the issuer {said!r}, not of {self._issuer!r}")
        methods = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        return Metadata(
            self._endpoint(found, "authorization_endpoint"),
            self._endpoint(found, "token_endpoint"),
            self._endpoint(found, "jwks_uri"),
            self._endpoint(found, "userinfo_endpoint") if found.get("userinfo_endpoint") else "",
            "client_secret_basic" not in methods and "client_secret_post" in methods,
            found.get("authorization_response_iss_parameter_supported") is True,
        )

    def _endpoint(self, found: dict[str, Any], name: str) -> str:
        url = found.get(name)
        parts = urlsplit(url if isinstance(url, str) else "")
        local = self._issuer.startswith("http:") and is_loopback(parts.hostname or "")
        if not parts.hostname or not (parts.scheme == "https" or (local and parts.scheme)):
            raise ProviderUnavailable(f"the provider's {name} is no https URL: {str(url)[:200]!r}")
        return str(url)


def answered(url: str, status: int, content: bytes) -> dict[str, Any]:
    """Return the JSON object of an answer.

    Raises:
        ProviderUnavailable: it is none.
    """
    try:
        found = json.loads(content) if status == 200 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ProviderUnavailable(f"{url} answers {status}, and not with a JSON object")
    return found


def _of_signatures(found: dict[str, Any], url: str) -> dict[str, Any]:
    """Return a set without the keys that are not for signatures, or not public."""
    listed = found.get("keys")
    keys = [
        key
        for key in (listed if isinstance(listed, list) else ())
        if isinstance(key, dict) and key.get("use", "sig") == "sig" and key.get("kty") != "oct"
    ]
    if not keys:
        raise ProviderUnavailable(f"{url} has no keys for signatures")
    return {"keys": keys}
