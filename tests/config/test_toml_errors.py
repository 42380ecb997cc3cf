"""Common mistakes in TOML, and how the errors explain them."""

from __future__ import annotations

import tomllib

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.config.toml_errors import explain


class TOMLMistakesTests(SynchronousTestCase):
    def said(self, text: str) -> str:
        with self.assertRaises(tomllib.TOMLDecodeError) as caught:
            tomllib.loads(text)
        return explain(caught.exception, text)

    def test_text_without_quotes(self) -> None:
        self.assertEqual(
            self.said("[tokens]\nstore = redis\n"),
            'Invalid value (at line 2, column 9); text needs quotes, as in store = "…"',
        )

    def test_names_paths_addresses_hashes_and_times_without_quotes(self) -> None:
        for value in (
            "redis.example.com",
            "/etc/vncproxy/pw",
            "10.0.0.5",
            "10.0.0.0/8",
            "sha256:00ff",
            "10s",
            "*",
            "https://example.com/",
            "{ file = /etc/pw }",
            "[issue, read]",
            "[10.0.0.0/8]",
        ):
            said = self.said(f"key = {value}\n")
            self.assertTrue(said.endswith('text needs quotes, as in key = "…"'), said)

    def test_list_over_several_lines(self) -> None:
        said = self.said("scopes = [\n  issue,\n]\n")
        self.assertIn("line 2", said)
        self.assertTrue(said.endswith('text needs quotes, as in key = "…"'), said)

    def test_switches(self) -> None:
        for value in ("True", "FALSE", "yes", "off"):
            said = self.said(f"tls = {value}\n")
            self.assertIn("a switch is true or false, in small letters", said)

    def test_value_is_not_shown(self) -> None:
        self.assertNotIn("hunter2", self.said("password = hunter2\n"))

    def test_what_is_wrong_in_another_way_is_told_as_the_parser_does(self) -> None:
        for text in ("a =\n", 'a = "x', "a b = 1", "[x\na = 1", 'a = "x" y'):
            self.assertNotIn(";", self.said(text))
