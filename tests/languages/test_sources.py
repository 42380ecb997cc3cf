"""What users see in the sources of the pages: all of it is found, and can be translated."""

from __future__ import annotations

import re
from collections.abc import Iterator

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.languages.catalogues import LANGUAGES
from vncproxy.languages.extraction import template
from vncproxy.web import STATIC

CALL = re.compile(r"\bt\(\s*((?:\"[^\"]*\"(?:\s*\+\s*)?)+)|\btn\(\s*(\"[^\"]*\"),\s*\"[^\"]*\"")
LITERAL = r'"(?:\\.|[^"\\\n])*"|`(?:\\.|[^`\\])*`'
TOKEN = re.compile(rf"/\*.*?\*/|//[^\n]*|({LITERAL})", re.DOTALL)
SENTENCE = re.compile(r"[A-Z][a-z']+(?: .*|[^a-zA-Z]*[.…!?])$", re.DOTALL)
SHOWN = re.compile(
    r"\b(?:textContent|title|ariaLabel|placeholder|label)\s*(?:=|:)\s*[^;\n]*?([\"`][A-Z][a-z]+[^\"`]*)"
)

NOT_SHOWN = re.compile(r"Bearer |(?:Scroll|Num|Caps) Lock|Page (?:Up|Down)")
"""Headers, and names of keys that a recording shows as they are printed on a keyboard."""


def modules() -> Iterator[tuple[str, str]]:
    """Yield the name and the source of each module of the pages for users."""
    for path in sorted(STATIC.rglob("*.js")):
        name = path.relative_to(STATIC).as_posix()
        if not name.startswith(("novnc/", "dashboard/")):
            yield name, path.read_text()


class MarkedTests(SynchronousTestCase):
    def test_every_sentence_of_a_module_goes_through_t(self) -> None:
        found = {name: list(_unmarked(source)) for name, source in modules()}
        self.assertEqual({name: texts for name, texts in found.items() if texts}, {})

    def test_what_is_assigned_to_the_page_goes_through_t(self) -> None:
        found = {name: SHOWN.findall(_without_calls(source)) for name, source in modules()}
        self.assertEqual({name: texts for name, texts in found.items() if texts}, {})

    def test_every_call_of_t_has_a_literal_that_is_found(self) -> None:
        known = {m.id[0] if m.pluralizable else m.id for m in template()}
        for name, source in modules():
            for one, plural in CALL.findall(_without_comments(source)):
                text = "".join(re.findall(r'"([^"]*)"', one or plural))
                self.assertIn(text, known, name)

    def test_the_check_finds_what_is_not_marked(self) -> None:
        for source in ('show("No way.")', "x = `Copied ${n} texts`", 'a ? t("A b") : "Other text"'):
            self.assertNotEqual(list(_unmarked(source)), [], source)
        for source in ('t("No way.")', '// "No way."', 'press("ctrl alt delete")'):
            self.assertEqual(list(_unmarked(source)), [], source)


class LanguagesOfPagesTests(SynchronousTestCase):
    def test_pages_offer_the_languages_that_have_a_catalogue(self) -> None:
        source = (STATIC / "texts/language.js").read_text()
        table = source.partition("LANGUAGES = {")[2].partition("}")[0]
        self.assertEqual(set(re.findall(r"(\w+): ", table)), set(LANGUAGES))


def _unmarked(source: str) -> Iterator[str]:
    for literal in re.findall(LITERAL, _without_calls(source)):
        text = literal[1:-1]
        if SENTENCE.match(text) and not NOT_SHOWN.match(text):
            yield text


def _without_calls(source: str) -> str:
    return CALL.sub("t(", _without_comments(source))


def _without_comments(source: str) -> str:
    return TOKEN.sub(lambda found: found[1] or "", source)
