"""Keys: the scan code and the keysym of each, and their names."""

from __future__ import annotations

from typing import Final, NamedTuple

_EXTENDED: Final = 0x80
"""What stands in a scan code for the prefix 0xE0."""


class Key(NamedTuple):
    """A key.

    Attributes:
        scancode: its place on an XT keyboard (set 1); ``0x80`` is added for the prefix 0xE0, as in
            QEMU's extended key messages.
        keysym: what it means (X11).
    """

    scancode: int
    keysym: int


SHIFT: Final = Key(42, 0xFFE1)
ALTGR: Final = Key(56 | _EXTENDED, 0xFE03)
ENTER: Final = Key(28, 0xFF0D)
TAB: Final = Key(15, 0xFF09)

_F1_TO_F10: Final = {f"f{n}": Key(58 + n, 0xFFBD + n) for n in range(1, 11)}
_KEYPAD_SCANCODES: Final = (82, 79, 80, 81, 75, 76, 77, 71, 72, 73)
_KEYPAD: Final = {
    f"kp_{digit}": Key(code, 0xFFB0 + digit) for digit, code in enumerate(_KEYPAD_SCANCODES)
}

MODIFIERS: Final = {
    "ctrl": Key(29, 0xFFE3),
    "ctrl_r": Key(29 | _EXTENDED, 0xFFE4),
    "alt": Key(56, 0xFFE9),
    "altgr": ALTGR,
    "shift": SHIFT,
    "shift_r": Key(54, 0xFFE2),
    "super": Key(91 | _EXTENDED, 0xFFEB),
    "super_r": Key(92 | _EXTENDED, 0xFFEC),
}

NAMED: Final = {
    **MODIFIERS,
    **_F1_TO_F10,
    **_KEYPAD,
    "f11": Key(87, 0xFFC8),
    "f12": Key(88, 0xFFC9),
    "enter": ENTER,
    "tab": TAB,
    "esc": Key(1, 0xFF1B),
    "backspace": Key(14, 0xFF08),
    "space": Key(57, 0x20),
    "insert": Key(82 | _EXTENDED, 0xFF63),
    "delete": Key(83 | _EXTENDED, 0xFFFF),
    "home": Key(71 | _EXTENDED, 0xFF50),
    "end": Key(79 | _EXTENDED, 0xFF57),
    "pageup": Key(73 | _EXTENDED, 0xFF55),
    "pagedown": Key(81 | _EXTENDED, 0xFF56),
    "up": Key(72 | _EXTENDED, 0xFF52),
    "down": Key(80 | _EXTENDED, 0xFF54),
    "left": Key(75 | _EXTENDED, 0xFF51),
    "right": Key(77 | _EXTENDED, 0xFF53),
    "menu": Key(93 | _EXTENDED, 0xFF67),
    "print": Key(84, 0xFF61),
    "pause": Key(0x46 | _EXTENDED, 0xFF13),
    "capslock": Key(58, 0xFFE5),
    "numlock": Key(69, 0xFF7F),
    "scrolllock": Key(70, 0xFF14),
    "kp_enter": Key(28 | _EXTENDED, 0xFF8D),
    "kp_add": Key(78, 0xFFAB),
    "kp_subtract": Key(74, 0xFFAD),
    "kp_multiply": Key(55, 0xFFAA),
    "kp_divide": Key(53 | _EXTENDED, 0xFFAF),
    "kp_decimal": Key(83, 0xFFAE),
}
"""The keys that have a name, in lower case."""

OTHER_NAMES: Final = {
    "control": "ctrl",
    "return": "enter",
    "escape": "esc",
    "del": "delete",
    "ins": "insert",
    "win": "super",
    "meta": "super",
    "page_up": "pageup",
    "page_down": "pagedown",
    "sysrq": "print",
    "plus": "+",
    "minus": "-",
}
"""Other names, and what they mean."""


def named(name: str) -> Key | None:
    """Return the key with a name, in letters of any case; None where there is none."""
    lower = name.lower()
    return NAMED.get(OTHER_NAMES.get(lower, lower))
