"""What is waited for, and what was seen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Area(NamedTuple):
    """A part of a screen, in pixels."""

    x: int
    y: int
    width: int
    height: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is waited for.

    Attributes:
        stable_for: seconds without a change.
        timeout: seconds after which it is not waited for any more.
        area: what is looked at; None for the whole screen.
        ignored: parts of it that are not.
        changed_from: the digest that the screen must not have any more; empty for none.
        with_picture: whether the picture is wanted.
    """

    stable_for: float
    timeout: float
    area: Area | None = None
    ignored: tuple[Area, ...] = ()
    changed_from: str = ""
    with_picture: bool = False


@dataclass(frozen=True, slots=True)
class Seen:
    """What was seen.

    Attributes:
        width, height: of the screen, in pixels.
        digest: equal for equal pictures of what was looked at; what blinks makes no difference.
        still: seconds since its last change; those before the watch began are not known.
        stable: whether it had not changed for as long as was asked for.
        changed: whether it is another one than `Wanted.changed_from`; None where none was given.
        picture: the screen, where it was wanted, as `vncproxy.screen` has pictures.
    """

    width: int
    height: int
    digest: str
    still: float
    stable: bool
    changed: bool | None
    picture: object = None

    @property
    def as_wanted(self) -> bool:
        """Whether that is what was waited for."""
        return self.stable and self.changed is not False
