"""What all stores in Redis begin with."""

from __future__ import annotations

from typing import Any

from ..config.redis import RedisSettings
from .endpoint import IPrimary
from .link import OnOperation, RedisLink
from .outage import OutageLog


class RedisStore:
    """A store with a connection of its own.

    It connects at the first call. All times are those of Redis's clock.

    Args:
        reactor: connects and measures the time limits.
        settings: where Redis is, and with what keys begin.
        primary: knows which server is the primary; what the settings say unless it is given.
        on_operation: is called at the end of each operation.
        outage: of another connection to the same Redis, so that an outage is logged once.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        primary: IPrimary | None = None,
        on_operation: OnOperation = lambda name, seconds, failed: None,
        outage: OutageLog | None = None,
    ) -> None:
        self._link = RedisLink(reactor, settings, primary, on_operation, outage)
        self._prefix = settings.prefix

    async def close(self) -> None:
        """Close the connection."""
        await self._link.close()
