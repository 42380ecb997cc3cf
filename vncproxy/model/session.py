"""A snapshot of a session, and the directions of its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from .address import VMAddress
from .policy import ConsoleType
from .units import UnixTime


class Direction(Enum):
    """The direction of bytes: from the user's viewer to the console's server, or back."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


LOCAL = "local"
"""The host of a console that is reached on this machine without a network."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A session at one moment; attributes that are not known yet are empty.

    Attributes:
        id: shown to the user and in the log.
        client: the user's address, without a port.
        started_at: when the user's request arrived.
        seconds: since then.
        bytes_down: payload to the user.
        bytes_up: payload from the user.
        host: the console's host as it is dialled; `LOCAL` on this machine.
        proxy: the name of the proxy that serves the session.
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
