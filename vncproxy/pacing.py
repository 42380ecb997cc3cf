"""Long loops in pieces, so that everything else in the process has its turn meanwhile."""

from __future__ import annotations

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater

LONGEST_PIECE = 0.01
"""Seconds for which a loop may keep the reactor."""


class Pace:
    """Lets a loop pause whenever it has kept the reactor for long.

    Args:
        clock: measures time and calls later; a clock that stands still never lets it pause.
        longest: seconds without a pause.
    """

    __slots__ = ("_clock", "_longest", "_since")

    def __init__(self, clock: IReactorTime, longest: float = LONGEST_PIECE) -> None:
        self._clock = clock
        self._longest = longest
        self._since = clock.seconds()

    async def step(self) -> None:
        """Pause if it is time to; to be awaited in each round of the loop."""
        if self._clock.seconds() - self._since >= self._longest:
            await deferLater(self._clock, 0)
            self._since = self._clock.seconds()
