"""Zones that cannot be dialled: they keep links, over which connections to them are made."""

from __future__ import annotations

from collections.abc import Awaitable
from typing import Any

from zope.interface import Interface

from ..model import ZoneService


class IZoneLinks(Interface):
    """The links between this zone and those whose table has ``dial``."""

    def endpoint(zone: str, service: ZoneService, client: str = "") -> Any:
        """Return an ``IStreamClientEndpoint`` whose connections lead to a zone that dials us.

        They carry HTTP/1.1 without TLS of their own: the link's zone has proved its key, and the
        connection that it makes is encrypted. ``connect`` fails with a ``ZoneError``.

        Args:
            zone: the NAME of its table.
            service: what answers there.
            client: the user's address, which counts there; empty where there is no user.
        """

    def report(zone: str) -> Awaitable[str]:
        """Return one line about the links with a zone, for ``check-config``.

        Raises:
            ZoneError: there is none, or none can be made.
        """
