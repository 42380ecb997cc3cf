"""How many file descriptors the limits need, and how many the process has."""

from __future__ import annotations

import resource
from contextlib import suppress

from ..model import Limits

RESERVED = 128
"""Descriptors for everything but users: API callers, token store, backends, listeners, files."""


def needed(limits: Limits) -> int:
    """Return the descriptors that are needed when every limit is reached.

    A session has two: the connection of its user and that to the console.
    """
    return limits.connections + min(limits.sessions, limits.connections) + RESERVED


def affordable(limits: Limits, descriptors: int) -> int:
    """Return how many connections of users this number of descriptors allows."""
    room = max(2, descriptors - RESERVED)
    return max(room // 2, room - limits.sessions)


def allowed() -> int:
    """Return the most descriptors that this process may have (the hard limit)."""
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[1])


def allow(limits: Limits) -> int:
    """Raise the soft limit to what the limits need, at most to the hard one; returns it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = min(needed(limits), _count(hard))
    if _count(soft) < wanted:
        with suppress(ValueError, OSError):  # forbidden in some sandboxes
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    return _count(resource.getrlimit(resource.RLIMIT_NOFILE)[0])


def shortage(limits: Limits, descriptors: int) -> str:
    """Return a sentence when the descriptors are too few for the limits, else nothing."""
    if descriptors >= needed(limits):
        return ""
    return (
        f"the limits need {needed(limits)} file descriptors, and there are {descriptors}: only "
        f"{affordable(limits, descriptors)} connections of users are let in"
    )


def _count(descriptors: int) -> int:
    return 2**30 if descriptors == resource.RLIM_INFINITY else descriptors
