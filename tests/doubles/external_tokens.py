"""What tests of token sources share: the means they work with, and tables read as from a file."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock

from vncproxy.testing import FakeCalls
from vncproxy.tokens.external.target import Means
from vncproxy.tokens.memory import MemoryTokenStore

NOW = 1_800_000_000.0


def make_means(reactor: Any = None, **changes: Any) -> Means:
    """Return means with an empty store, calls that are made at once, and a clock that stands."""
    clock = Clock()
    clock.advance(NOW)
    fields = {
        "store": MemoryTokenStore(clock.seconds, 0, clock.seconds),
        "calls": FakeCalls(),
        "time": clock.seconds,
        "reactor": reactor,
    }
    return Means(**{**fields, **changes})


def make_source(kind: Any, means: Means | None = None, **table: Any) -> Any:
    """Return a source called ``old`` from the keys of its table."""
    return kind("old", kind.Settings(**table), means or make_means())
