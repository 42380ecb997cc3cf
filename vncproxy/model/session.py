"""A session at one moment, and the directions of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import VMAddress
from .policy import ConsoleType
from .units import UnixTime


class Direction(Enum):
    """Which way bytes go: from the user's viewer to the console's server, or back."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


LOCAL = "local"
"""The host of a console that is reached through this machine itself, without a network."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session at one moment; what is not known yet is empty.

    Attributes:
        id: shown to the user and in the log.
        client: the user's address, without a port.
        started_at: when the user's request came.
        seconds: since then.
        bytes_down: payload to the user.
        bytes_up: payload from the user.
        host: where the console is, as it is dialled; `LOCAL` on this machine.
        proxy: the name of the proxy that serves it.
        zone: the zone of that proxy.
        side: of an ended session, which leg ended first: ``downstream`` or ``upstream``; empty
            where the proxy itself ended it.
    """

    id: str
    type: ConsoleType
    client: str
    started_at: UnixTime
    token_id: str = ""
    vm: VMAddress | None = None
    user: str = ""
    seconds: float = 0.0
    bytes_down: int = 0
    bytes_up: int = 0
    host: str = ""
    proxy: str = ""
    zone: str = ""
    side: str = ""
