from __future__ import annotations

import contextlib

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.keyboard import Key, Pause, Press, Script, load_layout, read_chord

US = load_layout("us")
CTRL, ALT, SHIFT = Key(29, 0xFFE3), Key(56, 0xFFE9), Key(42, 0xFFE1)
PLUS = (SHIFT, Key(13, ord("+")))


class ChordTests(SynchronousTestCase):
    def test_names_in_any_case(self) -> None:
        delete = Key(0xD3, 0xFFFF)

        self.assertEqual(read_chord("Ctrl+ALT+Delete", US), (CTRL, ALT, delete))
        self.assertEqual(read_chord("control+alt+del", US), (CTRL, ALT, delete))

    def test_a_character_has_the_keys_of_the_layout(self) -> None:
        self.assertEqual(read_chord("ctrl+z", load_layout("de")), (CTRL, Key(21, ord("z"))))
        self.assertEqual(read_chord("ctrl+A", US), (CTRL, SHIFT, Key(30, ord("A"))))

    def test_shift_is_pressed_once(self) -> None:
        self.assertEqual(read_chord("shift+A", US), (SHIFT, Key(30, ord("A"))))

    def test_a_letter_is_a_capital_while_shift_is_held(self) -> None:
        self.assertEqual(read_chord("shift+a", US), (SHIFT, Key(30, ord("A"))))
        self.assertEqual(read_chord("shift+ctrl+1", US), (SHIFT, CTRL, Key(2, ord("!"))))

    def test_plus(self) -> None:
        for text in ("+", "plus"):
            self.assertEqual(read_chord(text, US), PLUS, text)
        for text in ("ctrl++", "ctrl+plus"):
            self.assertEqual(read_chord(text, US), (CTRL, *PLUS), text)

    def test_what_is_no_chord(self) -> None:
        for text in ("", "ctrl+", "+a", "hello", "ctrl+nokey", "a+b+c+d+e+f+g", "f13", "ж"):
            self.assertRaises(ValueError, read_chord, text, US)

    def test_what_needs_a_dead_key_is_no_part_of_a_chord(self) -> None:
        self.assertRaises(ValueError, read_chord, "ctrl+ê", load_layout("de"))

    @given(st.text(max_size=20))
    def test_any_text_is_a_chord_or_a_value_error(self, text: str) -> None:
        with contextlib.suppress(ValueError):
            self.assertTrue(read_chord(text, US))


class ScriptTests(SynchronousTestCase):
    def test_how_long_it_takes(self) -> None:
        key = (Key(30, ord("a")),)
        script = Script((Press(key), Pause(2.0), Press(key, 1.5)), rate=10)

        self.assertAlmostEqual(script.seconds, 0.1 + 2.0 + 1.5 + 0.06)
        self.assertEqual(script.strokes, 2)
