"""What a Redis is fit for: whether it permits every command, and what a crash would take back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ..errors import StoreUnavailable
from ..redis.link import Operation, RedisLink
from ..redis.persistence import losses, read_info
from ..redis.subscription import try_subscription
from . import scripts
from .redis_keys import RedisKeys


async def try_commands(redis: Operation, keys: RedisKeys, address: str) -> str:
    """Try every command that the store needs; return a line with Redis's version.

    Raises:
        StoreUnavailable: one is not permitted, or Redis does not answer.
    """
    await redis.change(scripts.PROBE, keys.probe(), *keys.channels())
    await redis.replicate()
    about = read_info((await redis.command("INFO", "server")).decode())
    version = about.get("redis_version", "of unknown version")
    return f"redis {version} at {address}"


async def try_channels(reactor: Any, link: RedisLink, channels: Sequence[str]) -> None:
    """Subscribe to channels for a moment.

    Raises:
        StoreUnavailable: that is not permitted, or Redis does not answer.
    """
    await try_subscription(reactor, link.settings, link.primary, channels)


async def read_losses(link: RedisLink) -> Sequence[str]:
    """Return in which ways Redis may forget that a token was used or revoked.

    Raises:
        StoreUnavailable: Redis does not answer.
    """
    info = await link.run(_info, "check")
    try:
        config = await link.run(_config, "check")
    except StoreUnavailable:
        config = {}  # CONFIG shows passwords, so it need not be permitted
    return list(losses(info, config, has_sentinels=bool(link.settings.sentinels)))


async def _info(redis: Operation) -> dict[str, str]:
    sections = "persistence", "memory", "replication"
    texts = [(await redis.command("INFO", section)).decode() for section in sections]
    return read_info("\n".join(texts))


async def _config(redis: Operation) -> dict[str, str]:
    found: dict[str, str] = {}
    for name in ("appendfsync", "save"):
        words = [word.decode() for word in await redis.command("CONFIG", "GET", name)]
        found.update(zip(words[::2], words[1::2], strict=True))
    return found
