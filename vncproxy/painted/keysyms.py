"""Names and characters of keys (X11 keysyms, RFC 6143 section 7.5.4)."""

from __future__ import annotations

RETURN, KEYPAD_ENTER, BACKSPACE, ESCAPE = 0xFF0D, 0xFF8D, 0xFF08, 0xFF1B
MODIFIERS = frozenset([*range(0xFFE1, 0xFFEF), 0xFE03])
"""Shift, Control, Lock, Meta, Alt, Super and Hyper on both sides, and AltGr."""

_UNICODE = 0x1000000
_KEYPAD = range(0xFFAA, 0xFFBA)
_FUNCTION_KEYS = range(0xFFBE, 0xFFD6)
_NAMES = {
    0x20: "space",
    BACKSPACE: "BackSpace",
    0xFF09: "Tab",
    RETURN: "Return",
    0xFF13: "Pause",
    0xFF14: "Scroll_Lock",
    0xFF15: "Sys_Req",
    ESCAPE: "Escape",
    0xFF50: "Home",
    0xFF51: "Left",
    0xFF52: "Up",
    0xFF53: "Right",
    0xFF54: "Down",
    0xFF55: "Page_Up",
    0xFF56: "Page_Down",
    0xFF57: "End",
    0xFF61: "Print",
    0xFF63: "Insert",
    0xFF67: "Menu",
    0xFF7F: "Num_Lock",
    KEYPAD_ENTER: "KP_Enter",
    0xFE03: "AltGr",
    0xFFE1: "Shift_L",
    0xFFE2: "Shift_R",
    0xFFE3: "Control_L",
    0xFFE4: "Control_R",
    0xFFE5: "Caps_Lock",
    0xFFE6: "Shift_Lock",
    0xFFE7: "Meta_L",
    0xFFE8: "Meta_R",
    0xFFE9: "Alt_L",
    0xFFEA: "Alt_R",
    0xFFEB: "Super_L",
    0xFFEC: "Super_R",
    0xFFED: "Hyper_L",
    0xFFEE: "Hyper_R",
    0xFFFF: "Delete",
}


def name(keysym: int) -> str:
    """Return the name of a key, or its number where it has none."""
    if keysym in _NAMES:
        return _NAMES[keysym]
    if keysym in _FUNCTION_KEYS:
        return f"F{keysym - _FUNCTION_KEYS.start + 1}"
    if keysym in _KEYPAD:
        return f"KP {character(keysym)}"
    return character(keysym) or f"key 0x{keysym:x}"


def character(keysym: int) -> str:
    """Return the character that a key types, or nothing."""
    if keysym in _KEYPAD:
        return chr(keysym - 0xFF80)
    code = keysym - _UNICODE if keysym >= _UNICODE else keysym
    latin = code in range(0x20, 0x7F) or code in range(0xA0, 0x100)
    beyond = keysym >= _UNICODE and code in range(0x100, 0x110000) and not 0xD800 <= code < 0xE000
    return chr(code) if latin or beyond else ""
