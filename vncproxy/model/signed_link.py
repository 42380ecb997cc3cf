"""Links that portals sign instead of asking for them."""

from __future__ import annotations

from dataclasses import dataclass

from .token import Token
from .units import UnixTime


@dataclass(frozen=True, slots=True)
class SignedLink:
    """A link whose signature is good.

    Attributes:
        token_id: the id of its token, the same for every link with the same ``jti`` and signer.
        token: what it allows; its ``signer`` is the token source.
        issued_at: when it was signed, by its signer's clock.
        is_over: whether its time is over, so that it can only be re-entered.
    """

    token_id: str
    token: Token
    issued_at: UnixTime
    is_over: bool = False
