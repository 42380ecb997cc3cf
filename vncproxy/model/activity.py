"""What goes on in the cluster at the moment, as far as it is cheap to know."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .announcement import Announcement


@dataclass(frozen=True, slots=True)
class Activity:
    """The processes of all proxies, and whether their sessions are those of the look before.

    Attributes:
        workers: the processes, those of one proxy in a row.
        mark: another text once a session began, changed or ended at any of them.
    """

    workers: Sequence[Announcement]
    mark: str
