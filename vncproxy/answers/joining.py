"""Links and sessions that join the live session of another user, and who drives."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .values import Described


class Driving(TypedDict):
    """The session that has the control of its machine.

    Attributes:
        session: its id.
    """

    session: str


class Joined(TypedDict):
    """The live session that was joined.

    Attributes:
        session: its id.
        kind: whether an administrator looks at it, or its user has invited a guest.
        by: the API key that asked for it, or the user who invites.
        announced: whether the users at the machine see it.
    """

    session: str
    kind: Annotated[str, Described(enum=["shadow", "guest"])]
    by: str
    announced: bool
