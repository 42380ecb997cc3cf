"""Finds all texts in the sources, and brings the catalogues up to date: ``make languages``.

Texts are what HTML shows, and the sentences given to ``t`` and ``tn`` of the pages' modules, and
those of errors. A translation stays with its sentence; those of sentences that are gone are
removed. A new sentence is there with an empty translation.
"""

from __future__ import annotations

from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_file
from babel.messages.pofile import read_po, write_po

from .catalogues import FOLDER
from .markup import extract_html
from .reasons import all_reasons

ROOT: Final = Path(__file__).parents[2]
SOURCES: Final = "vncproxy/web/static"
REASONS: Final = "vncproxy/languages/reasons.py"
UNTRANSLATED: Final = (f"{SOURCES}/novnc/", f"{SOURCES}/dashboard/")
"""What is not ours, and the page of operators, which is in English."""

WIDTH: Final = 100
"""Columns of a catalogue; Babel breaks longer texts."""

KEYWORDS: Final[dict[str, Any]] = {"t": None, "tn": (1, 2)}
"""The functions of ``web/static/texts/texts.js`` whose arguments are texts."""


def template() -> Catalog:
    """Return all texts of the sources, without translations."""
    found = Catalog()
    for name, text in _texts():
        found.add(text, locations=[(name, 0)])
    return found


def up_to_date(content: bytes, texts: Catalog) -> bytes:
    """Return a catalogue with exactly the texts of the sources, and the translations it has.

    Its header, which ends at the first blank line, stays as it is.
    """
    catalogue = read_po(BytesIO(content))
    catalogue.update(texts, no_fuzzy_matching=True, keep_user_comments=True)
    catalogue.obsolete.clear()
    header, _, _ = content.partition(b"\n\n")
    return header.rstrip() + b"\n\n" + _written(catalogue)


def update_all() -> None:
    """Bring every catalogue up to date."""
    texts = template()
    for path in sorted(FOLDER.glob("*.po")):
        path.write_bytes(up_to_date(path.read_bytes(), texts))


def _written(catalogue: Catalog) -> bytes:
    file = BytesIO()
    write_po(file, catalogue, width=WIDTH, omit_header=True, include_lineno=False)
    return file.getvalue().rstrip() + b"\n"


def _texts() -> Iterator[tuple[str, Any]]:
    """Yield the name of a source, relative to the repository, and a text of it."""
    yield from ((REASONS, reason) for reason in all_reasons())
    for path in sorted((ROOT / SOURCES).rglob("*")):
        name = path.relative_to(ROOT).as_posix()
        if name.startswith(UNTRANSLATED) or path.suffix not in (".html", ".js"):
            continue
        method: Any = extract_html if path.suffix == ".html" else "javascript"
        for _, text, _, _ in extract_from_file(method, path, keywords=KEYWORDS):
            yield name, text


if __name__ == "__main__":
    update_all()
