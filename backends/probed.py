"""What the probe of a backend finds."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Probed:
    """A line about the server, and one for each thing that keeps users from a console."""

    line: str
    problems: tuple[str, ...]
