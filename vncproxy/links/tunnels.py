"""Makes tunnels that are asked for over a link: dials the other zone, and serves it there."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.logger import Logger

from ..errors import ZoneError
from ..model import ZoneService
from ..zones.request import Act
from .control import Control
from .dialled import Line
from .messages import Failed, Open

MOST_AT_ONCE: Final = 100
"""Tunnels that are dialled at the same time; further ones fail at once."""


class Tunnels:
    """Makes tunnels.

    Args:
        sites: the factories of the protocols that serve a tunnel.
    """

    log = Logger()

    def __init__(self, sites: Mapping[ZoneService, Any]) -> None:
        self._sites = sites
        self._dialling = 0

    def begin(self, line: Line, order: Open, control: Control) -> None:
        """Make a tunnel; what goes wrong is told over the link that asked for it."""
        if self._dialling >= MOST_AT_ONCE:
            control.send(Failed(order.tunnel, f"{self._dialling} tunnels are being dialled"))
            return
        self._dialling += 1
        making = Deferred.fromCoroutine(self._make(line, order, control))
        making.addErrback(lambda f: self.log.failure("a tunnel was not made", f))
        making.addBoth(self._made)

    async def _make(self, line: Line, order: Open, control: Control) -> None:
        try:
            site = self._sites[order.service]
            await line.dial(site, Act.TUNNEL, order.client, tunnel=order.tunnel)
        except (ZoneError, ValueError) as e:
            self.log.warn("a tunnel to zone {zone} was not made: {why}", zone=line.zone.name, why=e)
            control.send(Failed(order.tunnel, str(e)))

    def _made(self, _: object) -> None:
        self._dialling -= 1
