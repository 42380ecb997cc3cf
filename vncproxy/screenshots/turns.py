"""Lets some work go on at a time; the rest waits for a moment, or is refused."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from twisted.internet.defer import DeferredSemaphore, TimeoutError  # noqa: A004
from twisted.internet.interfaces import IReactorTime

from ..errors import Busy

T = TypeVar("T")

MOST_WAITING: Final = 64
"""How many wait: a list of machines asks for pictures of all of them at once."""

LONGEST_WAIT: Final = 5.0
"""Seconds until one that waits is refused."""


class Turns:
    """Bounds how much of one kind is done at the same time.

    Args:
        what: is done, for the log.
        most: at the same time.
    """

    def __init__(self, what: str, most: int, clock: IReactorTime) -> None:
        self._what = what
        self._places = DeferredSemaphore(most)
        self._clock = clock

    async def run(self, work: Callable[[], Awaitable[T]]) -> T:
        """Return what some work returns, once it is its turn.

        Raises:
            Busy: too many wait already, or it has waited too long.
        """
        if len(self._places.waiting) >= MOST_WAITING:
            raise Busy(f"{MOST_WAITING} {self._what} wait")
        try:
            await self._places.acquire().addTimeout(LONGEST_WAIT, self._clock)
        except TimeoutError as e:
            raise Busy(f"no turn for {self._what} within {LONGEST_WAIT:g} s") from e
        try:
            return await work()
        finally:
            self._places.release()
