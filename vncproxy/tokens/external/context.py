"""What a token source is made with."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ...interfaces import IBlockingCalls, ITokenStore
from ...model import UnixTime


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceContext:
    """What a token source has of the proxy.

    Attributes:
        name: the NAME of its table, for messages and in addresses of machines.
        settings: an instance of the class's ``Settings``.
        store: the proxy's own tokens.
        calls: bounded threads of its own, in which everything that blocks must run.
        time: wall-clock time.
        reactor: connects, and measures time limits.
    """

    name: str
    settings: Any
    store: ITokenStore
    calls: IBlockingCalls
    time: Callable[[], UnixTime]
    reactor: Any
