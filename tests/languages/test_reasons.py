"""Reasons of the proxy in other languages."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import (
    ConsoleUnavailable,
    EndedByAdministrator,
    HypervisorError,
    SessionEnded,
    TokenUsed,
    ZoneUnreachable,
)
from vncproxy.languages.catalogues import LANGUAGES
from vncproxy.languages.reasons import in_language, speaker

CLOSE_REASON_LIMIT = 123
"""Bytes of the reason of a close frame (RFC 6455 section 5.5)."""


class InLanguageTests(SynchronousTestCase):
    def test_a_sentence_of_a_class(self) -> None:
        sentence = TokenUsed().sentence("7f3a", say=speaker("de"))
        self.assertEqual(
            sentence,
            "Dieser Konsolen-Link ist nicht mehr gültig. Lassen Sie sich einen neuen geben."
            " (id 7f3a)",
        )

    def test_a_sentence_that_sends_to_the_administrator(self) -> None:
        sentence = HypervisorError().sentence("7f3a", say=speaker("de"))
        self.assertTrue(
            sentence.endswith(" Fragen Sie Ihren Administrator, Kennung 7f3a."), sentence
        )

    def test_values_stay_and_words_among_them_are_translated(self) -> None:
        self.assertEqual(
            ConsoleUnavailable("shut off").sentence(say=speaker("de")),
            "Die virtuelle Maschine ist ausgeschaltet.",
        )
        self.assertEqual(
            ConsoleUnavailable("orphaned").sentence(say=speaker("de")),
            "Die virtuelle Maschine ist orphaned.",
        )
        self.assertEqual(
            ZoneUnreachable(zone="{north}").sentence(say=speaker("de")),
            "Die Zone {north} ist nicht erreichbar.",
        )

    def test_other_texts_stay(self) -> None:
        for text in ("", "a reason of a server", "{name} {0}", "x" * 100_000):
            self.assertEqual(in_language(text, "de"), text)

    def test_english_stays(self) -> None:
        self.assertEqual(TokenUsed().sentence(say=speaker("en")), TokenUsed().sentence())


class CloseFrameTests(SynchronousTestCase):
    def test_the_ends_of_sessions_fit_a_close_frame_in_every_language(self) -> None:
        for language in LANGUAGES:
            for kind in _all(SessionEnded):
                sentence = kind().sentence(say=speaker(language))
                self.assertLessEqual(len(sentence.encode()), CLOSE_REASON_LIMIT, sentence)

    def test_what_does_not_fit_is_cut_between_characters_and_the_id_is_not(self) -> None:
        sentence = EndedByAdministrator().sentence("7f3a", 30, say=lambda text: "終" * 100)
        self.assertEqual(sentence, "終" * 6 + " (id 7f3a)")


def _all(kind: type[SessionEnded]) -> list[type[SessionEnded]]:
    below = [each for child in kind.__subclasses__() for each in _all(child)]
    return [kind, *below] if kind.__module__.startswith("vncproxy.errors") else below
