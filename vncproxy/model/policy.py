"""What the issuer of a token decides."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

from annotated_types import Ge, Le, Len

from .hours import OpenTimes, open_times, parse_window
from .units import Seconds, UnixTime

LEAST_BANDWIDTH: Final = 4096
"""Bytes in a second with which a console can still be used."""

LONGEST_BANNER: Final = 4000
"""Characters of a text that users have to accept."""


class ConsoleType(Enum):
    """The viewer that a token is for; the values are Nova's."""

    NOVNC = "novnc"
    XVPVNC = "xvpvnc"


class Mode(Enum):
    """Whether the user may control the machine."""

    CONTROL = "control"
    VIEW_ONLY = "view-only"


class Sharing(Enum):
    """What happens to other viewers of the same VM."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"
    TAKE_OVER = "take-over"
    ONE_DRIVER = "one-driver"


class PowerAction(Enum):
    """What may be done to a machine's power."""

    START = "start"
    SHUTDOWN = "shutdown"
    REBOOT = "reboot"
    RESET = "reset"
    OFF = "off"


class Clipboard(Enum):
    """In which direction texts of the clipboard may pass."""

    NONE = "none"
    TO_GUEST = "to-guest"
    FROM_GUEST = "from-guest"
    BOTH = "both"


class Inviting(Enum):
    """The most that users may let those do whom they invite, as a bound."""

    NONE = "none"
    VIEW_ONLY = "view-only"
    CONTROL = "control"

    @property
    def most(self) -> Mode | None:
        """The same as the `Policy.may_invite` that asks for all of it."""
        return None if self is Inviting.NONE else Mode(self.value)


@dataclass(frozen=True, slots=True)
class Policy:
    """What a token's issuer decided.

    Attributes:
        mode: whether keys, pointer, clipboard, resizing and power reach the machine.
        sharing: what happens to other viewers.
        max_duration: longest session in seconds, from the first redemption.
        idle_timeout: seconds without a byte in either direction after which the session ends.
        client_networks: networks from which the user may connect; empty for any.
        allowed_origins: origins of pages (``https://portal.example.com``) that may open the
            console besides those of the configuration; empty for none.
        record: whether the session is recorded.
        uses: how many times the token can be redeemed; 0 means any number.
        confirm: whether a browser's user presses a button before the token is redeemed; None leaves
            it to the proxy's configuration.
        clipboard: in which direction texts may pass; none to the guest with view-only.
        clipboard_limit: the longest text that may pass, in bytes; None for the protocol's limit.
        exclusive_at_server: whether the console's server is asked to disconnect its other viewers;
            with sessions that share their machine with no others only.
        may_invite: the most that the user may let others do, whom they invite to their session;
            None for no invitations.
        banner: text that the user has to accept before the console is shown; empty for none.
        approval: how many others have to approve of the session before the console is shown.
        not_before, not_after: the moments between which a session may be open; None for any.
        hours: weekly windows in which a session may be open, such as ``mon-fri 08:00-18:00
            Europe/Berlin``; empty for any time.
        bandwidth: bytes in a second to the viewer, at most; None for no limit.
        power: what the user may do to the machine's power.
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
    clipboard: Clipboard = Clipboard.BOTH
    clipboard_limit: Annotated[int, Ge(1), Le(1 << 20)] | None = None
    exclusive_at_server: bool = False
    may_invite: Mode | None = None
    banner: Annotated[str, Len(0, LONGEST_BANNER)] = ""
    approval: Annotated[int, Ge(0), Le(5)] = 0
    not_before: Annotated[UnixTime, Ge(0), Le(1e11)] | None = None
    not_after: Annotated[UnixTime, Ge(0), Le(1e11)] | None = None
    hours: Annotated[tuple[str, ...], Len(0, 28)] = ()
    bandwidth: Annotated[int, Ge(LEAST_BANDWIDTH), Le(10**12)] | None = None
    power: tuple[PowerAction, ...] = ()

    @property
    def view_only(self) -> bool:
        """Whether the user may not control the machine."""
        return self.mode is Mode.VIEW_ONLY

    @property
    def is_exclusive(self) -> bool:
        """Whether no other user may be at the machine."""
        return self.sharing in (Sharing.EXCLUSIVE, Sharing.TAKE_OVER)

    @property
    def restricts_messages(self) -> bool:
        """Whether messages between viewer and console have to be filtered."""
        restricts_clipboard = (
            self.clipboard is not Clipboard.BOTH or self.clipboard_limit is not None
        )
        return self.view_only or restricts_clipboard

    @property
    def open_times(self) -> OpenTimes | None:
        """When a session may be open; None for at any time.

        Raises:
            ValueError: `wrong_time` says what is wrong.
        """
        return open_times(self.not_before, self.not_after, self.hours)

    def wrong_time(self) -> tuple[str, str] | None:
        """Return the first field of times that cannot be, and what is wrong; None when all can."""
        for number, text in enumerate(self.hours):
            try:
                parse_window(text)
            except ValueError as e:
                return f"hours.{number}", str(e)
        begin, end = self.not_before, self.not_after
        if begin is not None and end is not None and begin >= end:
            return "not_after", "has to be after not_before"
        return None

    @property
    def asks(self) -> bool:
        """Whether a session waits for the consent of its user, or for the approval of others."""
        return bool(self.banner or self.approval)

    def not_enforced(self) -> tuple[str, str] | None:
        """Return a field that no session enforces beside the others, and its value; None for none.

        A token with such a policy must be refused: its issuer relies on the restriction.
        """
        if self.exclusive_at_server and not self.is_exclusive:
            return "exclusive_at_server", "true"
        if self.asks and self.sharing is Sharing.TAKE_OVER:
            # the machine would be taken from others before anyone has accepted or approved
            return "sharing", f"take-over with {'approval' if self.approval else 'banner'}"
        return None


DEFAULT_POLICY: Final = Policy()
"""What a token allows whose issuer decides nothing."""
