"""From a token of another zone to the endpoint of its web socket."""

from __future__ import annotations

from urllib.parse import quote

from ...addresses import bracketed
from ...model import (
    REFUSALS_HEADER,
    REFUSALS_IN_RFB,
    ConsoleEndpoint,
    RFBSecurity,
    Transport,
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
        headers=(
            ("X-Forwarded-For", client),
            ("Forwarded", f'for="{bracketed(client)}"'),
            (REFUSALS_HEADER, REFUSALS_IN_RFB),
        ),
        handshakes=(RFBSecurity(),),
    )
