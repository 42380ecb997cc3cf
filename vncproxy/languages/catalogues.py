"""Reads the catalogues: a text in a language, plurals included."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Final

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

FOLDER: Final = Path(__file__).parent

ENGLISH: Final = "en"
"""The language of the keys, which has no file."""

LANGUAGES: Final = (ENGLISH, *sorted(path.stem for path in FOLDER.glob("*.po")))
"""All languages, as in ``lang`` of a link: ``en``, ``de``."""


@lru_cache(maxsize=len(LANGUAGES))
def catalogue(language: str) -> Catalog:
    """Return the catalogue of a language other than English; it is read once, in some 50 ms."""
    with (FOLDER / f"{language}.po").open("rb") as file:
        return read_po(file, locale=language)


def translated(text: str, language: str) -> str:
    """Return a text in a language: itself where it has no translation there."""
    if language == ENGLISH or language not in LANGUAGES:
        return text
    message = catalogue(language).get(text)
    return str(message.string or text) if message else text
