"""Other processes of this zone, as far as links need them: who has a link, and asking it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ..model import Announcement, ZoneService
from .messages import Open


class INeighbours(Protocol):
    """The other processes that share a Redis with this one."""

    async def workers(self) -> Sequence[Announcement]:
        """Return all processes, this one included.

        Raises:
            StoreUnavailable: they are not known.
        """

    async def tell(self, worker_id: str, message: str) -> bool:
        """Send a message to a process; returns whether there is one.

        Raises:
            StoreUnavailable: it was not sent.
        """

    def local_address(self) -> str:
        """Return this machine's address in the network that leads to Redis; empty for none yet."""


class Alone:
    """No other process."""

    async def workers(self) -> Sequence[Announcement]:
        """Return nothing."""
        return ()

    async def tell(self, worker_id: str, message: str) -> bool:
        """Return False."""
        return False

    def local_address(self) -> str:
        """Return nothing."""
        return ""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Lets the process that has a link ask for a tunnel over it."""

    zone: str
    order: Open


@dataclass(frozen=True, slots=True)
class NotMade:
    """Tells the process that expects a tunnel why it will not arrive.

    Attributes:
        lost: whether the link was lost that it was asked for over.
    """

    tunnel: str
    why: str
    lost: bool


def encode(message: Wanted | NotMade) -> str:
    """Return a message as JSON."""
    if isinstance(message, NotMade):
        return json.dumps(
            {"v": 1, "tunnel": message.tunnel, "failed": message.why, "lost": message.lost}
        )
    order = message.order
    return json.dumps(
        {
            "v": 1,
            "zone": message.zone,
            "tunnel": order.tunnel,
            "service": order.service.value,
            "client": order.client,
        }
    )


def decode(text: bytes) -> Wanted | NotMade:
    """Return a message.

    Raises:
        ValueError: it is malformed, or of another version.
    """
    try:
        members: dict[str, Any] = json.loads(text)
        if members["v"] != 1:
            raise ValueError(f"version {members['v']!r} is not known")
        tunnel = str(members["tunnel"])
        if "failed" in members:
            return NotMade(tunnel, str(members["failed"]), members.get("lost") is True)
        order = Open(tunnel, ZoneService(members["service"]), str(members.get("client", "")))
        return Wanted(str(members["zone"]), order)
    except (KeyError, TypeError, AttributeError, RecursionError) as e:
        raise ValueError(f"malformed: {type(e).__name__} {e}") from e
