"""The identity of a process among all proxies that share a Redis."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Identity:
    """The identity of one process.

    Attributes:
        proxy_id: 16 hex digits: of the proxy as it was started, the same for all of its workers
            and after an upgrade.
        worker_id: 16 hex digits, of this process alone.
        name: the proxy's name, as it is configured.
        zone: the zone that it belongs to.
        worker: number of the process among the proxy's, from 1; 0 without a supervisor.
        generation: counts the upgrades, from 1.
    """

    proxy_id: str
    worker_id: str
    name: str
    zone: str = ""
    worker: int = 0
    generation: int = 1
