"""How many requests a caller may send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

AT_ONCE: Final = 6
"""The part of a minute's requests that may come at once: a sixth, those of ten seconds."""


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate, by which the requests of one or more callers are counted together.

    Attributes:
        name: what they have in common.
        per_minute: how many requests a minute has.
    """

    name: str
    per_minute: int

    @property
    def interval(self) -> float:
        """Milliseconds between two requests that are spread evenly."""
        return 60_000 / self.per_minute

    @property
    def burst(self) -> int:
        """How many requests may come at once."""
        return max(1, self.per_minute // AT_ONCE)
