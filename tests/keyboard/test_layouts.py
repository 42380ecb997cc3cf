from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.keyboard import LAYOUTS, Key, LayoutLacks, load_layout

SHIFT, ALTGR = Key(42, 0xFFE1), Key(0xB8, 0xFE03)


class LayoutTests(SynchronousTestCase):
    def test_a_german_keyboard(self) -> None:
        german = load_layout("de")

        self.assertEqual(german.strokes("z"), [(Key(21, ord("z")),)])
        self.assertEqual(german.strokes("Y"), [(SHIFT, Key(44, ord("Y")))])
        self.assertEqual(german.strokes("@"), [(ALTGR, Key(16, ord("@")))])
        self.assertEqual(german.strokes("ß"), [(Key(12, 0xDF),)])

    def test_a_dead_key_comes_before_its_letter(self) -> None:
        circumflex, e, space = Key(41, 0xFE52), Key(18, ord("e")), Key(57, ord(" "))

        self.assertEqual(load_layout("de").strokes("ê"), [(circumflex,), (e,)])
        self.assertEqual(load_layout("de").strokes("^"), [(circumflex,), (space,)])

    def test_digits_of_a_french_keyboard_need_shift(self) -> None:
        self.assertEqual(
            load_layout("fr").strokes("1a"), [(SHIFT, Key(2, ord("1"))), (Key(16, ord("a")),)]
        )

    def test_keysyms_are_those_of_x_and_not_of_unicode(self) -> None:
        self.assertEqual(load_layout("ru").strokes("я"), [(Key(44, 0x6D1),)])

    def test_lines_end_with_enter_however_they_end(self) -> None:
        enter, tab = (Key(28, 0xFF0D),), (Key(15, 0xFF09),)

        self.assertEqual(load_layout("us").strokes("\r\n\n\r\t"), [enter, enter, enter, tab])

    def test_what_a_layout_lacks_is_named_once(self) -> None:
        with self.assertRaises(LayoutLacks) as caught:
            load_layout("us").strokes("aж\u2028жb")

        self.assertEqual(str(caught.exception), "the layout 'us' has no keys for 'ж', U+2028")

    def test_many_missing_characters_are_counted(self) -> None:
        with self.assertRaises(LayoutLacks) as caught:
            load_layout("us").strokes("абвгдежзийклм")

        self.assertTrue(str(caught.exception).endswith("'й', and 3 more"))

    def test_every_layout_but_the_russian_one_types_ascii(self) -> None:
        ascii_text = "".join(map(chr, range(32, 127)))
        for name in LAYOUTS:
            if name == "ru":
                continue
            self.assertGreaterEqual(len(load_layout(name).strokes(ascii_text)), 95, name)

    def test_there_are_the_commonest_twenty(self) -> None:
        self.assertGreaterEqual(len(LAYOUTS), 20)
        self.assertTrue({"us", "gb", "de", "fr", "es", "it", "jp", "ru"} <= {*LAYOUTS})

    def test_a_layout_that_there_is_not(self) -> None:
        for name in ("xx", "../keys", ""):
            self.assertRaises(KeyError, load_layout, name)
