"""Differences between two configurations, and which of them need a restart."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, Final

from ..config.settings import Settings

_RELOADED: Final = {
    "public",
    "limits",
    "timeouts",
    "relay",
    "sharing",
    ("recording", "on_trouble"),
    ("recording", "vms"),
    ("recording", "users"),
    ("recording", "reviewers"),
    ("recording", "keep"),
    "log",
    "api",
    "nova",
    "keystone",
    "backends",
    "zones",
    "peers",
    "token_sources",
    ("proxy", "instances"),
    ("proxy", "serves"),
    ("proxy", "drain_timeout"),
    ("proxy", "stop_timeout"),
    ("tokens", "ttl"),
    ("tokens", "max_ttl"),
}
"""The tables, and keys of other tables, whose new values a reload applies."""


def needs_restart(old: Settings, new: Settings) -> Iterator[str]:
    """Yield a sentence for each changed option that a reload does not apply."""
    for table, key in _differences(old, new):
        in_use = table != "redis" or old.tokens.store == "redis"
        if in_use and not {table, (table, key)} & _RELOADED:
            by_upgrade = old.proxy.supervised and table != "listen"
            remedy = "replace the workers (SIGUSR2)" if by_upgrade else "restart the proxy"
            yield (
                f"[{table}] {key} is only read at the start: {remedy}, or put the value back that "
                "it started with"
            )


def changed_options(old: Settings, new: Settings) -> list[str]:
    """Return the changed options as ``[table] key``, without those of components."""
    named = ("backends", "zones", "token_sources", "keystone")
    return [f"[{table}] {key}" for table, key in _differences(old, new) if table not in named]


def _differences(old: Settings, new: Settings) -> Iterator[tuple[str, str]]:
    """Yield table and key of each option whose values differ."""
    for table in type(old).model_fields:
        before, after = getattr(old, table), getattr(new, table)
        if isinstance(before, dict) or before is None or after is None:
            if before != after:
                yield table, ""
            continue
        for key in _keys(before):
            if getattr(before, key) != getattr(after, key):
                yield table, key


def _keys(table: Any) -> Iterable[str]:
    """Return the keys of a table, which is a pydantic model or a dataclass."""
    fields = getattr(type(table), "model_fields", None) or type(table).__dataclass_fields__
    return list(fields)
