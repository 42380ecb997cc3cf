"""The texts of HTML."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.languages.markup import texts_of


class TextsOfTests(SynchronousTestCase):
    def test_text_nodes_and_attributes(self) -> None:
        html = '<p title="A tip">Two\n  words <b aria-label="Bold">here</b></p>'
        html += '<input placeholder="Name">'
        self.assertEqual(
            [text for _, text in texts_of(html)], ["A tip", "Two words", "Bold", "here", "Name"]
        )

    def test_what_has_no_word_is_none(self) -> None:
        self.assertEqual(texts_of("<b>100%</b><i>T</i><kbd>⌫</kbd><br>"), [])

    def test_what_is_not_to_be_translated(self) -> None:
        html = '<p translate="no" title="a tip">some <b>text</b></p><code>some code</code>'
        self.assertEqual(texts_of(html + "<script>let it</script><style>b { }</style>"), [])

    def test_lines(self) -> None:
        self.assertEqual(texts_of("<p>\n</p>\n<p>words</p>"), [(3, "words")])
