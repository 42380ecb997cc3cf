"""Sessions that join the live session of another user, and end with it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final

MOST_JOINED: Final = 8
"""Sessions at the same time that join others at one machine."""


class JoinKind(Enum):
    """Why a session may join another one."""

    SHADOW = "shadow"
    GUEST = "guest"


@dataclass(frozen=True, slots=True)
class Joins:
    """The live session that a token is bound to.

    Attributes:
        session: its id.
        kind: whether an administrator watches, or its user has invited a guest.
        by: the API key that asked for it, or the user who invites.
        announced: whether the users at the machine see the joining session.
    """

    session: str
    kind: JoinKind
    by: str
    announced: bool = True

    def members(self) -> dict[str, object]:
        """Return what it says, as it stands in JSON."""
        return {
            "session": self.session,
            "kind": self.kind.value,
            "by": self.by,
            "announced": self.announced,
        }
