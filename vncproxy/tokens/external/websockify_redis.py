"""websockify's ``TokenRedis``: tokens that another program keeps in a Redis."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Annotated

from pydantic import Field, field_validator
from pydantic_core import PydanticCustomError
from twisted.logger import Logger
from zope.interface import implementer

from ...config.redis import RedisServer, RedisSettings
from ...errors import ConfigurationError, StoreUnavailable
from ...interfaces import IHasSentinels, IHasWarnings, ITokenSource
from ...model import Grant, Seconds, VMAddress, secret_id
from .context import SourceContext
from .grant import grant, too_short
from .servers import ServerSettings
from .target import Target


class RedisTokensSettings(ServerSettings, RedisServer):
    """The table ``[token_sources.NAME]`` of type ``websockify-redis``.

    Attributes:
        redis_tls: whether to speak TLS with Redis; its certificate is always verified.
        ca_file: authorities for Redis's certificate; empty for those of the system.
        namespace: what comes before the token and a colon in a key; empty for the token alone.
        timeout: seconds within which a look-up ends.
        shortest_token: characters; shorter tokens, which could be guessed, are not looked up.
        unix_sockets: whether a value may name a unix socket, which is on this machine while Redis
            and the program that writes there may be anywhere.
    """

    redis_tls: bool = False
    ca_file: str = ""
    server_name: str = ""
    namespace: str = ""
    timeout: Annotated[Seconds, Field(le=5)] = 1.5
    shortest_token: Annotated[int, Field(ge=1)] = 16
    unix_sockets: bool = False

    @field_validator("namespace")
    @classmethod
    def _without_colon(cls, namespace: str) -> str:
        if namespace.endswith(":"):
            raise PydanticCustomError("namespace", "must not end with a colon: one is added")
        return namespace

    def redis(self) -> RedisSettings:
        """Return how the connection to Redis is made."""
        names = {"ca_file", "server_name", "timeout", *RedisServer.model_fields}
        shared = {name: getattr(self, name) for name in names & self.model_fields_set}
        return RedisSettings(**shared, tls=self.redis_tls)


@implementer(IHasSentinels, IHasWarnings, ITokenSource)
class RedisTokens:
    """Tokens as keys of a Redis; they end when Redis forgets them, and are not consumed.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    Settings = RedisTokensSettings
    log = Logger()

    def __init__(self, context: SourceContext) -> None:
        # txredisapi imports the reactor, which is not to be chosen by importing this module
        from ...redis.link import RedisLink

        self._name = name = context.name
        self._settings: RedisTokensSettings = context.settings
        self._context = context
        try:
            self._link = RedisLink(context.reactor, self._settings.redis())
        except ConfigurationError as e:
            raise ConfigurationError(f"[token_sources.{name}] {e.detail}") from e

    async def redeem(self, secret: str) -> Grant | None:
        """Return what a token allows, or None when Redis has no usable value for it."""
        value = await self._get(secret)
        if value is None:
            return None
        if len(secret) < self._settings.shortest_token:
            raise too_short(self._name, secret, self._settings.shortest_token)
        try:
            target = self._target(value)
        except ValueError as e:
            self.log.warn(
                "{name}: the value of token {token} cannot be used: {why}",
                name=self._name,
                token=secret_id(secret)[:12],
                why=str(e),
            )
            return None
        vm = VMAddress(self._name, str(target))
        return grant(secret, vm, self._settings.endpoint(target), self._context.time())

    async def probe(self) -> str:
        """Look up a token that does not exist."""
        await self._get("vncproxy-check")
        return f"redis at {self._link.server} answers"

    def warnings(self) -> Sequence[str]:
        """Return what may be wrong in the table."""
        return self._settings.warnings()

    async def sentinels(self) -> Sequence[tuple[str, str, str]]:
        """Return what each sentinel says about the primary."""
        return await self._link.sentinels()

    async def close(self) -> None:
        """Let go of the connection."""
        await self._link.close()

    def _target(self, value: bytes) -> Target:
        target = parse_value(value)
        if target.path and not self._settings.unix_sockets:
            raise ValueError("it is a unix socket, and unix_sockets = true would allow that")
        return target

    async def _get(self, token: str) -> bytes | None:
        namespace = self._settings.namespace
        key = f"{namespace}:{token}" if namespace else token
        try:
            value: bytes | None = await self._link.run(lambda redis: redis.command("GET", key))
        except StoreUnavailable as e:
            raise StoreUnavailable(f"{self._name}: {e.detail}") from e
        return value


def parse_value(value: bytes) -> Target:
    """Read ``host:port`` or ``{"host": "host:port"}``.

    Raises:
        ValueError: it is neither; without saying what it is.
    """
    try:
        text = value.decode().strip()
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None
    return Target.parse(_host_of(text) if text.startswith("{") else text)


def _host_of(text: str) -> str:
    try:
        host = json.loads(text).get("host")
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    if not isinstance(host, str):
        raise ValueError('it has no "host": "host:port"')
    return host
