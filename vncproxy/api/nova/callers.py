"""Callers of Nova's API: bearers of our keys, and programs on this machine without credentials."""

from __future__ import annotations

from typing import Final

from twisted.web.http_headers import Headers
from zope.interface import implementer

from ...addresses import is_loopback
from ...config.scope import Scope
from ..authentication import IAuthenticator
from ..caller import Caller
from ..keys import ApiKeys

HEADER: Final = b"x-auth-token"
CHALLENGE: Final = 'Keystone realm="vncproxy"'
SENT_HOST: Final = b"x-sent-host"
"""Where `LoopbackCallers` finds the ``Host`` that was sent; no client's header gets here."""

_LOCAL: Final = Caller("local", frozenset({Scope.ISSUE, Scope.READ}), kind="authentication none")


@implementer(IAuthenticator)
class AuthTokenKeys:
    """Our API keys in ``X-Auth-Token``, where OpenStack's clients send their tokens."""

    challenge = CHALLENGE
    hint = "an API key is needed: X-Auth-Token: <key>"

    def __init__(self, keys: ApiKeys) -> None:
        self._keys = keys

    async def authenticate(self, headers: Headers) -> Caller | None:
        """Return the bearer of the key that a request was sent with."""
        key = headers.getRawHeaders(HEADER, [b""])[-1].strip()
        return await self._keys.bearer(key) if key else None


@implementer(IAuthenticator)
class LoopbackCallers:
    """Any program on this machine, for listeners that only those reach.

    A web page in a browser of this machine can send requests there, too. Two conditions refuse its
    requests: without the header it would need no permission, and with a host name that it has made
    to mean this machine it could read the answers.
    """

    challenge = CHALLENGE
    hint = "the header X-Auth-Token is needed, with any value, and an address of this host"

    async def authenticate(self, headers: Headers) -> Caller | None:
        """Return the caller that stands for all programs of this machine."""
        if not headers.hasHeader(HEADER):
            return None
        host = headers.getRawHeaders(SENT_HOST, [b""])[-1].decode("latin-1")
        return _LOCAL if is_loopback(_without_port(host)) else None


def _without_port(host: str) -> str:
    if host.startswith("["):
        return host[1:].partition("]")[0]
    return host.partition(":")[0]
