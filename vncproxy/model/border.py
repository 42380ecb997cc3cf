"""Sessions that cross the border between two zones."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Final

from .policy import Policy

SESSION_HEADER: Final = "VNCProxy-Session"
"""The header by which the proxy of a zone tells that of another one its id of the session."""

REFUSALS_HEADER: Final = "VNCProxy-Refusals"
"""The header by which a program asks, with `REFUSALS_IN_RFB`, to be refused as a browser is."""

REFUSALS_IN_RFB: Final = "rfb"


class ZoneService(StrEnum):
    """What a connection to a zone that dials us is for.

    Attributes:
        API: signed requests to its API.
        CONSOLE: the web socket of one console.
    """

    API = "api"
    CONSOLE = "console"


@dataclass(frozen=True, slots=True)
class Visit:
    """The session of another zone that a token was issued for.

    Attributes:
        zone: that zone.
        session: the id that the session has there.
        via: the zones that the session has passed so far, the user's first and ``zone`` last.
    """

    zone: str
    session: str
    via: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Journey:
    """What another zone is told of a session whose console it is asked for.

    Attributes:
        session: the id of the session here.
        user: its user; as the token has it.
        client: the user's address.
        policy: what is left of the token's policy: the longest duration from now on.
        via: the zones that the session had passed before this one, the user's first.
    """

    session: str
    user: str
    client: str
    policy: Policy
    via: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Border:
    """Where a session came from and where it goes, each with its id there; empty for nowhere."""

    from_zone: str = ""
    from_session: str = ""
    to_zone: str = ""
    to_session: str = ""

    def members(self) -> dict[str, str]:
        """Return what is known, by name."""
        return {name: value for name, value in asdict(self).items() if value}
