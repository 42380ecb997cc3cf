"""What a policy means for each direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..model import Clipboard, Policy
from .xvp import XvpPower


@dataclass(slots=True)
class Rules:
    """What may pass; both filters of a session share it, and `view_only` may change.

    Attributes:
        view_only: whether keys, pointer, resizing and power are kept from the console.
        texts: the longest text in bytes that may pass from the viewer's clipboard while its user
            controls the machine; None for no text at all.
        from_guest: the same for the guest's clipboard, at any time.
        power: answers requests for power; None where they are the server's.
        recorded: whether a recording has to be decoded from what the server sends.
    """

    view_only: bool
    texts: int | None
    from_guest: int | None
    recorded: bool = False
    power: XvpPower | None = None

    @property
    def to_guest(self) -> int | None:
        """The longest text in bytes that may pass to the guest now; None for no text at all."""
        return None if self.view_only else self.texts

    @property
    def extended(self) -> bool:
        """Whether the extended clipboard may be announced.

        Its viewer asks for each text of the guest, so one that only views has the simple one.
        """
        return not self.view_only and (self.to_guest is not None or self.from_guest is not None)

    @property
    def limits_from_guest(self) -> bool:
        """Whether a server's messages have to be filtered."""
        return self.from_guest != UNLIMITED


def rules_for(policy: Policy) -> Rules:
    """Return what a policy allows."""
    limit = policy.clipboard_limit
    most = UNLIMITED if limit is None else limit
    to_guest, from_guest = policy.clipboard in _TO_GUEST, policy.clipboard in _FROM_GUEST
    return Rules(policy.view_only, most if to_guest else None, most if from_guest else None)


UNLIMITED: Final = 1 << 31
"""No text is as long; the parser has its own limit towards the console."""

_TO_GUEST: Final = frozenset({Clipboard.BOTH, Clipboard.TO_GUEST})
_FROM_GUEST: Final = frozenset({Clipboard.BOTH, Clipboard.FROM_GUEST})
