"""From a token of another zone to the endpoint of its web socket, over TLS or over a link."""

from __future__ import annotations

from urllib.parse import quote

from ...addresses import bracketed
from ...interfaces import IZoneLinks
from ...model import (
    REFUSALS_HEADER,
    REFUSALS_IN_RFB,
    ConsoleEndpoint,
    RFBSecurity,
    Transport,
    ZoneService,
)
from .settings import ZoneSettings


def endpoint(settings: ZoneSettings, token: str, client: str) -> ConsoleEndpoint:
    """Return where the console of a token is.

    Args:
        token: the secret, good once.
        client: the user's address, which counts there if the zone trusts our proxies for it.
    """
    url = settings.console_url()
    path = url.path.rpartition("/")[0] + "/websockify"
    return ConsoleEndpoint(
        Transport.WSS,
        host=url.hostname or "",
        port=url.port or 443,
        path=f"{path}?token={quote(token, safe='')}",
        tls=settings.tls.trust(),
        headers=_headers(client),
        handshakes=(RFBSecurity(),),
    )


def endpoint_over_link(zone: str, links: IZoneLinks, token: str, client: str) -> ConsoleEndpoint:
    """Return the same for a zone that dials us; the user's address counts there.

    Args:
        links: make the connection, when it is wanted.
    """
    return ConsoleEndpoint(
        Transport.WS,
        host=zone,
        port=80,
        path=f"/websockify?token={quote(token, safe='')}",
        headers=_headers(client),
        handshakes=(RFBSecurity(),),
        dialled=links.endpoint(zone, ZoneService.CONSOLE, client),
    )


def _headers(client: str) -> tuple[tuple[str, str], ...]:
    return (
        ("X-Forwarded-For", client),
        ("Forwarded", f'for="{bracketed(client)}"'),
        (REFUSALS_HEADER, REFUSALS_IN_RFB),
    )
