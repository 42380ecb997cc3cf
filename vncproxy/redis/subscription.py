"""A subscription at the primary, which follows it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from zope.interface import implementer

from ..config.redis import RedisSettings
from .channels import KEEPALIVE, Channels, ISubscriber
from .endpoint import IPrimary
from .outage import OutageLog
from .primary import find_primary

__all__ = ["ISubscriber", "Subscription", "try_subscription"]


class Subscription(Channels):
    """Keeps a connection subscribed to some channels at the primary, from `start` to `close`.

    Args:
        reactor: connects, resolves names and measures time.
        settings: where Redis is; ``timeout`` limits connecting, and the answer to a ping.
        channels: their full names.
        owner: takes the messages.
        primary: knows which server is the primary; what the settings say unless it is given.
        keepalive: seconds between two pings.
        spread: returns a number from 0 to 1, so that many proxies do not come back at once.
        outage: of another connection to the same Redis, so that an outage is logged once.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """

    def __init__(
        self,
        reactor: Any,
        settings: RedisSettings,
        channels: Sequence[str],
        owner: ISubscriber,
        *,
        primary: IPrimary | None = None,
        keepalive: float = KEEPALIVE,
        spread: Callable[[], float] = random.random,
        outage: OutageLog | None = None,
    ) -> None:
        primary = primary or find_primary(reactor, settings)
        super().__init__(
            reactor,
            settings,
            primary,
            channels,
            owner,
            keepalive=keepalive,
            spread=spread,
            outage=outage,
        )


async def try_subscription(
    reactor: Any, settings: RedisSettings, primary: IPrimary, channels: Sequence[str]
) -> None:
    """Subscribe to channels for a moment.

    Raises:
        StoreUnavailable: that is not permitted, or Redis does not answer.
    """
    await Subscription(reactor, settings, channels, _Discard(), primary=primary).try_once()


@implementer(ISubscriber)
class _Discard:
    """Takes no messages."""

    def subscribed(self) -> None:
        """Do nothing."""

    def interrupted(self, reason: str) -> None:
        """Do nothing."""

    def message_received(self, channel: str, message: bytes) -> None:
        """Do nothing."""
