"""The keys of the cluster in Redis, a public contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..model import VMAddress

LEASE: Final = 15.0
"""Seconds that an announcement lives; what a process has in Redis ends with it."""

HEARTBEAT: Final = 5.0
"""Seconds between two renewals."""

MOST_ORDERS: Final = 10_000
"""Orders that are kept, about."""

ORDERS_KEPT: Final = 3600.0
"""Seconds for which orders are kept."""


@dataclass(frozen=True, slots=True)
class ClusterKeys:
    """The names of keys and channels.

    Attributes:
        prefix: what all of them begin with.
    """

    prefix: str

    @property
    def workers(self) -> str:
        """The processes, by the end of their announcement."""
        return f"{self.prefix}workers"

    @property
    def announcements(self) -> str:
        """What the key of an announcement begins with, before the process's id."""
        return f"{self.prefix}worker:"

    def announcement(self, worker_id: str) -> str:
        """Return the key of a process's announcement."""
        return self.announcements + worker_id

    @property
    def session_lists(self) -> str:
        """What the key of a process's sessions begins with, before its id."""
        return f"{self.prefix}sessions:"

    @property
    def changes(self) -> str:
        """How many times processes have written sessions, in the field ``sessions``."""
        return f"{self.prefix}changes"

    def sessions(self, worker_id: str) -> str:
        """Return the key of a process's sessions."""
        return self.session_lists + worker_id

    @property
    def orders(self) -> str:
        """The stream of orders, and the channel that wakes its readers."""
        return f"{self.prefix}orders"

    @property
    def machines(self) -> str:
        """The channel of notices about machines with several sessions.

        Its name is one that the permissions of earlier versions allow.
        """
        return f"{self.prefix}acks:machines"

    def live(self, place: str) -> str:
        """Return the key of the live sessions at a place, as `SessionLease` names it."""
        return f"{self.prefix}live:{place}"

    def driver(self, vm: VMAddress) -> str:
        """Return the key of the name of the session that drives a machine."""
        return f"{self.prefix}driver:{vm}"

    def turn(self, what: str) -> str:
        """Return the key of the id of the process that does something for all."""
        return f"{self.prefix}turn:{what}"

    def acks(self, worker_id: str) -> str:
        """Return the channel on which a process receives answers to its orders."""
        return f"{self.prefix}acks:{worker_id}"
