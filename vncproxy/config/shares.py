"""The part of the limits of a proxy that one of its workers has."""

from __future__ import annotations

from dataclasses import replace

from .settings import Settings


def share_of(settings: Settings) -> Settings:
    """Return the settings of one worker: its part of all connections and sessions.

    Limits by address, machine and user, and those of sessions that begin, are not divided.
    """
    workers = settings.proxy.worker_count()
    limits = replace(
        settings.limits,
        connections=-(-settings.limits.connections // workers),
        sessions=-(-settings.limits.sessions // workers),
    )
    return settings.model_copy(update={"limits": limits})
