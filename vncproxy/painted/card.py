"""A screen with a heading, a text that can be scrolled, and buttons; it is painted on request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from .canvas import Canvas, Colour, Rect
from .wrapping import plain, wrapped

WIDTH: Final = 800
HEIGHT: Final = 600
"""Pixels of the screen."""

_PAPER, _INK, _QUIET = 0x12181F, 0xF2F5F8, 0x8FA1B3
_BUTTON, _ON_BUTTON, _LINE = 0x2F55D4, 0xFFFFFF, 0x64798F

_MARGIN = 40
_CELL = 12
_LINE_HEIGHT = 22
_TEXT_TOP = 104
_BUTTONS_TOP = HEIGHT - 76
_BUTTON_HEIGHT = 40
_GAP = 20

COLUMNS: Final = (WIDTH - 2 * _MARGIN) // _CELL
ROWS: Final = (_BUTTONS_TOP - 36 - _TEXT_TOP) // _LINE_HEIGHT
"""Lines of the text that are shown at a time."""


@dataclass(frozen=True, slots=True)
class Button:
    """A button: its label, and whether it is the one that goes on."""

    label: str
    primary: bool = False

    @property
    def width(self) -> int:
        """Its width in pixels."""
        return len(self.label) * _CELL + 32


@dataclass(frozen=True, slots=True)
class Card:
    """What the screen shows.

    Attributes:
        heading: one line.
        text: any number of lines.
        note: one line below the text.
        buttons: from left to right.
    """

    heading: str
    text: str = ""
    note: str = ""
    buttons: Sequence[Button] = ()
    lines: list[str] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "lines", wrapped(self.text, COLUMNS))

    @property
    def last_row(self) -> int:
        """The line that is the first one shown, when the end of the text is."""
        return max(0, len(self.lines) - ROWS)

    def paint(self, row: int = 0) -> Canvas:
        """Return a picture of it.

        Args:
            row: the first line of the text that is shown.
        """
        canvas = Canvas(WIDTH, HEIGHT, _ignore)
        canvas.fill(canvas.area, _PAPER)
        _write(canvas, _MARGIN, self.heading[: COLUMNS // 2], _INK, scale=4)
        canvas.fill(Rect(_MARGIN, 88, WIDTH - 2 * _MARGIN, 1), _LINE)
        for number, line in enumerate(self.lines[row : row + ROWS]):
            _write(canvas, _TEXT_TOP + number * _LINE_HEIGHT, line, _INK)
        _write(canvas, _BUTTONS_TOP - 30, self._note(row), _QUIET)
        for button, place in self._places():
            _paint_button(canvas, button, place)
        return canvas

    def button_at(self, x: int, y: int) -> Button | None:
        """Return the button at a place; None where there is none."""
        for button, place in self._places():
            if place.common(Rect(x, y, 1, 1)):
                return button
        return None

    def _note(self, row: int) -> str:
        if not self.last_row:
            return plain(self.note)[:COLUMNS]
        shown = f"Lines {row + 1} to {min(row + ROWS, len(self.lines))} of {len(self.lines)}"
        return f"{shown}: Page Down and Page Up, or the wheel"

    def _places(self) -> list[tuple[Button, Rect]]:
        found, x = [], _MARGIN
        for button in self.buttons:
            found.append((button, Rect(x, _BUTTONS_TOP, button.width, _BUTTON_HEIGHT)))
            x += button.width + _GAP
        return found


def _write(canvas: Canvas, y: int, text: str, ink: Colour, scale: int = 2) -> None:
    canvas.text(_MARGIN, y, plain(text), ink, _PAPER, scale)


def _paint_button(canvas: Canvas, button: Button, place: Rect) -> None:
    ground = _BUTTON if button.primary else _PAPER
    canvas.fill(place, _BUTTON if button.primary else _LINE)
    canvas.fill(Rect(place.x + 1, place.y + 1, place.width - 2, place.height - 2), ground)
    canvas.text(place.x + 16, place.y + 11, button.label, _ON_BUTTON, ground)


def _ignore(_: Rect) -> None:
    """Do nothing: the picture is sent whole."""
