from __future__ import annotations

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.screen.colours import Pixels
from vncproxy.watching.stillness import Stillness
from vncproxy.watching.wanted import Area

WIDTH, HEIGHT = 200, 100


def screen(*marks: Area, size: tuple[int, int] = (HEIGHT, WIDTH)) -> Pixels:
    """Return a black screen with white parts."""
    pixels = np.zeros((*size, 3), np.uint8)
    for x, y, width, height in marks:
        pixels[y : y + height, x : x + width] = 255
    return pixels


CURSOR = Area(40, 32, 8, 16)
TEXT = Area(120, 64, 8, 16)


class StillnessTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.now = 100.0
        self.stillness = Stillness(screen(), self.now)
        self.everything = self.stillness.mask(None, ())

    def show(self, *marks: Area, after: float = 0.25) -> None:
        self.now += after
        self.stillness.look(screen(*marks), self.now)

    def changed_at(self, area: Area | None = None, *ignored: Area) -> float:
        return self.stillness.changed_at(self.stillness.mask(area, ignored), 0.0)

    def digest(self, area: Area | None = None, *ignored: Area) -> str:
        return self.stillness.digest(self.stillness.mask(area, ignored), self.now)

    def blink(self, times: int, *marks: Area, after: float = 0.25) -> None:
        for _ in range(times):
            self.show(CURSOR, *marks, after=after)
            self.show(*marks, after=after)

    def test_a_change_is_a_change(self) -> None:
        before = self.digest()
        self.show(TEXT, after=5)
        self.assertEqual(self.changed_at(), 105.0)
        self.assertNotEqual(self.digest(), before)

    def test_the_same_screen_is_none(self) -> None:
        self.show(after=5)
        self.assertEqual((self.changed_at(), self.stillness.version), (100.0, 0))

    def test_a_cursor_blinks_from_its_third_change_on(self) -> None:
        self.blink(1)
        self.assertEqual(self.changed_at(), self.now)
        still_since = self.now
        self.blink(10)
        self.assertEqual(self.changed_at(), still_since)

    def test_a_cursor_that_blinks_makes_no_difference_to_the_digest(self) -> None:
        self.blink(3)
        off = self.digest()
        self.show(CURSOR)
        self.assertEqual(self.digest(), off)

    def test_another_watch_that_began_in_the_other_state_has_the_same_digest(self) -> None:
        self.blink(3)
        digest = self.digest()
        self.stillness = Stillness(screen(CURSOR), self.now)
        for _ in range(3):
            self.show()
            self.show(CURSOR)
        self.assertEqual(self.digest(), digest)

    def test_text_that_appears_while_a_cursor_blinks_is_a_change(self) -> None:
        self.blink(4)
        digest = self.digest()
        self.show(TEXT)
        self.assertEqual(self.changed_at(), self.now)
        self.blink(4, TEXT)
        self.assertNotEqual(self.digest(), digest)

    def test_text_in_the_square_of_the_cursor_is_a_change(self) -> None:
        self.blink(4)
        self.show(Area(33, 33, 3, 3))
        self.assertEqual(self.changed_at(), self.now)

    def test_something_switched_on_and_off_is_two_changes(self) -> None:
        before = self.digest()
        self.show(TEXT, after=1)
        on = self.digest()
        self.show(after=1)
        self.assertEqual(self.changed_at(), self.now)
        self.assertEqual(self.digest(), before)
        self.assertNotEqual(on, before)

    def test_what_goes_back_and_forth_slowly_changes(self) -> None:
        self.blink(5, after=3.0)
        self.assertEqual(self.changed_at(), self.now)

    def test_a_cursor_that_stays_blinks_no_more(self) -> None:
        self.blink(4)
        blinking = self.digest()
        self.show(CURSOR)
        self.now += 3
        shown = self.digest()
        self.stillness = Stillness(screen(CURSOR), self.now)
        self.assertEqual(shown, self.digest())
        self.assertIn(blinking, (shown, Stillness(screen(), 0).digest(self.everything, 0)))

    def test_a_spinner_of_four_states_changes(self) -> None:
        for turn in range(20):
            self.show(Area(40 + 2 * (turn % 4), 32, 2, 16))
        self.assertEqual(self.changed_at(), self.now)

    def test_a_large_part_that_goes_back_and_forth_changes(self) -> None:
        dialog = Area(16, 16, 160, 64)
        for _ in range(5):
            self.show(dialog)
            self.show()
        self.assertEqual(self.changed_at(), self.now)

    def test_only_an_area_counts(self) -> None:
        before = self.digest(Area(0, 0, 64, 100))
        self.show(TEXT, after=5)
        self.assertEqual(self.changed_at(Area(0, 0, 64, 100)), 100.0)
        self.assertEqual(self.digest(Area(0, 0, 64, 100)), before)
        self.assertEqual(self.changed_at(Area(112, 48, 64, 52)), 105.0)

    def test_what_is_left_out_does_not_count(self) -> None:
        before = self.digest(None, TEXT)
        self.show(TEXT, after=5)
        self.assertEqual(self.changed_at(None, TEXT), 100.0)
        self.assertEqual(self.digest(None, TEXT), before)
        self.assertNotEqual(self.digest(), before)

    def test_an_area_beyond_the_screen_never_changes(self) -> None:
        self.show(TEXT, after=5)
        self.assertEqual(self.changed_at(Area(9000, 9000, 10, 10)), 0.0)
        self.digest(Area(9000, 9000, 10, 10))

    def test_another_size_is_another_screen(self) -> None:
        before = self.digest()
        self.now += 1
        self.stillness.look(screen(size=(99, 201)), self.now)
        self.assertEqual(self.changed_at(), self.now)
        self.assertNotEqual(self.digest(), before)
