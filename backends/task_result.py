"""Waits for tasks of a hypervisor's API, without holding a thread."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

PAUSE: Final = 0.5
"""Seconds between two looks at a task."""


async def until_ended(
    clock: IReactorTime, look: Callable[[], Awaitable[bool]], limit: float
) -> bool:
    """Return whether a task has ended within a limit.

    Args:
        look: returns whether it has, and raises why it has failed.
        limit: in seconds.
    """
    give_up = clock.seconds() + limit
    while not await look():
        if clock.seconds() + PAUSE > give_up:
            return False
        await deferLater(clock, PAUSE)
    return True
