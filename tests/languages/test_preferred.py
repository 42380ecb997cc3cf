"""The language that a request asks for."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.languages.preferred import preferred


class PreferredTests(SynchronousTestCase):
    def test_a_link_names_one(self) -> None:
        for named in ("de", "de-AT", "DE", "de_CH"):
            self.assertEqual(preferred(named, "en"), "de", named)

    def test_a_browser_accepts_several(self) -> None:
        for header in ("de-DE,de;q=0.9,en;q=0.8", "en;q=0.5, de;q=0.7", "xx, de;q=0.1", "*, de"):
            self.assertEqual(preferred("", header), "de", header)

    def test_the_first_of_those_that_are_accepted_alike(self) -> None:
        self.assertEqual(preferred("", "en, de"), "en")
        self.assertEqual(preferred("", "de, en"), "de")

    def test_one_that_is_not_accepted_is_none(self) -> None:
        self.assertEqual(preferred("", "de;q=0"), "en")

    def test_what_is_no_language_is_english(self) -> None:
        for header in ("", "xx", "de;q=nan", "de;q=9", ",,;;==", "de" * 5000, "\u0000de", "../de"):
            self.assertEqual(preferred("", header), "en", header)
        self.assertEqual(preferred("xx", "de"), "de")
