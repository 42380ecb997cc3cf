"""Reasons in the language of a browser's user."""

from __future__ import annotations

from tests.doubles.users import upgrade
from tests.doubles.websocket_users import OWN, WebSocketTestCase
from vncproxy.languages.catalogues import translated

LINK_GONE = "This console link is not valid any more. Ask for a new one."


class LanguageTests(WebSocketTestCase):
    def told(self, query: str, *headers: str) -> str:
        """Return why an unknown token is refused, as RFB says it; the close frame says the same."""
        self.browse(upgrade(f"/websockify?token=unknown{query}", "Origin: " + OWN, *headers), "x")
        in_rfb, code, in_frame = self.reason()
        self.assertEqual((code, in_frame), (4001, in_rfb))
        sentence, _, log_id = in_rfb.partition(" (id ")
        self.assertRegex(log_id, r"^[0-9a-f]{16}\)$")
        return sentence

    def test_the_page_names_its_language(self) -> None:
        german = translated(LINK_GONE, "de")
        self.assertNotEqual(german, LINK_GONE)
        self.assertEqual(self.told("&lang=de", "Accept-Language: fr"), german)

    def test_a_browser_accepts_languages(self) -> None:
        self.assertEqual(
            self.told("", "Accept-Language: xx, fr-CH;q=0.9, en;q=0.8"), translated(LINK_GONE, "fr")
        )

    def test_programs_that_name_none_are_told_in_english(self) -> None:
        self.assertEqual(self.told(""), LINK_GONE)

    def test_a_header_that_is_none_changes_nothing(self) -> None:
        self.assertEqual(self.told("&lang=%00../de", "Accept-Language: ;;q=,de;q=x"), LINK_GONE)
