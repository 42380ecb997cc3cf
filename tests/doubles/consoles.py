"""Backends whose consoles are shown to one viewer."""

from __future__ import annotations

from zope.interface import implementer

from vncproxy.interfaces import ISharesConsoles
from vncproxy.testing import StaticConsoles


@implementer(ISharesConsoles)
class OneViewer(StaticConsoles):
    """Consoles of one viewer each."""

    async def most_viewers(self, vm: str) -> int | None:
        return 1
