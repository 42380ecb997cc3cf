"""Makes connections to Redis: asks where the primary is, connects and logs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, cast

import txredisapi
from twisted.internet.protocol import Factory

from ..config.redis import RedisSettings
from .endpoint import LocatePrimary

P = TypeVar("P", bound=txredisapi.RedisProtocol)


class Dialler:
    """Makes connections to the primary.

    Args:
        settings: the account, and the database.
        locate: finds the primary, anew for each connection.
    """

    def __init__(self, settings: RedisSettings, locate: LocatePrimary) -> None:
        self._settings = settings
        self._locate = locate

    async def connect(self, make_protocol: Callable[[], P]) -> P:
        """Return a connection that is not logged in yet; the caller limits the time."""
        factory = Factory.forProtocol(make_protocol)
        factory.noisy = False
        endpoint = await self._locate()
        protocol = cast("P", await endpoint.connect(factory))
        if not self._settings.path:
            protocol.transport.setTcpNoDelay(True)
            protocol.transport.setTcpKeepAlive(True)
        return protocol

    async def log_in(self, protocol: txredisapi.RedisProtocol) -> None:
        """Log in on a new connection, and choose the database.

        Raises:
            txredisapi.RedisError: Redis refuses.
        """
        settings = self._settings
        password = settings.password.get_secret_value()
        if settings.username:
            await protocol.execute_command("AUTH", settings.username, password)
        elif password:
            await protocol.execute_command("AUTH", password)
        if settings.db:
            await protocol.execute_command("SELECT", settings.db)
