"""A catalogue as JSON, for the pages."""

from __future__ import annotations

import json
from gettext import c2py
from pathlib import PurePath
from typing import Final

from babel import Locale
from babel.messages.catalog import Catalog

from .catalogues import catalogue

PAGES: Final = "vncproxy/web/"
"""Where the sources of the pages are, as in the catalogues' references."""

_SAMPLE: Final = (*range(201), 1_000_000, 0.5)
"""Numbers that show which forms a language has, by all rules of the CLDR."""


def page_catalogue(language: str) -> bytes:
    """Return what a page needs to speak a language other than English.

    The members of the JSON are ``texts``, which has the translation of each text, a list of forms
    where it has a number, and ``forms``: from a category of plurals, as ``Intl.PluralRules`` names
    it, to the place in the list.
    """
    texts = {
        message.id[0] if message.pluralizable else message.id: message.string
        for message in catalogue(language)
        if message.id
        and any(message.string or ())
        and any(name.startswith(PAGES) for name, _ in message.locations)
    }
    answer = {"forms": _forms(language, catalogue(language)), "texts": texts}
    return json.dumps(answer, ensure_ascii=False, separators=(",", ":")).encode()


def language_of(path: str) -> str | None:
    """Return the language of a file ``languages/LANGUAGE.json``; None for other files."""
    file = PurePath(path)
    return file.stem if str(file.parent) == "languages" and file.suffix == ".json" else None


def _forms(language: str, texts: Catalog) -> dict[str, int]:
    """Return by which place in a list of forms a language says numbers of a category."""
    category, place = Locale.parse(language).plural_form, c2py(texts.plural_expr)
    return {category(number): place(int(number)) for number in reversed(_SAMPLE)}
