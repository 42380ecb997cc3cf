"""What a policy means for each direction."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from ..model import Clipboard, Policy


@dataclass(frozen=True, slots=True)
class Rules:
    """What may pass.

    Attributes:
        view_only: whether keys, pointer, resizing and power are kept from the console.
        to_guest: the longest text in bytes that may pass from the viewer's clipboard; None for no
            text at all.
        from_guest: the same for the guest's clipboard.
    """

    view_only: bool
    to_guest: int | None
    from_guest: int | None

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
    view_only, limit = policy.view_only, policy.clipboard_limit
    most = UNLIMITED if limit is None else limit
    to_guest = policy.clipboard in _TO_GUEST and not view_only
    from_guest = policy.clipboard in _FROM_GUEST
    return Rules(view_only, most if to_guest else None, most if from_guest else None)


UNLIMITED: Final = 1 << 31
"""No text is as long; the parser has its own limit towards the console."""

_TO_GUEST: Final = frozenset({Clipboard.BOTH, Clipboard.TO_GUEST})
_FROM_GUEST: Final = frozenset({Clipboard.BOTH, Clipboard.FROM_GUEST})
