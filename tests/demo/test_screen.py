"""The test card and what changes on it; pictures are compared by their pixels."""

from __future__ import annotations

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.demo import screen as layout
from vncproxy.demo.screen import ECHO, HEIGHT, STATUS, WIDTH, Screen
from vncproxy.painted.canvas import Canvas, Rect, pixel

RETURN, BACKSPACE, ESCAPE, CONTROL, ALT, DELETE = 0xFF0D, 0xFF08, 0xFF1B, 0xFFE3, 0xFFE9, 0xFFFF


class RecordingWatcher:
    """Records the damage it is called with."""

    def __init__(self) -> None:
        self.rects: list[Rect] = []
        self.changes = 0

    def damaged(self, rect: Rect) -> None:
        self.rects.append(rect)

    def changed(self) -> None:
        self.changes += 1


def written(text: str, columns: int) -> list[bytes]:
    """Return a line of white text as the screen writes it."""
    canvas = Canvas(columns * 12, 18, lambda rect: None)
    canvas.text(0, 0, text.ljust(columns), layout.INK, layout.PAPER)
    return canvas.rows(canvas.area)


class ScreenTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.screen = Screen()

    def colour(self, x: int, y: int) -> int:
        [found] = self.screen.canvas.rows(Rect(x, y, 1, 1))
        return int.from_bytes(found, "little")

    def type(self, text: str) -> None:
        for character in text:
            self.press(ord(character))

    def press(self, keysym: int) -> None:
        self.screen.key(True, keysym)
        self.screen.key(False, keysym)

    def assert_echoed(self, *lines: str) -> None:
        """Check the whole echo area: these lines, and nothing below them."""
        for row, line in enumerate([*lines, *[""] * (5 - len(lines))]):
            area = Rect(ECHO.x + 12, ECHO.y + 42 + row * 22, 38 * 12, 18)
            self.assertEqual(self.screen.canvas.rows(area), written(line, 38), f"row {row}")

    def assert_status(self, row: int, text: str) -> None:
        area = Rect(STATUS.x + 108, STATUS.y + 8 + row * 24, 30 * 12, 18)
        self.assertEqual(self.screen.canvas.rows(area), written(text, 30))

    def test_the_card_has_bars_of_all_colours(self) -> None:
        found = [self.colour(190 + 60 * bar, 180) for bar in range(8)]

        self.assertEqual(found, list(layout.BARS))

    def test_the_outermost_pixels_are_a_line(self) -> None:
        corners = [(0, 0), (WIDTH - 1, 0), (0, HEIGHT - 1), (WIDTH - 1, HEIGHT - 1)]

        self.assertEqual([self.colour(x, y) for x, y in corners], [layout.INK] * 4)

    def test_greys_go_from_black_to_white(self) -> None:
        found = [self.colour(175 + 30 * step, 260) for step in range(16)]

        self.assertEqual(found, [0x111111 * step for step in range(16)])

    def test_typed_text_appears(self) -> None:
        self.assert_echoed("_")

        self.type("Hello, World!")

        self.assert_echoed("Hello, World!_")

    def test_return_begins_a_line_and_backspace_takes_it_back(self) -> None:
        self.type("one")
        self.press(RETURN)
        self.type("two")
        self.assert_echoed("one", "two_")

        for _ in range(5):
            self.press(BACKSPACE)

        self.assert_echoed("on_")

    def test_backspace_on_nothing_does_nothing(self) -> None:
        self.press(BACKSPACE)

        self.assert_echoed("_")

    def test_a_full_line_is_wrapped(self) -> None:
        self.type("x" * 37 + "y")

        self.assert_echoed("x" * 37, "y_")

    def test_old_lines_scroll_away(self) -> None:
        for digit in "123456":
            self.type(digit)
            self.press(RETURN)

        self.assert_echoed("3", "4", "5", "6", "_")

    def test_the_last_key_is_named(self) -> None:
        self.screen.key(True, RETURN)
        self.assert_status(1, "Return down")

        self.screen.key(False, RETURN)
        self.assert_status(1, "Return up")

    def test_modifiers_that_are_held_are_named_too(self) -> None:
        for keysym in (CONTROL, ALT, DELETE):
            self.screen.key(True, keysym)
        self.assert_status(1, "Control_L+Alt_L+Delete down")

        for keysym in (DELETE, ALT, CONTROL, ord("a")):
            self.screen.key(False, keysym)
        self.assert_status(1, "a up")

    def test_a_modifier_types_nothing(self) -> None:
        self.press(CONTROL)

        self.assert_echoed("_")

    def test_the_clock_shows_the_time(self) -> None:
        self.screen.clock("12:34:56")

        self.assert_status(0, "12:34:56")

    def test_a_long_line_of_status_is_cut(self) -> None:
        self.screen.clock("0123456789" * 4)

        self.assert_status(0, "0123456789" * 3)

    def test_the_pointer_is_told_with_its_buttons(self) -> None:
        self.screen.pointer(0b101, 31, 500)

        self.assert_status(2, " 31, 500  left right")

    def test_the_cross_stands_at_the_pointer_and_leaves_no_trace(self) -> None:
        empty = self.screen.canvas.rows(Rect(0, 100, 150, 100))

        self.screen.pointer(0, 60, 150)
        self.assertEqual([self.colour(60, 150), self.colour(68, 150)], [layout.INK] * 2)

        self.screen.pointer(0, 700, 150)
        self.assertEqual(self.screen.canvas.rows(Rect(0, 100, 150, 100)), empty)

    def test_a_pointer_outside_is_brought_back_to_the_edge(self) -> None:
        self.screen.pointer(0, 65535, 65535)

        self.assert_status(2, "799, 599")
        self.assertEqual(self.colour(799, 599), layout.INK)

    def test_a_held_button_leaves_a_trail(self) -> None:
        self.screen.pointer(1, 50, 450)
        self.screen.pointer(1, 100, 450)
        self.screen.pointer(0, 100, 450)
        self.screen.pointer(0, 700, 500)

        self.assertEqual({self.colour(x, 450) for x in range(50, 101)}, {0xFFC857})
        self.assertNotEqual(self.colour(110, 450), 0xFFC857)

    def test_each_trail_begins_where_its_button_goes_down(self) -> None:
        self.screen.pointer(1, 50, 450)
        self.screen.pointer(0, 50, 450)
        self.screen.pointer(1, 90, 450)
        self.screen.pointer(0, 700, 500)

        self.assertNotEqual(self.colour(70, 450), 0xFFC857)

    def test_escape_wipes_text_and_trails(self) -> None:
        clean = self.screen.canvas.rows(Rect(0, 400, WIDTH, 200))
        self.type("text")
        self.screen.pointer(4, 50, 450)

        self.press(ESCAPE)
        self.screen.pointer(0, 50, 50)

        self.assertEqual(self.screen.canvas.rows(Rect(0, 400, WIDTH, 200)), clean)

    def test_only_what_changes_is_told_and_then_that_it_is_whole(self) -> None:
        watcher = RecordingWatcher()
        self.screen.watch(watcher)

        self.screen.clock("12:34:56")

        [rect] = watcher.rects
        self.assertLess(rect.width * rect.height, WIDTH * HEIGHT / 40)
        self.assertEqual(watcher.changes, 1)

    def test_pixels_that_changed_lie_in_the_rectangles_that_were_told(self) -> None:
        watcher = RecordingWatcher()
        self.screen.pointer(0, 200, 470)
        before = self.screen.canvas.rows(self.screen.canvas.area)
        self.screen.watch(watcher)

        self.type("abc")
        self.screen.pointer(2, 700, 20)

        after = self.screen.canvas.rows(self.screen.canvas.area)
        told = Canvas(WIDTH, HEIGHT, lambda rect: None)
        told.put(0, 0, before)
        for rect in watcher.rects:
            told.put(rect.x, rect.y, self.screen.canvas.rows(rect))
        self.assertEqual(told.rows(told.area), after)

    def test_who_stopped_watching_is_told_nothing(self) -> None:
        watcher = RecordingWatcher()
        self.screen.watch(watcher)

        self.screen.unwatch(watcher)
        self.type("x")

        self.assertEqual((watcher.rects, watcher.changes), ([], 0))

    def test_colours_are_written_blue_first(self) -> None:
        self.assertEqual(self.screen.canvas.rows(Rect(490, 180, 1, 1)), [pixel(0xFF0000)])
