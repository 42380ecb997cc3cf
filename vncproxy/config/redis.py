"""How a Redis is reached: what the table ``[redis]`` and token sources have in common."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, SecretStr

from ..addresses import Port, bracketed
from ..model import Seconds
from .secret import Secret


class RedisServer(BaseModel):
    """Where a Redis is, and how to log in.

    Attributes:
        path: a unix socket, which wins over host and port; empty for none.
        username: an ACL user; empty for the default user.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    host: str = "127.0.0.1"
    port: Port = 6379
    path: str = ""
    db: Annotated[int, Field(ge=0)] = 0
    username: str = ""
    password: Secret = SecretStr("")

    @property
    def address(self) -> str:
        """Where it is, for messages."""
        if self.path:
            return self.path
        return f"{bracketed(self.host)}:{self.port}"


class RedisSettings(RedisServer):
    """How a connection to Redis is made and used.

    Attributes:
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        server_name: the name in Redis's certificate, when it is not ``host``.
        timeout: seconds within which every operation ends.
        prefix: what all keys begin with.
    """

    tls: bool = False
    ca_file: str = ""
    server_name: str = ""
    timeout: Seconds = 1.5
    prefix: str = "vncproxy:"
