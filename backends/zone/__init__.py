"""Consoles of another zone, which its own proxies show: ``[zones.NAME]``.

- `backend`: `ZoneBackend`, one zone.
- `settings`: the table of the configuration.
- `connection`: signed requests to the zone's API.
- `console`: from a token of the zone to the endpoint of its web socket.
- `errors`: what the zone answers, and what keeps it from answering.
- `probe`: round trip, clocks, version and rights, for ``check-config``.
"""

from .backend import ZoneBackend
from .settings import ZoneSettings

__all__ = ["ZoneBackend", "ZoneSettings"]
