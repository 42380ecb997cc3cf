"""Makes the keyboard layouts of `vncproxy/keyboard/layouts` from xkeyboard-config.

Usage: ``python tools/make_layouts.py [FOLDER]``. It needs libxkbcommon and Debian's ``xkb-data``.
Each file says by which strokes a layout types a character; docs/api.md lists the layouts.
"""

from __future__ import annotations

import ctypes
import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

FOLDER: Final = Path(__file__).parents[1] / "vncproxy/keyboard/layouts"

LAYOUTS: Final = {
    "us": ("us", "", "English (US)"),
    "us-intl": ("us", "intl", "English (US, international, with dead keys)"),
    "gb": ("gb", "", "English (UK)"),
    "de": ("de", "", "German"),
    "ch": ("ch", "", "German (Switzerland)"),
    "ch-fr": ("ch", "fr", "French (Switzerland)"),
    "fr": ("fr", "", "French"),
    "be": ("be", "", "Belgian"),
    "ca": ("ca", "", "French (Canada)"),
    "es": ("es", "", "Spanish"),
    "latam": ("latam", "", "Spanish (Latin America)"),
    "pt": ("pt", "", "Portuguese"),
    "br": ("br", "", "Portuguese (Brazil)"),
    "it": ("it", "", "Italian"),
    "dk": ("dk", "", "Danish"),
    "no": ("no", "", "Norwegian"),
    "se": ("se", "", "Swedish"),
    "fi": ("fi", "", "Finnish"),
    "pl": ("pl", "", "Polish"),
    "cz": ("cz", "", "Czech"),
    "hu": ("hu", "", "Hungarian"),
    "tr": ("tr", "", "Turkish"),
    "ru": ("ru", "", "Russian"),
    "jp": ("jp", "", "Japanese"),
}
"""Our name of each: layout and variant of xkeyboard-config, and its name in words."""

SCANCODES: Final = {
    **{code: code for code in (*range(2, 14), *range(16, 28), *range(30, 42), *range(43, 54))},
    57: 57,
    86: 86,
    89: 0x73,
    124: 0x7D,
}
"""Scan codes (set 1) of the keys that type, by their number in Linux."""

SHIFT, ALTGR = 1, 2

COMBINING: Final = {
    "dead_grave": "\u0300",
    "dead_acute": "\u0301",
    "dead_circumflex": "\u0302",
    "dead_tilde": "\u0303",
    "dead_macron": "\u0304",
    "dead_breve": "\u0306",
    "dead_abovedot": "\u0307",
    "dead_diaeresis": "\u0308",
    "dead_abovering": "\u030a",
    "dead_doubleacute": "\u030b",
    "dead_caron": "\u030c",
    "dead_cedilla": "\u0327",
    "dead_ogonek": "\u0328",
}

ALONE: Final = {"dead_grave": "`", "dead_circumflex": "^", "dead_tilde": "~"}
"""What a dead key and the space bar type, where all systems agree."""

Stroke = tuple[int, int, int]
"""Scan code, modifiers, keysym."""


class _Names(ctypes.Structure):
    _fields_ = tuple(
        (name, ctypes.c_char_p) for name in ("rules", "model", "layout", "variant", "options")
    )


class Keymap:
    """A layout as libxkbcommon compiles it."""

    def __init__(self, layout: str, variant: str) -> None:
        self._xkb: Any = ctypes.CDLL("libxkbcommon.so.0")
        for name in ("xkb_context_new", "xkb_keymap_new_from_names"):
            getattr(self._xkb, name).restype = ctypes.c_void_p
        context = ctypes.c_void_p(self._xkb.xkb_context_new(0))
        names = _Names(b"evdev", b"pc105", layout.encode(), variant.encode(), b"")
        made = self._xkb.xkb_keymap_new_from_names(context, ctypes.byref(names), 0)
        if not made:
            raise SystemExit(f"no layout {layout} {variant}")
        self._map = ctypes.c_void_p(made)
        self._modifiers = {
            1 << self._xkb.xkb_keymap_mod_get_index(self._map, b"Shift"): SHIFT,
            1 << self._xkb.xkb_keymap_mod_get_index(self._map, b"Mod5"): ALTGR,
        }

    def strokes(self) -> Iterator[tuple[Stroke, str, str]]:
        """Yield each stroke, with its character and its name; the simplest ones first."""
        found = [
            (stroke, *self._meaning(stroke[2]))
            for code, scancode in SCANCODES.items()
            for stroke in self._of_key(code + 8, scancode)
        ]
        yield from sorted(found, key=lambda each: (each[0][1].bit_count(), each[0][:2]))

    def _of_key(self, key: int, scancode: int) -> Iterator[Stroke]:
        for level in range(self._xkb.xkb_keymap_num_levels_for_key(self._map, key, 0)):
            symbols = ctypes.POINTER(ctypes.c_uint32)()
            count = self._xkb.xkb_keymap_key_get_syms_by_level(
                self._map, key, 0, level, ctypes.byref(symbols)
            )
            modifiers = self._of_level(key, level)
            if count == 1 and modifiers is not None:
                yield scancode, modifiers, symbols[0]

    def _of_level(self, key: int, level: int) -> int | None:
        """Return the modifiers of a level; None where Shift and AltGr do not lead to it."""
        masks = (ctypes.c_uint32 * 32)()
        count = self._xkb.xkb_keymap_key_get_mods_for_level(self._map, key, 0, level, masks, 32)
        known = 0
        for mask in self._modifiers:
            known |= mask
        ways = [mask for mask in masks[:count] if not mask & ~known]
        if not ways:
            return None
        best = min(ways, key=int.bit_count)
        return sum(value for mask, value in self._modifiers.items() if best & mask)

    def _meaning(self, keysym: int) -> tuple[str, str]:
        name = ctypes.create_string_buffer(64)
        self._xkb.xkb_keysym_get_name(keysym, name, 64)
        code = self._xkb.xkb_keysym_to_utf32(keysym)
        return (chr(code) if code >= 32 else ""), name.value.decode()


def characters(keymap: Keymap) -> dict[str, list[Stroke]]:
    """Return the strokes of each character, those with a dead key included."""
    direct: dict[str, list[Stroke]] = {}
    dead: dict[str, Stroke] = {}
    for stroke, character, name in keymap.strokes():
        if name.startswith("dead_"):
            dead.setdefault(name, stroke)
        elif character:
            direct.setdefault(character, [stroke])
    found = dict(direct)
    for name, stroke in dead.items():
        for base, strokes in direct.items():
            composed = unicodedata.normalize("NFC", base + COMBINING.get(name, ""))
            if name in COMBINING and len(composed) == 1 and base.isalpha():
                found.setdefault(composed, [stroke, *strokes])
        if name in ALONE and " " in direct:
            found.setdefault(ALONE[name], [stroke, *direct[" "]])
    return dict(sorted(found.items()))


def text_of(name: str) -> str:
    """Return the file of a layout: one character a line."""
    layout, variant, title = LAYOUTS[name]
    lines = ",\n".join(
        f"    {json.dumps(character, ensure_ascii=False)}: {json.dumps(strokes)}"
        for character, strokes in characters(Keymap(layout, variant)).items()
    )
    return f'{{\n  "title": {json.dumps(title)},\n  "characters": {{\n{lines}\n  }}\n}}\n'


def main(folder: Path = FOLDER) -> None:
    """Write all layouts."""
    for name in LAYOUTS:
        (folder / f"{name}.json").write_text(text_of(name), "utf-8")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:2]))
