"""The texts of HTML, as the pages find them to translate them (``web/static/texts/markup.js``).

They are the text nodes and some attributes that have a word, with white space as one space each;
elements with ``translate="no"`` have none, and neither has code.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from html.parser import HTMLParser
from typing import Any, BinaryIO, Final

ATTRIBUTES: Final = ("title", "aria-label", "placeholder")

_WITHOUT_TEXT: Final = {"script", "style", "code"}
_WITHOUT_END: Final = {"br", "hr", "img", "input", "link", "meta", "path", "use"}
_WORD: Final = re.compile(r"[^\W\d_]{2}")


def extract_html(
    file: BinaryIO, keywords: Any, comment_tags: Any, options: Any
) -> Iterable[tuple[int, None, str, list[str]]]:
    """Yield the texts of a page, in the form of Babel's methods of extraction."""
    for line, text in texts_of(file.read().decode()):
        yield line, None, text, []


def texts_of(html: str) -> list[tuple[int, str]]:
    """Return the texts of a page, each with its line."""
    parser = _Texts()
    parser.feed(html)
    parser.close()
    return parser.found


class _Texts(HTMLParser):
    """Collects texts outside of elements that have none to translate."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[int, str]] = []
        self._open: list[tuple[str, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        skips = self._skips or given.get("translate") == "no" or tag in _WITHOUT_TEXT
        if not skips:
            self._add(given.get(name) for name in ATTRIBUTES)
        if tag not in _WITHOUT_END:
            self._open.append((tag, skips))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if any(name == tag for name, _ in self._open):
            while self._open.pop()[0] != tag:
                pass

    def handle_data(self, data: str) -> None:
        if not self._skips:
            self._add([data])

    @property
    def _skips(self) -> bool:
        return bool(self._open) and self._open[-1][1]

    def _add(self, texts: Iterable[str | None] | Iterator[str | None]) -> None:
        for text in texts:
            words = " ".join((text or "").split())
            if _WORD.search(words):
                self.found.append((self.getpos()[0], words))
