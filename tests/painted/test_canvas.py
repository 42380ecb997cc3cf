"""Drawing: what is drawn, what is cut at the edges, and which damage is reported."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.painted import font
from vncproxy.painted.canvas import Canvas, Damage, Rect, blocks, pixel, ramp

BLACK, WHITE, RED = 0x000000, 0xFFFFFF, 0xFF0000


class CanvasTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.damage: list[Rect] = []
        self.canvas = Canvas(8, 6, self.damage.append)

    def picture(self) -> list[str]:
        """Return the canvas with a letter for each colour."""
        letters = {pixel(BLACK): ".", pixel(WHITE): "w", pixel(RED): "r"}
        rows = self.canvas.rows(self.canvas.area)
        return ["".join(letters[row[at : at + 4]] for at in range(0, 32, 4)) for row in rows]

    def test_red_is_the_third_byte_of_a_pixel(self) -> None:
        self.canvas.fill(Rect(0, 0, 1, 1), 0x123456)

        self.assertEqual(self.canvas.rows(Rect(0, 0, 1, 1)), [bytes.fromhex("56341200")])

    def test_a_rectangle_covers_its_pixels_and_no_others(self) -> None:
        self.canvas.fill(Rect(1, 2, 3, 2), RED)

        self.assertEqual(
            self.picture(),
            ["........", "........", ".rrr....", ".rrr....", "........", "........"],
        )
        self.assertEqual(self.damage, [Rect(1, 2, 3, 2)])

    def test_what_reaches_over_an_edge_is_cut(self) -> None:
        self.canvas.fill(Rect(-2, -1, 3, 2), RED)
        self.canvas.fill(Rect(7, 5, 9, 9), WHITE)

        self.assertEqual(
            self.picture(),
            ["r.......", "........", "........", "........", "........", ".......w"],
        )
        self.assertEqual(self.damage, [Rect(0, 0, 1, 1), Rect(7, 5, 1, 1)])

    def test_the_right_part_of_a_cut_picture_is_drawn(self) -> None:
        row = pixel(RED) + pixel(WHITE)

        self.canvas.put(-1, 0, [row])
        self.canvas.put(7, 5, [row])

        self.assertEqual((self.picture()[0], self.picture()[5]), ("w.......", ".......r"))

    def test_what_lies_outside_is_not_drawn(self) -> None:
        self.canvas.fill(Rect(8, 0, 2, 2), RED)
        self.canvas.fill(Rect(0, -3, 2, 2), RED)

        self.assertEqual(self.picture(), ["........"] * 6)
        self.assertEqual(self.damage, [])

    def test_text_fills_its_cells_with_ink_and_paper(self) -> None:
        self.canvas.text(0, 0, "L", WHITE, RED, scale=1)

        self.assertEqual(
            self.picture(),
            ["wrrrrr.."] * 6,
        )
        self.assertEqual(self.damage, [Rect(0, 0, 6, 6)])

    def test_no_text_draws_nothing(self) -> None:
        self.canvas.text(0, 0, "", WHITE, RED)

        self.assertEqual(self.damage, [])

    def test_a_ring_is_as_wide_as_it_is_high_and_hollow(self) -> None:
        self.canvas.ring(3, 3, 3, 1, RED)

        self.assertEqual(
            self.picture(),
            [".rrrr...", "rr..rr..", "r....r..", "r....r..", "rr..rr..", ".rrrr..."],
        )

    def test_a_stroke_joins_its_ends(self) -> None:
        self.canvas.stroke((0, 0), (3, 3), 1, RED)

        self.assertEqual(
            self.picture(),
            ["r.......", ".r......", "..r.....", "...r....", "........", "........"],
        )

    def test_a_stroke_of_no_length_is_a_dot(self) -> None:
        self.canvas.stroke((4, 3), (4, 3), 3, RED)

        self.assertEqual(self.picture()[2:5], ["...rrr.."] * 3)

    def test_a_ramp_goes_from_one_colour_to_the_other(self) -> None:
        self.assertEqual(ramp(0, 0x0000FE, 3), pixel(0) + pixel(0x7F) + pixel(0xFE))

    def test_blocks_are_equally_wide(self) -> None:
        self.assertEqual(blocks([RED, WHITE], 2), pixel(RED) * 2 + pixel(WHITE) * 2)


class FontTests(SynchronousTestCase):
    def test_every_printable_character_has_a_picture_of_its_own(self) -> None:
        pictures = {font.glyph(chr(code), 1) for code in range(32, 128)}

        self.assertEqual(len(pictures), 96)

    def test_glyphs_leave_a_gap_to_their_right(self) -> None:
        for code in range(32, 128):
            mask = font.glyph(chr(code), 1)
            self.assertEqual([len(row) for row in mask], [font.WIDTH] * font.HEIGHT)
            self.assertEqual({row[-1] for row in mask}, {0}, chr(code))

    def test_a_character_without_a_picture_shows_that_it_has_none(self) -> None:
        box = font.glyph("\x7f", 2)

        self.assertEqual([font.glyph(c, 2) for c in "\0\nä漢"], [box] * 4)

    def test_a_larger_glyph_is_wider_and_higher(self) -> None:
        mask = font.glyph("W", 4)

        self.assertEqual((len(mask[0]), len(mask)), (font.WIDTH * 4, font.HEIGHT * 4))

    def test_straight_lines_stay_straight_when_doubled(self) -> None:
        self.assertEqual(font.glyph("L", 2)[0], b"\1\1" + bytes(10))

    def test_diagonals_get_smooth_when_doubled(self) -> None:
        """The second row of a backslash's step has ink where plain doubling has none."""
        single, doubled = font.glyph("\\", 1), font.glyph("\\", 2)
        plain = [bytes(bit for bit in row for _ in range(2)) for row in single for _ in range(2)]

        self.assertNotEqual(list(doubled), plain)


rects = st.builds(Rect, *[st.integers(0, 12)] * 2, *[st.integers(1, 8)] * 2)


def pixels(parts: list[Rect]) -> list[tuple[int, int]]:
    return [
        (x, y)
        for part in parts
        for x in range(part.x, part.x + part.width)
        for y in range(part.y, part.y + part.height)
    ]


class DamageTests(SynchronousTestCase):
    everything = Rect(0, 0, 100, 100)

    def test_nothing_is_damaged_at_first(self) -> None:
        damage = Damage()

        self.assertEqual((bool(damage), damage.take(self.everything)), (False, []))

    def test_it_is_taken_once(self) -> None:
        damage = Damage()
        damage.add(Rect(1, 2, 3, 4))

        self.assertEqual(damage.take(self.everything), [Rect(1, 2, 3, 4)])
        self.assertEqual(damage.take(self.everything), [])

    def test_overlapping_parts_become_one(self) -> None:
        damage = Damage()
        for rect in (Rect(0, 0, 4, 4), Rect(8, 0, 4, 4), Rect(3, 3, 6, 2)):
            damage.add(rect)

        self.assertEqual(damage.take(self.everything), [Rect(0, 0, 12, 5)])

    def test_many_parts_become_one(self) -> None:
        damage = Damage()
        for x in range(Damage.LIMIT + 1):
            damage.add(Rect(2 * x, 0, 1, 1))

        self.assertEqual(damage.take(self.everything), [Rect(0, 0, 2 * Damage.LIMIT + 1, 1)])

    def test_what_lies_outside_of_the_area_stays(self) -> None:
        damage = Damage()
        damage.add(Rect(0, 0, 6, 6))

        self.assertEqual(damage.take(Rect(2, 2, 2, 2)), [Rect(2, 2, 2, 2)])
        self.assertEqual(len(pixels(damage.take(self.everything))), 36 - 4)

    @given(st.lists(rects, max_size=20), st.lists(rects, max_size=4))
    def test_no_damage_is_lost_and_no_pixel_is_taken_twice(
        self, added: list[Rect], areas: list[Rect]
    ) -> None:
        damage = Damage()
        for rect in added:
            damage.add(rect)

        taken: list[tuple[int, int]] = []
        for area in areas:
            found = pixels(damage.take(area))
            self.assertLessEqual(set(found), set(pixels([area])))
            taken += found
        taken += pixels(damage.take(self.everything))

        self.assertLessEqual(set(pixels(added)), set(taken))
        self.assertEqual(len(taken), len(set(taken)))
