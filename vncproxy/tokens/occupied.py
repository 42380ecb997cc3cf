"""The refusal of a session whose machine another one has, the same in every store."""

from __future__ import annotations

from typing import Final, NamedTuple

from ..errors import ConsoleOccupied
from ..model import Grant, Sharing, Token
from ..text import printable
from .over_limit import LONGEST_NAME

JOINED: Final = "joined"
"""How a session begins that belongs to another one, whose policy decides for both."""


class Occupant(NamedTuple):
    """A session that another one cannot begin beside.

    Attributes:
        age: seconds since it began; None where that is not known.
    """

    session_id: str
    user: str = ""
    age: float | None = None


def occupied(occupant: Occupant, grant: Grant) -> ConsoleOccupied:
    """Return the error for a session that cannot begin beside another one."""
    policy, user = grant.token.policy, printable(occupant.user, LONGEST_NAME)
    since = "" if occupant.age is None else f" for {occupant.age:.0f} s"
    detail = f"session {occupant.session_id} of user {user!r} has {grant.token.vm}{since}"
    error = ConsoleOccupied(
        f"{detail}; policy.sharing is {policy.sharing.value}",
        by=occupant.user,
        age=occupant.age,
        may_take=policy.sharing is Sharing.TAKE_OVER,
    )
    return error.about(grant.token.vm, grant.token.user)


def sharing_of(token: Token, *, resumed: bool, takes: bool) -> str:
    """Return how a session begins beside others: a value of `Sharing`, or `JOINED`.

    One that enters again is not to take a machine by itself that was taken from it meanwhile.
    """
    sharing = token.policy.sharing
    if token.joins is not None:
        return JOINED
    if sharing is Sharing.ONE_DRIVER:
        return Sharing.SHARED.value
    if sharing is Sharing.TAKE_OVER and resumed and not takes:
        return Sharing.EXCLUSIVE.value
    return str(sharing.value)
