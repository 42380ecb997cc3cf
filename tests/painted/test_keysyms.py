"""Names and characters of keys, as X11 numbers them."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.painted import keysyms


class KeysymTests(SynchronousTestCase):
    def test_keys_have_names(self) -> None:
        for keysym, name in [
            (0x41, "A"),
            (0x20, "space"),
            (0xE9, "é"),
            (0x10020AC, "€"),
            (0xFF0D, "Return"),
            (0xFFFF, "Delete"),
            (0xFFBE, "F1"),
            (0xFFD5, "F24"),
            (0xFFB7, "KP 7"),
            (0xFFE3, "Control_L"),
            (0xFE20, "key 0xfe20"),
            (0x1110000, "key 0x1110000"),
            (0x100D800, "key 0x100d800"),
        ]:
            self.assertEqual(keysyms.name(keysym), name)

    def test_keys_that_type_have_a_character(self) -> None:
        for keysym, character in [
            (0x20, " "),
            (0x7E, "~"),
            (0x7F, ""),
            (0xA0, "\xa0"),
            (0xFF, "ÿ"),
            (0x100, ""),
            (0x1000041, "A"),
            (0x1000007, ""),
            (0x1000439, "й"),
            (0xFFB0, "0"),
            (0xFFAB, "+"),
            (0xFF51, ""),
            (0xFFE1, ""),
        ]:
            self.assertEqual(keysyms.character(keysym), character, hex(keysym))

    @given(st.integers(0, 0xFFFFFFFF))
    def test_any_number_has_a_name_that_can_be_encoded(self, keysym: int) -> None:
        self.assertTrue(keysyms.name(keysym).encode())
