"""Which server is the primary, as the settings say."""

from __future__ import annotations

from typing import Any

from ..config.redis import RedisSettings
from .endpoint import FixedPrimary, IPrimary
from .sentinels import Sentinels


def find_primary(reactor: Any, settings: RedisSettings) -> IPrimary:
    """Return the primary at the configured address, or the one that the sentinels know.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """
    if settings.sentinels:
        return Sentinels(reactor, settings)
    return FixedPrimary(reactor, settings)
