"""Keys by their names, keyboard layouts, and what is typed with them; without I/O.

- `keys`: one key: its scan code and its keysym; keys by name.
- `layouts`: by which strokes a layout types a character. ``layouts/*.json`` has them.
- `script`: what is typed: strokes, chords and pauses, in order.
- `order`: what is to be typed where, and what was.
- `messages`: the messages of RFB that press and release keys.
"""

from __future__ import annotations

from .keys import Key
from .layouts import LAYOUTS, Layout, LayoutLacks, load_layout
from .order import Typed, TypingOrder
from .script import Pause, Press, Script, read_chord

__all__ = [
    "LAYOUTS",
    "Key",
    "Layout",
    "LayoutLacks",
    "Pause",
    "Press",
    "Script",
    "Typed",
    "TypingOrder",
    "load_layout",
    "read_chord",
]
