"""What was typed at a console, and how its screen looks."""

from __future__ import annotations

from typing import Annotated

from typing_extensions import TypedDict

from .values import Count, Described, Id


class Screen(TypedDict):
    """How a screen looks, and for how long.

    Attributes:
        vm: the machine.
        width: of the screen, in pixels.
        height: of the screen, in pixels.
        digest: equal for equal pictures of what was looked at; for `changed_from`.
        still: seconds since the last change; those before the proxy began to look are not known.
        stable: whether it was still for as long as was asked for.
        changed: whether its digest is another one than `changed_from`; null where none was given.
        image: the path of a picture of the screen as it is when that is asked for.
    """

    vm: str
    width: Count
    height: Count
    digest: str
    still: float
    stable: bool
    changed: bool | None
    image: str


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
