"""How a Redis is reached: what the table ``[redis]`` and token sources have in common."""

from __future__ import annotations

import re
from typing import Annotated, Self

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    SecretStr,
    field_validator,
    model_validator,
)

from ..addresses import Port, bracketed, is_dialable
from ..model import Seconds
from .secret import Secret
from .setting_types import wrong_key

SENTINEL_PORT = 26379
"""The port of a sentinel that is written without one."""

_SERVER = re.compile(r"(?:\[([0-9A-Fa-f:.]+)\]|([^\[\]:\s]+))(?::([0-9]{1,5}))?")


def parse_sentinel(text: str) -> tuple[str, int]:
    """Return host and port of ``host``, ``host:port`` or ``[IPv6 address]:port``.

    Raises:
        ValueError: it is none of them.
    """
    found = _SERVER.fullmatch(text)
    if found is None or not is_dialable(host := found[1] or found[2]):
        raise ValueError("must be a host and a port, as in host:26379")
    port = int(found[3] or SENTINEL_PORT)
    if not 1 <= port <= 65535:
        raise ValueError("has a port that does not exist")
    return host, port


def _sentinel(text: str) -> str:
    parse_sentinel(text)
    return text


class RedisServer(BaseModel):
    """Where a Redis is, and how to log in.

    Attributes:
        path: a unix socket, which wins over host and port; empty for none.
        username: an ACL user; empty for the default user.
        sentinels: where the sentinels are that know the primary; host and port are not used then.
        master: the name of the primary that the sentinels watch.
        sentinel_server_name: the name in the sentinels' certificates; empty for each one's host.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Port = 6379
    path: str = ""
    db: Annotated[int, Field(ge=0)] = 0
    username: str = ""
    password: Secret = SecretStr("")
    sentinels: tuple[Annotated[str, AfterValidator(_sentinel)], ...] = ()
    master: str = ""
    sentinel_username: str = ""
    sentinel_password: Secret = SecretStr("")
    sentinel_tls: bool = False
    sentinel_ca_file: str = ""
    sentinel_server_name: str = ""

    @field_validator("sentinels")
    @classmethod
    def _each_once(cls, sentinels: tuple[str, ...]) -> tuple[str, ...]:
        servers = [parse_sentinel(text) for text in sentinels]
        for text, server in zip(sentinels, servers, strict=True):
            if servers.count(server) > 1:
                raise ValueError(f'must name each sentinel once, and "{text}" is there twice')
        return sentinels

    @model_validator(mode="after")
    def _either_address_or_sentinels(self) -> Self:
        if self.sentinels:
            self._check_sentinels()
            return self
        for key in sorted(name for name in self.model_fields_set if name.startswith("sentinel_")):
            if getattr(self, key) != type(self).model_fields[key].default:
                raise wrong_key(key, "has no effect without sentinels")
        if self.master:
            raise wrong_key("master", "has no effect without sentinels")
        return self

    def _check_sentinels(self) -> None:
        for key in ("host", "port", "path"):
            if key in self.model_fields_set:
                raise wrong_key(
                    key, "must not stand beside sentinels, which say where the primary is"
                )
        if not self.master:
            raise wrong_key(
                "master", "is missing: the name that the sentinels watch the primary by"
            )
        for key in ("sentinel_ca_file", "sentinel_server_name"):
            if getattr(self, key) and not self.sentinel_tls:
                raise wrong_key(key, "has no effect without sentinel_tls = true")

    @property
    def address(self) -> str:
        """Where it is, for messages; the name of the master where sentinels know that."""
        if self.sentinels:
            return f'master "{self.master}"'
        if self.path:
            return self.path
        return f"{bracketed(self.host)}:{self.port}"


class RedisSettings(RedisServer):
    """How a connection to Redis is made and used.

    Attributes:
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        server_name: the name in Redis's certificate, when it is not ``host``, or what the
            sentinels announce.
        timeout: seconds within which every operation ends.
        prefix: what all keys begin with.
        wait_replicas: how many replicas must have a change that makes a token no longer good; 0
            waits for none.
        wait_timeout: seconds for them to say so.
    """

    tls: bool = False
    ca_file: str = ""
    server_name: str = ""
    timeout: Seconds = 1.5
    prefix: str = "vncproxy:"
    wait_replicas: Annotated[int, Field(ge=0)] = 0
    wait_timeout: Seconds = 0.3

    def at(self, host: str, port: int) -> RedisSettings:
        """Return settings for a server at an address that a sentinel announced."""
        none = {"sentinels": (), "master": "", "path": ""}
        return self.model_copy(update={**none, "host": host, "port": port})

    def of_sentinel(self, text: str) -> RedisSettings:
        """Return settings for the connection to one of the sentinels."""
        host, port = parse_sentinel(text)
        return RedisSettings(
            host=host,
            port=port,
            username=self.sentinel_username,
            password=self.sentinel_password,
            tls=self.sentinel_tls,
            ca_file=self.sentinel_ca_file,
            server_name=self.sentinel_server_name,
            timeout=self.timeout,
        )
