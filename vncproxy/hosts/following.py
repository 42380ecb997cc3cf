"""Sends a user on whose machine runs on another host than when the link was issued."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import urlsplit

from twisted.logger import Logger

from ..errors import AtAnotherProxy, NoGraphicalConsole, VNCProxyError
from ..interfaces import ITokenStore
from ..model import ConsoleType, Grant
from ..tokens.access_url import access_url
from .directory import Directory, Place

ENTER_TIME = 120.0
"""Seconds within which a page enters at the other proxy, as it may try more than once."""


class Following:
    """Finds the proxy that shows a console which this one cannot show.

    Args:
        directory: knows the proxies.
        store: returns the token store.
    """

    log = Logger()

    def __init__(self, directory: Directory, store: Callable[[], ITokenStore]) -> None:
        self._directory = directory
        self._store = store

    async def __call__(
        self, grant: Grant, secret: str, viewer: ConsoleType, error: VNCProxyError
    ) -> VNCProxyError:
        """Return why a console is not shown here: that another proxy shows it, or ``error``.

        The URLs come from announcements and from the configuration only.

        Args:
            secret: of the token, as the user sent it.
            viewer: the user's.
            error: why this proxy cannot show it.
        """
        token = grant.token
        stays = grant.endpoint is not None or token.visit is not None
        if stays or isinstance(error, NoGraphicalConsole):
            return error
        try:
            place = await self._directory.elsewhere(token.vm)
        except VNCProxyError as e:
            self.log.info("where {vm} is shown is not known: {why}", vm=token.vm, why=e)
            return error
        if place is None:
            return error
        return await self._send_on(grant, secret, viewer, place)

    async def _send_on(
        self, grant: Grant, secret: str, viewer: ConsoleType, place: Place
    ) -> AtAnotherProxy:
        base = place.urls[viewer]
        detail = f"{grant.token.vm} is shown by the proxy {place.name} at {base}"
        url = access_url(base, secret)
        if viewer is not ConsoleType.NOVNC:
            return AtAnotherProxy(detail, address=urlsplit(base).netloc)
        if grant.resumed:
            url = f"{url}&reenter={await self._store().renew(grant, ENTER_TIME)}"
        return AtAnotherProxy(detail, url)
