"""All that a request of a caller passes before its route: key, rate, and what is written of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from twisted.web.http_headers import Headers
from twisted.web.server import Request

from .audit import ApiAudit
from .authentication import IAuthenticator, authenticate
from .caller import Caller
from .gate import Gate
from .repeats import Repeats
from .request_ids import request_id


def stranger(request: Request) -> Caller:
    """Return the caller of a request as far as it is known without credentials."""
    host = getattr(request.getClientAddress(), "host", "unix socket")
    return Caller("", frozenset(), request_id=request_id(request), address=str(host))


@dataclass(frozen=True, slots=True)
class Desk:
    """Receives callers.

    Attributes:
        authenticators: find the caller of a request, in this order.
        gate: counts its requests.
        repeats: answers requests that are sent again.
        audit: writes what was done, and what was refused.
    """

    authenticators: Sequence[IAuthenticator]
    gate: Gate
    repeats: Repeats
    audit: ApiAudit

    async def receive(self, headers: Headers, sender: Caller) -> Caller:
        """Return the caller of a request, if it may send one now.

        Args:
            sender: what is known of it without its credentials.

        Raises:
            Unauthenticated: it is not known.
            Refusal: 429, its key admits no more requests now.
            VNCProxyError: an authenticator has failed.
        """
        found = await authenticate(self.authenticators, headers)
        await self.gate.admit(found)
        return replace(found, request_id=sender.request_id, address=sender.address)
