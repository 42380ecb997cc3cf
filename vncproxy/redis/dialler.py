"""Makes connections to Redis: asks where the primary is, connects and logs in."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import txredisapi
from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.protocol import Factory

from ..config.redis import RedisSettings
from .diagnosis import REDIS_ERRORS, NotPrimary
from .endpoint import IPrimary, Server

P = TypeVar("P", bound=txredisapi.RedisProtocol)


class Dialler:
    """Makes connections to the primary, until `close`.

    Args:
        reactor: connects and measures time limits.
        settings: the account, and the database.
        primary: knows which server is the primary; it is asked for each connection.
        moved: is called when another server has become the primary; a connection that is being
            made goes to the new one by itself.
    """

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        primary: IPrimary,
        moved: Callable[[], object],
    ) -> None:
        self._reactor = reactor
        self._settings = settings
        self._primary = primary
        self._on_moved = moved
        self._unfollow: Callable[[], Deferred[object]] | None = None
        self._attempt: Deferred[Any] | None = None
        self._moves = 0
        self._address = settings.address

    @property
    def address(self) -> str:
        """Where it dialled last, for messages."""
        return self._address

    async def close(self) -> None:
        """Do not follow the primary any more; it may not dial again."""
        if self._unfollow is not None:
            await self._unfollow()

    async def dial(self, make_protocol: Callable[[], P]) -> P:
        """Return a connection to the primary that is logged in; the caller limits the time.

        Raises:
            StoreUnavailable: it is not known which server is the primary.
            txredisapi.RedisError: Redis refuses.
            *REDIS_ERRORS: no server can be used.
        """
        if self._unfollow is None:
            self._unfollow = self._primary.follow(self._moved)
        while True:
            moves = self._moves
            try:
                return await self._dial_in_turn(make_protocol)
            except (CancelledError, *REDIS_ERRORS):
                if moves == self._moves:
                    raise

    async def _dial_in_turn(self, make_protocol: Callable[[], P]) -> P:
        """Dial the servers that may be the primary, one after the other."""
        error: BaseException | None = None
        async for server in self._primary.servers():
            try:
                return await self._dial_in_time(server, make_protocol)
            except REDIS_ERRORS as e:
                error = e
        assert error is not None, "at least one server is named"
        raise error

    async def _dial_in_time(self, server: Server, make_protocol: Callable[[], P]) -> P:
        self._address = server.address
        attempt = Deferred.fromCoroutine(self._dial(server, make_protocol))
        attempt.addTimeout(server.time_limit, self._reactor)
        self._attempt = attempt
        try:
            return await attempt
        finally:
            self._attempt = None

    async def _dial(self, server: Server, make_protocol: Callable[[], P]) -> P:
        factory = Factory.forProtocol(make_protocol)
        factory.noisy = False
        protocol = cast("P", await server.endpoint.connect(factory))
        try:
            if not self._settings.path:
                protocol.transport.setTcpNoDelay(True)
                protocol.transport.setTcpKeepAlive(True)
            await self._log_in(protocol)
            if server.announced:
                await _check_role(protocol)
        except BaseException:
            protocol.transport.abortConnection()
            raise
        return protocol

    async def _log_in(self, protocol: txredisapi.RedisProtocol) -> None:
        settings = self._settings
        password = settings.password.get_secret_value()
        if settings.username:
            await protocol.execute_command("AUTH", settings.username, password)
        elif password:
            await protocol.execute_command("AUTH", password)
        if settings.db:
            await protocol.execute_command("SELECT", settings.db)

    def _moved(self) -> None:
        self._moves += 1
        if self._attempt is not None:
            self._attempt.cancel()
        self._on_moved()


async def _check_role(protocol: txredisapi.RedisProtocol) -> None:
    """Let the server say that it is a primary; what a sentinel said may be old.

    Raises:
        NotPrimary: it is a replica.
    """
    role, *_ = await protocol.execute_command("ROLE")
    if role != b"master":
        raise NotPrimary("it is a replica")
