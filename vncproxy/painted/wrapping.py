"""Text in the characters of the bitmap font, in lines of a width."""

from __future__ import annotations

import textwrap
import unicodedata

_SIMILAR = str.maketrans(
    {
        **dict.fromkeys("\u2018\u2019\u201a\u2032", "'"),
        **dict.fromkeys("\u201c\u201d\u201e\u00ab\u00bb\u2033", '"'),
        **dict.fromkeys("\u2010\u2011\u2012\u2013\u2014\u2212", "-"),
        "\u2026": "...",
        "\u2022": "*",
        "\u00df": "ss",
        "\u00e6": "ae",
        "\u00c6": "AE",
        "\u00f8": "o",
        "\u00d8": "O",
        "\u0153": "oe",
        "\u0142": "l",
        "\u0141": "L",
        "\u20ac": "EUR",
        "\t": "    ",
    }
)


def plain(text: str) -> str:
    """Return text with letters of the font in the place of those with accents, and the like.

    Others stay, and are painted as a box.
    """
    parts = unicodedata.normalize("NFKD", text.translate(_SIMILAR))
    return "".join(each for each in parts if not unicodedata.combining(each))


def wrapped(text: str, columns: int) -> list[str]:
    """Return the lines of a text; its own line breaks are kept, and words too long are cut."""
    lines: list[str] = []
    for line in plain(text).splitlines():
        lines += textwrap.wrap(line, columns, drop_whitespace=True) or [""]
    return lines
