"""How many file descriptors the limits need, and how many there are."""

from __future__ import annotations

import resource
from contextlib import suppress

from ..model import Limits

RESERVED = 128
"""Descriptors for all but users: callers of the API, token store, backends, listeners, files."""


def needed(limits: Limits) -> int:
    """Return the descriptors that are needed when every limit is reached.

    A session has one more than its user's connection: that to the console.
    """
    return limits.connections + min(limits.sessions, limits.connections) + RESERVED


def affordable(limits: Limits, descriptors: int) -> int:
    """Return the connections of users for which so many descriptors are enough."""
    room = max(2, descriptors - RESERVED)
    return max(room // 2, room - limits.sessions)


def allowed() -> int:
    """Return the descriptors that this process may allow itself."""
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def allow(limits: Limits) -> int:
    """Allow this process the descriptors that it needs, as far as it may; returns how many."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(needed(limits), _count(hard))
    if _count(soft) < wanted:
        with suppress(ValueError, OSError):  # a sandbox forbids it
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def shortage(limits: Limits, descriptors: int) -> str:
    """Say that so many descriptors are too few for the limits; empty where they are enough."""
    if descriptors >= needed(limits):
        return ""
    return (
        f"the limits need {needed(limits)} file descriptors, and there are {descriptors}: only "
        f"{affordable(limits, descriptors)} connections of users are let in"
    )


def _count(descriptors: int) -> int:
    return 2**30 if descriptors == resource.RLIM_INFINITY else descriptors
