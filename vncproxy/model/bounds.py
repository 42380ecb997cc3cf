"""The most that an issuer may allow in the policies of its tokens."""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

from annotated_types import Ge, Le, Len

from .hours import parse_window
from .policy import LEAST_BANDWIDTH, LONGEST_BANNER, Clipboard, Inviting, Mode, PowerAction, Sharing
from .units import Seconds


@dataclass(frozen=True, slots=True)
class PolicyBounds:
    """Bounds of a `Policy`; each is left out where there is none.

    Attributes:
        mode: ``view-only`` allows no control.
        sharing: the only one that is allowed.
        max_duration: the longest session in seconds.
        idle_timeout: the most seconds without a byte.
        client_networks: those from which users may connect; empty for any.
        allowed_origins: patterns of the origins that a policy may name; None for any.
        record: whether sessions have to be recorded.
        uses: the most times that a token can be redeemed.
        confirm: whether a browser's user has to press a button first.
        clipboard: the directions that a policy may allow.
        may_invite: the most that users may let guests do.
        hours: weekly windows within which sessions may be open; empty for any time.
        bandwidth: the most bytes in a second to a viewer.
        power: what a policy may let users do to a machine's power; None for any of it.
        banner: the text that a policy's users have to accept, before the policy's own.
        approval: how many have to approve, at least.

    Raises:
        ValueError: a window is none.
    """

    mode: Mode | None = None
    sharing: Sharing | None = None
    max_duration: Seconds | None = None
    idle_timeout: Seconds | None = None
    client_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allowed_origins: tuple[str, ...] | None = None
    record: bool = False
    uses: Annotated[int, Ge(1)] | None = None
    confirm: bool = False
    clipboard: Clipboard | None = None
    may_invite: Inviting | None = None
    hours: Annotated[tuple[str, ...], Len(0, 28)] = ()
    bandwidth: Annotated[int, Ge(LEAST_BANDWIDTH), Le(10**12)] | None = None
    power: tuple[PowerAction, ...] | None = None
    banner: Annotated[str, Len(0, LONGEST_BANNER)] = ""
    approval: Annotated[int, Ge(0), Le(5)] = 0

    def __post_init__(self) -> None:
        for text in self.hours:
            try:
                parse_window(text)
            except ValueError as e:
                raise ValueError(f"a window of hours {e}") from e


LATER_BOUNDS: Final = ("may_invite", "hours", "bandwidth", "power", "banner", "approval")
"""Those that the first version had not."""


NO_BOUNDS: Final = PolicyBounds()
