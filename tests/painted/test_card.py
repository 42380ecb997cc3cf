from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.painted.card import COLUMNS, HEIGHT, ROWS, WIDTH, Button, Card
from vncproxy.painted.wrapping import plain, wrapped


class WrappingTests(SynchronousTestCase):
    def test_letters_without_accents_stand_for_those_with(self) -> None:
        self.assertEqual(
            plain("Zürich, café \u2013 \u201eso\u201c\u2026"), 'Zurich, cafe - "so"...'
        )

    def test_lines_are_kept_and_long_ones_broken(self) -> None:
        self.assertEqual(wrapped("a b\n\nlong word", 5), ["a b", "", "long", "word"])
        self.assertEqual(wrapped("x" * 12, 5), ["xxxxx", "xxxxx", "xx"])

    def test_nothing_is_no_line(self) -> None:
        self.assertEqual(wrapped("", 5), [])


class CardTests(SynchronousTestCase):
    def test_it_is_painted_in_its_size(self) -> None:
        canvas = Card("Heading", "text " * 2000, "note", (Button("Yes", primary=True),)).paint(3)
        self.assertEqual(canvas.area, (0, 0, WIDTH, HEIGHT))

    def test_a_text_that_fits_does_not_scroll(self) -> None:
        self.assertEqual(Card("h", "\n".join(["x"] * ROWS)).last_row, 0)
        self.assertEqual(Card("h", "\n".join(["x"] * (ROWS + 2))).last_row, 2)

    def test_no_line_is_wider_than_the_screen(self) -> None:
        self.assertLessEqual(max(map(len, Card("h", "word " * 500).lines)), COLUMNS)

    def test_buttons_are_found_by_their_places(self) -> None:
        yes, no = Button("Yes"), Button("No")
        card = Card("h", buttons=(yes, no))
        found = {card.button_at(x, HEIGHT - 60) for x in range(WIDTH)}
        self.assertEqual(found, {None, yes, no})
        self.assertIsNone(card.button_at(50, 10))
