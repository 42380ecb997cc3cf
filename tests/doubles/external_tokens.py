"""Contexts of token sources, and tables as a file has them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from twisted.internet.task import Clock

from vncproxy.testing import FakeCalls
from vncproxy.tokens.external.context import SourceContext
from vncproxy.tokens.memory import MemoryTokenStore

NOW = 1_800_000_000.0


def source_context(reactor: Any = None, **changes: Any) -> SourceContext:
    """Return a context with an empty store, inline calls, and a clock that stands still."""
    clock = Clock()
    clock.advance(NOW)
    fields = {
        "name": "old",
        "settings": None,
        "store": MemoryTokenStore(clock.seconds, 0, clock.seconds),
        "calls": FakeCalls(),
        "time": clock.seconds,
        "reactor": reactor,
    }
    return SourceContext(**{**fields, **changes})


def make_source(kind: Any, context: SourceContext | None = None, **table: Any) -> Any:
    """Return a source called ``old`` from the keys of its table."""
    context = context or source_context()
    return kind(replace(context, settings=kind.Settings(**table)))
