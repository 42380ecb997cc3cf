"""What was typed at a console, and how its screen looks."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .values import Count, Described, Id


class TypedKeys(TypedDict):
    """What was typed; all of it has arrived at the console's server.

    Attributes:
        vm: the machine.
        session: the id of the session that typed, which has ended.
        keys: how many times keys were pressed.
        characters: how many characters the texts had.
        seconds: from the opening of the console.
        sent: ``codes`` where the server took scan codes, ``keysyms`` elsewhere.
    """

    vm: str
    session: Id
    keys: Count
    characters: Count
    seconds: float
    sent: Annotated[str, Described(enum=["codes", "keysyms"])]
