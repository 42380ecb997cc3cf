"""What a crash, a failover or a lack of memory makes Redis forget, by its own settings."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

_SEE = 'docs/redis.md, "When Redis crashes"'


def losses(
    info: Mapping[str, str], config: Mapping[str, str], *, has_sentinels: bool = False
) -> Iterator[str]:
    """Yield one line for each way in which used and revoked tokens may be good again.

    Args:
        info: of ``INFO persistence``, ``INFO memory`` and ``INFO replication``.
        config: of ``CONFIG GET``; empty where that is not permitted.
        has_sentinels: whether sentinels may replace the server by one of its replicas.
    """
    append, fsync = info.get("aof_enabled"), config.get("appendfsync")
    if append == "0" and config.get("save") != "":
        yield (
            "redis saves in intervals (appendonly no): after a crash, tokens that were used or "
            f"revoked since the last one are good again; set appendonly yes, see {_SEE}"
        )
    if append == "1" and fsync == "no":
        yield (
            "redis leaves it to the system when it writes (appendfsync no): a power cut makes "
            f"tokens good again that were used or revoked; set everysec or always, see {_SEE}"
        )
    for failed, what in (
        ("aof_last_write_status", "append to"),
        ("rdb_last_bgsave_status", "save"),
    ):
        if info.get(failed) == "err":
            yield f"redis could not {what} its file the last time; see its own log"
    policy = info.get("maxmemory_policy", "noeviction")
    if info.get("maxmemory", "0") != "0" and policy != "noeviction":
        yield (
            f"redis may forget that a token was used when its memory is full (maxmemory-policy "
            f"{policy}); set noeviction"
        )
    if has_sentinels and "min_slaves_good_slaves" not in info:
        yield (
            "a primary that is cut off from the sentinels goes on taking changes, which are lost "
            'later; set min-replicas-to-write 1, see docs/redis.md, "What a failover can lose"'
        )


def read_info(text: str) -> dict[str, str]:
    """Return the fields of an answer to ``INFO``."""
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value for name, colon, value in lines if colon}
