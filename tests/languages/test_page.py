"""A catalogue as JSON, for the pages."""

from __future__ import annotations

import json

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.languages.page import language_of, page_catalogue


class PageCatalogueTests(SynchronousTestCase):
    def test_texts_and_forms(self) -> None:
        content = json.loads(page_catalogue("de"))
        self.assertEqual(content["texts"]["Clipboard"], "Zwischenablage")
        self.assertEqual(content["texts"]["{count} minute"], ["{count} Minute", "{count} Minuten"])
        self.assertEqual(content["forms"], {"one": 0, "other": 1})

    def test_files_of_languages(self) -> None:
        self.assertEqual(language_of("languages/de.json"), "de")
        for path in ("languages/de.po", "languages/a/de.json", "de.json", "keys/languages/de.json"):
            self.assertIsNone(language_of(path), path)
