"""Keyboard layouts: by which strokes each types a character.

The files beside this module are made from xkeyboard-config by ``tools/make_layouts.py``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from .keys import ALTGR, ENTER, SHIFT, TAB, Key

FOLDER: Final = Path(__file__).parent / "layouts"

LAYOUTS: Final[tuple[str, ...]] = tuple(sorted(file.stem for file in FOLDER.glob("*.json")))
"""The names of all layouts."""

MOST_NAMED: Final = 10
"""Characters that an error names."""

_SHIFT, _ALTGR = 1, 2
_EVERYWHERE: Final = {"\n": (ENTER,), "\t": (TAB,)}

Chord = tuple[Key, ...]
"""Keys that are pressed in this order, and released in the reverse one."""


class LayoutLacks(ValueError):
    """A layout has no keys for some characters.

    Attributes:
        characters: those, each once.
    """

    def __init__(self, layout: str, characters: Sequence[str]) -> None:
        self.characters = tuple(dict.fromkeys(characters))
        shown = ", ".join(map(_shown, self.characters[:MOST_NAMED]))
        more = len(self.characters) - MOST_NAMED
        tail = f", and {more} more" if more > 0 else ""
        super().__init__(f"the layout {layout!r} has no keys for {shown}{tail}")


@dataclass(frozen=True, slots=True)
class Layout:
    """A layout.

    Attributes:
        title: in words.
        characters: the strokes that type each character; several where a dead key comes first.
    """

    name: str
    title: str
    characters: Mapping[str, Sequence[Chord]]

    def strokes(self, text: str) -> list[Chord]:
        """Return the strokes that type a text; a line ends with Enter, and a tabulator is Tab.

        Raises:
            LayoutLacks: some characters cannot be typed.
        """
        found: list[Chord] = []
        missing: list[str] = []
        for character in text.replace("\r\n", "\n").replace("\r", "\n"):
            if character in _EVERYWHERE:
                found.append(_EVERYWHERE[character])
            elif character in self.characters:
                found += self.characters[character]
            else:
                missing.append(character)
        if missing:
            raise LayoutLacks(self.name, missing)
        return found

    def shifted(self, key: Key) -> Key:
        """Return a key with what it means while Shift is held; itself where that is not known.

        Servers conclude from the keysym of a letter whether Caps Lock is on.
        """
        for strokes in self.characters.values():
            *held, found = strokes[-1]
            if held == [SHIFT] and found.scancode == key.scancode and len(strokes) == 1:
                return found
        return key


@cache
def load_layout(name: str) -> Layout:
    """Return a layout by its name, one of `LAYOUTS`.

    Raises:
        KeyError: there is none.
    """
    if name not in LAYOUTS:
        raise KeyError(name)
    members = json.loads((FOLDER / f"{name}.json").read_text("utf-8"))
    characters = {
        character: tuple(_chord(*stroke) for stroke in strokes)
        for character, strokes in members["characters"].items()
    }
    return Layout(name, members["title"], characters)


def _chord(scancode: int, modifiers: int, keysym: int) -> Chord:
    shift = (SHIFT,) if modifiers & _SHIFT else ()
    altgr = (ALTGR,) if modifiers & _ALTGR else ()
    return (*shift, *altgr, Key(scancode, keysym))


def _shown(character: str) -> str:
    return repr(character) if character.isprintable() else f"U+{ord(character):04X}"
