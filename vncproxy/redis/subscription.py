"""A subscription at the primary, which follows it."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

from ..config.redis import RedisSettings
from .channels import KEEPALIVE, Channels, ISubscriber
from .endpoint import IPrimary
from .primary import find_primary

__all__ = ["ISubscriber", "Subscription"]


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
    ) -> None:
        primary = primary or find_primary(reactor, settings)
        super().__init__(
            reactor, settings, primary, channels, owner, keepalive=keepalive, spread=spread
        )
