"""What is to be typed at which machine's console, and what was."""

from __future__ import annotations

from dataclasses import dataclass, field

from ..model import Policy, VMAddress
from .script import Script


@dataclass(frozen=True, slots=True)
class TypingOrder:
    """What is to be typed where.

    Attributes:
        user: whose session it is.
        client: the address that asks for it.
        policy: of the session; it is used once.
        codes: whether scan codes are sent where the server takes them.
        takes_over: whether the console may be taken from its viewer, where it has one at a time.
    """

    vm: VMAddress
    user: str
    client: str
    policy: Policy
    script: Script = field(repr=False)
    codes: bool = True
    takes_over: bool = False


@dataclass(frozen=True, slots=True)
class Typed:
    """What was typed.

    Attributes:
        session: the id of the session that typed.
        strokes: how many times keys were pressed.
        seconds: from the opening of the console.
        codes: whether scan codes were sent, and not keysyms alone.
    """

    session: str
    strokes: int
    seconds: float
    codes: bool
