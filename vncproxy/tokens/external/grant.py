"""What a token of another issuer allows, and the refusal of one that could be guessed."""

from __future__ import annotations

import math

from ...errors import TokenUnknown
from ...model import (
    ConsoleEndpoint,
    ConsoleType,
    Grant,
    Once,
    Policy,
    Token,
    UnixTime,
    VMAddress,
    secret_id,
)


def grant(
    secret: str,
    vm: VMAddress,
    endpoint: ConsoleEndpoint,
    now: UnixTime,
    *,
    user: str = "",
    expires_at: UnixTime = math.inf,
    once: Once | None = None,
) -> Grant:
    """Return what another issuer's token allows: control, any number of times.

    Args:
        once: what opening a console consumes, for a token that is good once.
    """
    token = Token(vm, user, ConsoleType.NOVNC, Policy(uses=0), now, expires_at)
    return Grant(secret_id(secret), token, endpoint=endpoint, once=once)


def too_short(source: str, secret: str, shortest: int) -> TokenUnknown:
    """Return the error for a token that its issuer knows, and that is refused for its length."""
    return TokenUnknown(
        f"{source}: token {secret_id(secret)[:12]} has {len(secret)} characters and could be "
        f"guessed; give it {shortest} or more, or lower shortest_token"
    )
