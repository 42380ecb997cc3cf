"""What is typed: strokes, chords and pauses, in order, and how long it takes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from .keys import NAMED, SHIFT, Key, named
from .layouts import Chord, Layout

MOST_KEYS_OF_A_CHORD: Final = 6

_SHIFTS: Final = frozenset({SHIFT, NAMED["shift_r"]})

HOLD: Final = 0.4
"""The part of a stroke's time for which its key is down."""


@dataclass(frozen=True, slots=True)
class Press:
    """Keys that are pressed together.

    Attributes:
        chord: in the order in which they are pressed.
        seconds: how long they are held; None for as long as other strokes.
    """

    chord: Chord
    seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Pause:
    """Nothing is typed for so many seconds."""

    seconds: float


@dataclass(frozen=True, slots=True)
class Script:
    """What is typed.

    Attributes:
        steps: in order.
        rate: strokes in a second.
        characters: how many characters of texts are among them.
    """

    steps: tuple[Press | Pause, ...]
    rate: float
    characters: int = 0

    @property
    def strokes(self) -> int:
        """How many times keys are pressed."""
        return sum(isinstance(step, Press) for step in self.steps)

    @property
    def seconds(self) -> float:
        """How long it takes."""
        return sum(self.held(step) + self.rest(step) for step in self.steps)

    def held(self, step: Press | Pause) -> float:
        """Return for how many seconds a step holds its keys."""
        if isinstance(step, Pause):
            return 0.0
        return HOLD / self.rate if step.seconds is None else step.seconds

    def rest(self, step: Press | Pause) -> float:
        """Return the seconds between a step and the next one."""
        return step.seconds if isinstance(step, Pause) else (1 - HOLD) / self.rate


def presses(strokes: Iterable[Chord]) -> list[Press]:
    """Return strokes as steps."""
    return [Press(stroke) for stroke in strokes]


def read_chord(text: str, layout: Layout) -> Chord:
    """Return the keys of a chord such as ``ctrl+alt+delete``, ``f2``, ``ctrl+c`` or ``ctrl++``.

    Args:
        layout: has the keys of single characters.

    Raises:
        LayoutLacks: the layout has no key for a character.
        ValueError: a key is not known, or there are too many.
    """
    plus = text == "+" or text.endswith("++")
    names = [*text[:-2].split("+"), "+"] if plus else text.split("+")
    names = names[-1:] if text == "+" else names
    keys: list[Key] = []
    for name in names:
        keys += _keys(name, layout)
    if _SHIFTS.intersection(keys):
        keys = [key if key in NAMED.values() else layout.shifted(key) for key in keys]
    chord = tuple(dict.fromkeys(keys))
    if len(chord) > MOST_KEYS_OF_A_CHORD:
        raise ValueError(f"a chord has at most {MOST_KEYS_OF_A_CHORD} keys")
    return chord


def _keys(name: str, layout: Layout) -> Chord:
    known = named(name)
    if known is not None:
        return (known,)
    name = {"plus": "+", "minus": "-"}.get(name.lower(), name)
    if len(name) != 1:
        raise ValueError(f"there is no key {name[:32]!r}" if name else "a key has no name")
    strokes = layout.strokes(name)
    if len(strokes) != 1:
        raise ValueError(f"{name!r} needs a dead key, so it cannot be part of a chord")
    return strokes[0]
