"""The place of a session in the limits of its machine, its user and its address."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, NamedTuple

from .joining import MOST_JOINED
from .limits import Limits
from .token import Token

KEPT: Final = 10.0
"""Seconds for which a machine that is not shared is kept for the next session of its user."""


class Place(NamedTuple):
    """What a session counts for, and how many sessions may count for it.

    A tuple is made in a third of the time, and each session needs some at its beginning and end.

    Attributes:
        option: the limit's name in ``[limits]``.
        of: what is counted: ``vm:<backend>/<vm>``, ``joined:<backend>/<vm>``, ``user:<user>`` or
            ``address:<client>``.
        most: sessions at the same time; 0 for any number, and -1 for one that ends all others.
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
        takes: whether its user has asked to take the machine from others, where the policy allows
            that, although they took it from this user before.
        cookie_id: of a session whose token is redeemed, as `Grant` has it.
        age: of the same, seconds since it began.
        keep: of one that ends, seconds for which a machine that it had to itself is kept for the
            next session of its user.
        failed: of the same, whether it failed to begin: the session whose machine it was to take
            may have it still.
        asks: whether each user has to accept a text before the console is shown.
    """

    session_id: str
    worker_id: str
    client: str
    limits: Limits
    takes: bool = False
    cookie_id: str = ""
    age: float = 0.0
    keep: float = 0.0
    failed: bool = False
    asks: bool = False

    @property
    def name(self) -> str:
        """The session's name among all processes: ``<worker id>/<session id>``."""
        return f"{self.worker_id}/{self.session_id}"

    def places(self, token: Token) -> tuple[Place, ...]:
        """Return what the session of a token counts for; one without a user counts for none.

        One that joins another session counts among such sessions of its machine, and takes no
        place of the machine's users. One of another zone ends none of this one's users: that zone
        chooses its user's name.
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
        alone = limits.one_session_per_user and token.joins is None and token.visit is None
        most = -1 if alone else limits.sessions_per_user
        return vm, Place("sessions_per_user", f"user:{token.user}", most), address


def holder_of(token: Token, cookie_id: str) -> str:
    """Return what the sessions of one user have in common that may take each other's place.

    Args:
        cookie_id: as `Grant` has it.

    Returns:
        What a session that has a machine to itself is held by: the id of the resume cookie; for
        one of another zone, that zone and its user, since no two of them are there at a time. Empty
        for a viewer without a cookie.
    """
    return f"{token.visit.zone}/{token.user}" if token.visit is not None else cookie_id
