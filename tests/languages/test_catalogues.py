"""The catalogues: complete, without leftovers, with the placeholders of their sources."""

from __future__ import annotations

import re
from collections.abc import Iterator

from babel import Locale
from babel.messages.catalog import Message
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.languages.catalogues import ENGLISH, LANGUAGES, catalogue, translated
from vncproxy.languages.extraction import template, up_to_date

OTHERS = [language for language in LANGUAGES if language != ENGLISH]
COUNT = "{count}"


class CompleteTests(SynchronousTestCase):
    maxDiff = None

    def test_each_has_all_texts_of_the_sources_and_no_others(self) -> None:
        wanted = {message.id for message in template() if message.id}
        for language in OTHERS:
            has = {message.id for message in _messages(language)}
            self.assertEqual(has - wanted, set(), f"{language}: not used; make languages")
            self.assertEqual(wanted - has, set(), f"{language}: not there; make languages")

    def test_no_translation_is_missing_or_uncertain(self) -> None:
        for language in OTHERS:
            missing = {m.id for m in _messages(language) if not all(_forms(m)) or m.fuzzy}
            self.assertEqual(missing, set(), language)
            self.assertEqual(catalogue(language).obsolete, {}, language)

    def test_translations_have_the_placeholders_of_their_texts(self) -> None:
        for language in OTHERS:
            wrong = {m.id: m.string for m in _messages(language) if not _fits(m)}
            self.assertEqual(wrong, {}, language)

    def test_translations_have_no_white_space_around_them(self) -> None:
        for language in OTHERS:
            wrong = [f for m in _messages(language) for f in _forms(m) if f != f.strip()]
            self.assertEqual(wrong, [], language)

    def test_each_has_the_forms_of_plurals_of_its_language(self) -> None:
        for language in OTHERS:
            forms = catalogue(language).num_plurals
            wrong = [
                m.id for m in _messages(language) if m.pluralizable and len(_forms(m)) != forms
            ]
            self.assertEqual(wrong, [], language)
            self.assertEqual(catalogue(language).locale, Locale.parse(language))


class TranslatedTests(SynchronousTestCase):
    def test_a_text_in_german(self) -> None:
        self.assertEqual(translated("Clipboard", "de"), "Zwischenablage")

    def test_english_and_what_has_no_translation_stay(self) -> None:
        for text, language in (("Clipboard", "en"), ("Clipboard", "xx"), ("no such text", "de")):
            self.assertEqual(translated(text, language), text)


class UpToDateTests(SynchronousTestCase):
    HEADER = b'# A translator.\nmsgid ""\nmsgstr ""\n"Language: de\\n"\n'

    def test_bringing_a_catalogue_up_to_date_twice_changes_nothing(self) -> None:
        once = up_to_date(self.HEADER, template())
        self.assertEqual(up_to_date(once, template()), once)
        self.assertTrue(once.startswith(self.HEADER + b"\n"))

    def test_translations_stay_and_those_of_texts_that_are_gone_go(self) -> None:
        old = b'\nmsgid "Clipboard"\nmsgstr "Ablage"\n\nmsgid "Gone"\nmsgstr "Weg"\n'
        new = up_to_date(self.HEADER + old, template()).decode()
        self.assertIn('msgid "Clipboard"\nmsgstr "Ablage"\n', new)
        self.assertNotIn("Weg", new)


def _messages(language: str) -> Iterator[Message]:
    return (message for message in catalogue(language) if message.id)


def _forms(message: Message) -> tuple[str, ...]:
    string = message.string
    return (string or "",) if isinstance(string, str | None) else tuple(string)


def _fits(message: Message) -> bool:
    """Tell whether forms have all placeholders; a form for one number may do without it."""
    sources = (message.id,) if isinstance(message.id, str) else message.id
    wanted = {name for source in sources for name in _placeholders(source)}
    optional = {COUNT} if message.pluralizable else set()
    return all(wanted - optional <= _placeholders(form) <= wanted for form in _forms(message))


def _placeholders(text: str) -> set[str]:
    return set(re.findall(r"\{\w*\}", text))
