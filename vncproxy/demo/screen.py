"""The demonstration console's screen: a test card that shows keys and the pointer."""

from __future__ import annotations

from typing import ClassVar, Protocol

from ..painted import keysyms
from ..painted.canvas import PIXEL, Canvas, Colour, Rect, blocks, pixel, ramp

WIDTH, HEIGHT = 800, 600
TITLE = "vncproxy demonstration console"

PAPER, GRID, RING, INK, DIM = 0x12181F, 0x263240, 0x64798F, 0xF2F5F8, 0x8FA1B3
BARS = (0xFFFFFF, 0xFFFF00, 0x00FFFF, 0x00FF00, 0xFF00FF, 0xFF0000, 0x0000FF, 0x000000)

CELL = 40
COLUMN = Rect(160, 120, 480, 440)
"""The column that holds everything below the title."""

STATUS = Rect(COLUMN.x, 320, COLUMN.width, 80)
ECHO = Rect(COLUMN.x, 400, COLUMN.width, 160)
BUTTONS = ("left", "middle", "right", "wheel up", "wheel down", "wheel left", "wheel right", "8th")
_PEN = {1: 0xFFC857, 2: 0x7BD88F, 4: 0x6CB6FF}


class Watcher(Protocol):
    """An observer of a screen: a viewer's connection."""

    def damaged(self, rect: Rect) -> None:
        """Note that a rectangle has changed; more may change before `changed` is called."""

    def changed(self) -> None:
        """Send the changes: the drawing is finished."""


class Screen:
    """The screen of the demonstration's machine, shared by all viewers.

    Attributes:
        canvas: the picture.
    """

    def __init__(self) -> None:
        self._watchers: list[Watcher] = []
        self.canvas = Canvas(WIDTH, HEIGHT, self._damaged)
        self._cursor = _Cursor(self.canvas)
        self._held: dict[int, str] = {}
        self._at = (0, 0)
        self._painting = False
        self._clear()

    def watch(self, watcher: Watcher) -> None:
        """Report all further changes to a watcher."""
        self._watchers.append(watcher)

    def unwatch(self, watcher: Watcher) -> None:
        """Report no more changes to a watcher."""
        self._watchers.remove(watcher)

    def key(self, down: bool, keysym: int) -> None:
        """Show a key event; typed text appears in the echo area."""
        with self._cursor:
            if keysym == keysyms.ESCAPE and down:
                self._clear()
            elif down:
                self._echo.type(keysym)
            self._show_key(down, keysym)
        self._changed()

    def pointer(self, buttons: int, x: int, y: int) -> None:
        """Move the cross; with a button held it leaves a trail."""
        x, y = min(x, WIDTH - 1), min(y, HEIGHT - 1)
        with self._cursor:
            colour = next((colour for mask, colour in _PEN.items() if buttons & mask), None)
            if colour is not None:
                self.canvas.stroke(self._at if self._painting else (x, y), (x, y), 5, colour)
            self._painting, self._at = colour is not None, (x, y)
            self._cursor.move(x, y, INK if colour is None else colour)
            names = " ".join(name for bit, name in enumerate(BUTTONS) if buttons >> bit & 1)
            self._status(2, f"{x:3}, {y:3}  {names}")
        self._changed()

    def clock(self, time: str) -> None:
        """Show the time of day."""
        with self._cursor:
            self._status(0, time)
        self._changed()

    def _clear(self) -> None:
        self._painting = False
        _paint_card(self.canvas)
        self._echo = _Echo(self.canvas)
        for row, label in enumerate(("Time", "Key", "Pointer")):
            self.canvas.text(STATUS.x + 12, STATUS.y + 8 + row * 24, label, DIM, PAPER)

    def _show_key(self, down: bool, keysym: int) -> None:
        name = keysyms.name(keysym)
        held = [other for number, other in self._held.items() if number != keysym]
        if keysym in keysyms.MODIFIERS:
            self._held.pop(keysym, None)
            if down:
                self._held[keysym] = name
        self._status(1, f"{'+'.join([*held, name])} {'down' if down else 'up'}")

    def _status(self, row: int, text: str) -> None:
        columns = (STATUS.width - 24) // 12 - 8
        shown = text[:columns].ljust(columns)
        self.canvas.text(STATUS.x + 12 + 8 * 12, STATUS.y + 8 + row * 24, shown, INK, PAPER)

    def _damaged(self, rect: Rect) -> None:
        for watcher in self._watchers:
            watcher.damaged(rect)

    def _changed(self) -> None:
        for watcher in tuple(self._watchers):
            watcher.changed()


class _Echo:
    """The area where typed text appears: the last few lines of it."""

    COLUMNS: ClassVar[int] = (ECHO.width - 24) // 12
    ROWS: ClassVar[int] = 5

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._lines = [""]
        self._shown = [""] * self.ROWS
        hint = "Type or paint here; Escape clears."
        canvas.text(ECHO.x + 12, ECHO.y + 12, hint, DIM, PAPER)
        self._show()

    def type(self, keysym: int) -> None:
        if keysym in (keysyms.RETURN, keysyms.KEYPAD_ENTER):
            self._lines.append("")
        elif keysym == keysyms.BACKSPACE:
            self._backspace()
        elif character := keysyms.character(keysym):
            if len(self._lines[-1]) == self.COLUMNS - 1:
                self._lines.append("")
            self._lines[-1] += character
        self._lines = self._lines[-self.ROWS :]
        self._show()

    def _backspace(self) -> None:
        if self._lines[-1]:
            self._lines[-1] = self._lines[-1][:-1]
        elif len(self._lines) > 1:
            self._lines.pop()

    def _show(self) -> None:
        lines = [*self._lines[:-1], self._lines[-1] + "_"]
        wanted = [line.ljust(self.COLUMNS) for line in lines]
        wanted += [" " * self.COLUMNS] * (self.ROWS - len(wanted))
        for row, (line, shown) in enumerate(zip(wanted, self._shown, strict=True)):
            if line != shown:
                self._canvas.text(ECHO.x + 12, ECHO.y + 42 + row * 22, line, INK, PAPER)
        self._shown = wanted


class _Cursor:
    """The cross at the pointer; as a context manager, it is hidden while the screen is drawn."""

    ARM: ClassVar[int] = 10

    def __init__(self, canvas: Canvas) -> None:
        self._canvas = canvas
        self._at: tuple[int, int] | None = None
        self._colour: Colour = INK
        self._beneath: tuple[Rect, list[bytes]] | None = None

    def move(self, x: int, y: int, colour: Colour) -> None:
        self._at, self._colour = (x, y), colour

    def __enter__(self) -> None:
        if self._beneath:
            rect, rows = self._beneath
            self._canvas.put(rect.x, rect.y, rows)
            self._beneath = None

    def __exit__(self, *_: object) -> None:
        if self._at is None:
            return
        x, y = self._at
        size = 2 * self.ARM + 3
        rect = Rect(x - self.ARM - 1, y - self.ARM - 1, size, size).common(self._canvas.area)
        assert rect is not None
        self._beneath = rect, self._canvas.rows(rect)
        for colour, grown in ((0x000000, 1), (self._colour, 0)):
            arm, width = self.ARM + grown, 1 + 2 * grown
            self._canvas.fill(Rect(x - arm, y - grown, 2 * arm + 1, width), colour)
            self._canvas.fill(Rect(x - grown, y - arm, width, 2 * arm + 1), colour)


def _paint_card(canvas: Canvas) -> None:
    """Paint everything that does not change."""
    _paint_ground(canvas)
    canvas.fill(Rect(40, 40, 720, 40), PAPER)
    canvas.text(40, 44, TITLE, INK, PAPER, scale=4)
    canvas.put(COLUMN.x, 120, [blocks(BARS, COLUMN.width // len(BARS))] * 120)
    greys = [step * 17 * 0x010101 for step in range(16)]
    canvas.put(COLUMN.x, 240, [blocks(greys, COLUMN.width // len(greys))] * 40)
    for row, colour in enumerate((0xFF0000, 0x00FF00, 0x0000FF, 0xFFFFFF)):
        canvas.put(COLUMN.x, 280 + row * 10, [ramp(0, colour, COLUMN.width)] * 10)
    for panel in (STATUS, ECHO):
        canvas.fill(panel, PAPER)
        _frame(canvas, panel, RING)
    _paint_stripes(canvas)


def _paint_ground(canvas: Canvas) -> None:
    """Paint the grid, the circle that shows distortion, and a line along the outermost pixels."""
    canvas.fill(canvas.area, PAPER)
    for x in range(CELL, WIDTH, CELL):
        canvas.fill(Rect(x, 0, 1, HEIGHT), GRID)
    for y in range(CELL, HEIGHT, CELL):
        canvas.fill(Rect(0, y, WIDTH, 1), GRID)
    canvas.ring(WIDTH // 2, HEIGHT // 2, 290, 3, RING)
    _frame(canvas, canvas.area, INK)


def _paint_stripes(canvas: Canvas) -> None:
    """Paint stripes of one and two pixels: they blur, or flicker, when the picture is scaled."""
    for width, y in ((1, 260), (2, 300)):
        stripes = blocks((INK, 0), width) * (CELL // 2 // width)
        canvas.put(40, y, [stripes] * CELL)
        row_on, row_off = pixel(INK) * CELL, bytes(CELL * PIXEL)
        canvas.put(720, y, ([row_on] * width + [row_off] * width) * (CELL // 2 // width))


def _frame(canvas: Canvas, rect: Rect, colour: Colour) -> None:
    x, y, width, height = rect
    canvas.fill(Rect(x, y, width, 1), colour)
    canvas.fill(Rect(x, y + height - 1, width, 1), colour)
    canvas.fill(Rect(x, y, 1, height), colour)
    canvas.fill(Rect(x + width - 1, y, 1, height), colour)
