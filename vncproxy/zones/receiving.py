"""Requests of other zones that have come: verified, and good once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from twisted.web.http_headers import Headers

from ..errors import TokenUsed, ZoneError, ZoneKeyRefused, ZoneReplayed, ZoneUnknown
from ..interfaces import ITokenStore
from ..model import ConsoleType, Grant, Once, Token, UnixTime, VMAddress, secret_id
from .request import LEEWAY, LIFETIME, Act, Peer, Request, verify

KEPT: Final = LIFETIME + 2 * LEEWAY + 1
"""Seconds for which a request is remembered, longer than it could be good for."""

_NO_VM = VMAddress("zone", "request")

_TO_STRANGERS = (ZoneUnknown, ZoneKeyRefused)
"""Errors whose detail a sender without a good signature must not learn."""


class Receiver:
    """Receives requests for a zone.

    Args:
        zone: the name of this zone.
        peers: the zones that may ask, by name.
        store: remembers which requests came.
        time: wall-clock time.
    """

    def __init__(
        self,
        zone: str,
        peers: Mapping[str, Peer],
        store: ITokenStore,
        time: Callable[[], UnixTime],
    ) -> None:
        self._zone = zone
        self._peers = peers
        self._store = store
        self._time = time

    async def receive(self, headers: Headers, act: Act) -> tuple[Request, Peer]:
        """Return a request and the zone that it comes from; it is refused when it comes again.

        Raises:
            ZoneError: as `verify` does, or it came before, at any proxy of this zone.
            StoreUnavailable: that is not known.
        """
        request, peer = self.verify(headers, act)
        await self._note(request)
        return request, peer

    def verify(self, headers: Headers, act: Act) -> tuple[Request, Peer]:
        """Return a request and the zone that it comes from, whether or not it came before.

        Raises:
            ZoneError: as `vncproxy.zones.request.verify` does, or it asks for something else.
        """
        request, peer = verify(bearer(headers), self._zone, self._peers, self._time())
        if request.act is not act:
            raise ZoneKeyRefused(f"a request for {request.act.value}, sent as one for {act.value}")
        return request, peer

    async def _note(self, request: Request) -> None:
        token = Token(_NO_VM, "", ConsoleType.XVPVNC, request.policy, 0, 0)
        name = secret_id(f"{request.iss} {request.jti}")
        try:
            await self._store.enter(Grant(name, token, once=Once(f"zone:{name}", KEPT)))
        except TokenUsed as e:
            raise ZoneReplayed(f"a request of the zone {request.iss} came twice") from e


def told(error: ZoneError) -> str:
    """Return what a zone is told whose request is refused."""
    return error.sentence() if isinstance(error, _TO_STRANGERS) else error.detail


def bearer(headers: Headers) -> str:
    """Return the request that stands in a header."""
    values = headers.getRawHeaders(b"authorization") or [b""]
    scheme, _, text = values[-1].partition(b" ")
    return text.strip().decode("ascii", "replace") if scheme.lower() == b"bearer" else ""
