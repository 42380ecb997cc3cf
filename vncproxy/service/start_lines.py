"""The first lines of the log: what was started, by which configuration, and where it listens."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from .. import __version__
from ..config.digest import configuration_digest
from ..config.settings import BackendTable, Settings
from .announced import proxy_name


def start_lines(settings: Settings) -> Iterator[str]:
    """Yield the lines; they hold no secret and no token."""
    digest = configuration_digest(settings)
    yield f"vncproxy {__version__} starts as {proxy_name(settings)}, configuration {digest}"
    yield "; ".join(
        (
            f"backends: {_tables(settings.backends)}",
            *([f"zones: {', '.join(settings.zones)}"] if settings.zones else []),
            f"token sources: {_tables(settings.token_sources)}",
            f"tokens in {_store(settings)}",
            f"{len(settings.api.keys)} API keys",
            f"audit lines to {settings.log.audit or 'this log'}",
        )
    )
    listen = settings.listen
    for whom, endpoints in (
        ("browsers", listen.web),
        ("TCP viewers", listen.xvp),
        ("native viewers", listen.rfb),
        ("the API", listen.api),
    ):
        if endpoints:
            yield f"listens for {whom} at {', '.join(endpoints)}"


def _tables(tables: Mapping[str, BackendTable]) -> str:
    return ", ".join(f"{name} ({table.kind})" for name, table in tables.items()) or "none"


def _store(settings: Settings) -> str:
    return f"redis at {settings.redis.address}" if settings.tokens.store == "redis" else "memory"
