"""The place of a session in the limits of its machine, its user and its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from .joining import MOST_JOINED
from .limits import Limits
from .token import Token


class Place(NamedTuple):
    """What a session counts for, and how many sessions may count for it.

    A tuple is made in a third of the time, and each session needs some at its beginning and end.

    Attributes:
        option: the limit's name in ``[limits]``.
        of: what is counted: ``vm:<backend>/<vm>``, ``joined:<backend>/<vm>``, ``user:<user>`` or
            ``address:<client>``.
        most: sessions at the same time; 0 for any number.
    """

    option: str
    of: str
    most: int


@dataclass(frozen=True, slots=True)
class SessionLease:
    """What a store counts a session by, for as long as its process lives.

    Attributes:
        worker_id: the process that has the session.
        client: the user's address as it is counted: `vncproxy.addresses.counted_as`.
        limits: those in force when the session begins.
    """

    session_id: str
    worker_id: str
    client: str
    limits: Limits

    @property
    def name(self) -> str:
        """The session's name among all processes: ``<worker id>/<session id>``."""
        return f"{self.worker_id}/{self.session_id}"

    def places(self, token: Token) -> tuple[Place, ...]:
        """Return what the session of a token counts for; one without a user counts for none.

        One that joins another session counts among such sessions of its machine, and takes no
        place of the machine's users.
        """
        limits = self.limits
        vm = Place("sessions_per_vm", f"vm:{token.vm}", limits.sessions_per_vm)
        if token.joins is not None:
            vm = Place("joined_per_vm", f"joined:{token.vm}", MOST_JOINED)
        address = Place(
            "sessions_per_address", f"address:{self.client}", limits.sessions_per_address
        )
        if not token.user:
            return vm, address
        user = Place("sessions_per_user", f"user:{token.user}", limits.sessions_per_user)
        return vm, user, address
