"""What a backend is made with: one object, to which later versions only add."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.interfaces import IHostnameResolver, IReactorTime
from twisted.logger import Logger

from .blocking import IBlockingCalls
from .links import IZoneLinks

CONTEXT_VERSION: Final = 3
"""Raised whenever `BackendContext` gets another attribute; none is taken away or changes meaning.

A backend that needs an attribute of a later version says so where it compares the numbers.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class BackendContext:
    """What a backend has of the proxy.

    Attributes:
        name: the NAME of its table, which stands in messages and in addresses of machines.
        settings: an instance of the class's ``Settings``.
        calls: bounded threads of its own, in which every SDK that blocks must run.
        clock: monotonic time in seconds, and timers; every wait needs a limit on it.
        resolver: looks host names up without blocking.
        log: writes log lines under the name of the backend's class.
        version: the version of this object, `CONTEXT_VERSION`.
        network: opens connections without blocking, since version 2: the reactor, for endpoints
            and agents of Twisted.
        zone: the zone of the proxy, since version 2; empty where there is only one.
        links: connections to zones that dial this one, since version 3; None where there are none.
    """

    name: str
    settings: Any
    calls: IBlockingCalls
    clock: IReactorTime
    resolver: IHostnameResolver
    log: Logger
    version: int = CONTEXT_VERSION
    network: Any = None
    zone: str = ""
    links: IZoneLinks | None = None
