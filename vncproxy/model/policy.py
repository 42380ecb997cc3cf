"""What the issuer of a token decides."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

from annotated_types import Ge

from .units import Seconds


class ConsoleType(Enum):
    """How the user gets to the console; the words are Nova's."""

    NOVNC = "novnc"
    XVPVNC = "xvpvnc"


class Mode(Enum):
    """What the user may do."""

    CONTROL = "control"
    VIEW_ONLY = "view-only"


class Sharing(Enum):
    """What happens to other viewers of the same VM."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"
    TAKE_OVER = "take-over"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the issuer decided about a token.

    Attributes:
        mode: whether keys and pointer reach the machine.
        sharing: what happens to other viewers.
        max_duration: longest session in seconds, counted from the first redemption.
        idle_timeout: seconds without a byte in either direction after which the session ends.
        client_networks: where the user may come from; empty means anywhere.
        allowed_origins: origins of pages (``https://portal.example.com``) that may open the
            console besides the proxy's own; empty means no further one.
        record: whether the session is recorded.
        uses: how many times the token can be redeemed; 0 means any number.
        confirm: whether a browser's user presses a button before the token is redeemed; None leaves
            it to the proxy's configuration.
    """

    mode: Mode = Mode.CONTROL
    sharing: Sharing = Sharing.SHARED
    max_duration: Seconds | None = None
    idle_timeout: Seconds | None = None
    client_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    record: bool = False
    uses: Annotated[int, Ge(0)] = 1
    confirm: bool | None = None

    def not_enforced(self) -> tuple[str, str] | None:
        """Return the first field that no session enforces, and its value; None when all are.

        A token with such a policy must be refused: its issuer counts on what would be ignored.
        """
        for name, values in NOT_ENFORCED.items():
            if (value := getattr(self, name)) in values:
                return name, str(getattr(value, "value", value)).lower()
        return None


NOT_ENFORCED: Final[Mapping[str, frozenset[object]]] = {
    "mode": frozenset({Mode.VIEW_ONLY}),
    "sharing": frozenset({Sharing.EXCLUSIVE, Sharing.TAKE_OVER}),
    "record": frozenset({True}),
}
"""The values of a policy's fields that sessions do not enforce; what is not in here is enforced."""
