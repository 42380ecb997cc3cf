"""Shows cards to a viewer that has no page, on the leg on which its console comes later."""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall

from ..errors import DownstreamViolation, VNCProxyError
from ..painted import keysyms
from ..painted.canvas import Damage, Rect
from ..painted.card import HEIGHT, ROWS, WIDTH, Button, Card
from ..painted.encode import Encoder
from ..relay.leg import Leg
from ..rfb import client_messages as rfb
from ..rfb.client_messages import read_message
from ..rfb.pixels import PixelFormat
from ..rfb.server_init import ServerInit
from .handover import ViewerState

T = TypeVar("T")

UPDATE_INTERVAL: Final = 0.2
"""Seconds between two pictures: each takes some milliseconds to paint."""

MOST_HELD: Final = 64
"""Keys that a viewer may hold down at the same time; more are no person's."""

_WHOLE: Final = Rect(0, 0, WIDTH, HEIGHT)
_PALETTE: Final = PixelFormat(8, 8, False, True, 7, 7, 3, 0, 3, 6)
"""What the indices of a colour map mean, for viewers that ask for one."""

_SCROLLS: Final = {
    0xFF52: -1,
    0xFF54: 1,
    0xFF55: -ROWS,
    0xFF56: ROWS,
    0x20: ROWS,
    0xFF50: -10000,
    0xFF57: 10000,
}
"""Lines by which keys scroll: the arrows, Page Up and Page Down, space, Home and End."""

_LEFT, _WHEEL_UP, _WHEEL_DOWN = 1, 8, 16


class PaintedViewer:
    """A viewer that is greeted and looks at a card.

    A key or a button acts when it is released, so that nothing is held down when the console
    comes. What was pressed on another card does not act.

    Args:
        leg: to the viewer.
        name: of the desktop.

    Attributes:
        leg: the same.
        on_press: called with the button that is pressed, by pointer or key.
        on_violation: called once when the viewer's bytes are not RFB.
    """

    def __init__(self, leg: Leg, name: str) -> None:
        self.leg = leg
        self.on_press: Callable[[Button], object] = _ignore
        self.on_violation: Callable[[VNCProxyError], object] = _ignore
        self._name = name
        self._pieces = rfb.ClientPieces()
        self._state = ViewerState()
        self._encoder = Encoder()
        self._new_format: PixelFormat | None = None
        self._damage = Damage()
        self._card = Card("")
        self._row = 0
        self._request: Rect | None = None
        self._timer: IDelayedCall | None = None
        self._held: dict[int, Card] = {}
        self._buttons = 0
        self._pressed: tuple[Card, Button] | None = None
        self._between_messages = True
        self._quiet: Deferred[None] | None = None
        self._last: Deferred[None] | None = None

    def start(self) -> None:
        """Send ServerInit, and listen to the viewer from now on."""
        self.leg.send(ServerInit(WIDTH, HEIGHT, PixelFormat(), self._name).pack())
        self.listen()

    def listen(self) -> None:
        """Listen to the viewer from now on."""
        self.leg.deliver(self._receive, self._on_full)

    def show(self, card: Card) -> None:
        """Show a card."""
        self._card, self._row = card, min(self._row, card.last_row)
        self._damage.add(_WHOLE)
        self._update()

    def wait_until_quiet(self) -> Deferred[None]:
        """Return a Deferred that fires when no key and no button is held down."""
        quiet = self._quiet = Deferred[None]()
        self._check_quiet()
        return quiet

    def show_last(self, card: Card) -> Deferred[None]:
        """Show a last card; returns a Deferred that fires when it is left, or at `end_last`."""
        self._last = Deferred()
        self.on_press = lambda _: self.end_last()
        self.listen()
        self.show(card)
        return self._last

    def end_last(self, result: T | None = None) -> T | None:
        """Show the last card no more; returns its argument, as a callback of a Deferred."""
        self.stop()
        last, self._last = self._last, None
        if last is not None:
            last.callback(None)
        return result

    @property
    def is_quiet(self) -> bool:
        """Whether no key and no button is held, and no message has arrived in part only."""
        return self._between_messages and not self._held and not self._buttons

    def leave(self, server_init: bytes) -> bytes:
        """Stop; what the viewer sends from now on is for the console's server.

        The leg delivers first what brings that server to where the viewer is.

        Args:
            server_init: of that server, with the name for the viewer.

        Returns:
            The message that brings the viewer to where the server is; empty for none.

        Raises:
            ViewerCannotResize: the viewer cannot show a screen of that size.
        """
        state = self._state
        to_viewer = state.for_viewer(server_init, (WIDTH, HEIGHT), self._name)
        self.stop()
        self.leg.stop_delivering(state.for_server(server_init) + state.leftover)
        return to_viewer

    def stop(self) -> None:
        """Paint nothing more."""
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        self._timer = self._request = None

    def _receive(self, data: bytes) -> None:
        end, whole, self._between_messages = 0, self._between_messages, False
        try:
            for piece in self._pieces.receive(data):
                end, whole = piece.end, piece.last
                if piece.first:
                    self._take(self._pieces.data[piece.start : piece.end])
        except DownstreamViolation as e:
            self.leg.pause()
            self.on_violation(e)
            return
        self._between_messages, self._state.leftover = whole, self._pieces.data[end:]
        self._check_quiet()

    def _take(self, data: bytes) -> None:
        message = read_message(data, self._pieces.length)
        match message:
            case rfb.SetPixelFormat(wanted):
                self._state.pixel_format, self._new_format = data, wanted
                self._damage.add(_WHOLE)
            case rfb.SetEncodings(offered):
                self._state.encodings, self._state.offered = data, frozenset(offered)
            case rfb.FramebufferUpdateRequest(incremental, x, y, width, height):
                self._want(Rect(x, y, width, height).common(_WHOLE), everything=not incremental)
            case rfb.KeyEvent(down, keysym):
                self._key(down, keysym)
            case rfb.PointerEvent(buttons, x, y):
                self._pointer(buttons, x, y)

    def _key(self, down: bool, keysym: int) -> None:
        if down:
            if len(self._held) >= MOST_HELD and keysym not in self._held:
                raise DownstreamViolation(f"more than {MOST_HELD} keys are held down")
            self._held.setdefault(keysym, self._card)
            self._scroll(_SCROLLS.get(keysym, 0))
            return
        if self._held.pop(keysym, None) is not self._card:
            return
        if keysym in (keysyms.RETURN, keysyms.KEYPAD_ENTER):
            self._press(primary=True)
        elif keysym == keysyms.ESCAPE:
            self._press(primary=False)

    def _press(self, *, primary: bool) -> None:
        for button in self._card.buttons:
            if button.primary is primary:
                self.on_press(button)
                return

    def _pointer(self, buttons: int, x: int, y: int) -> None:
        newly, released = buttons & ~self._buttons, self._buttons & ~buttons
        self._buttons = buttons
        at = self._card.button_at(x, y)
        if newly & _LEFT:
            self._pressed = (self._card, at) if at else None
        self._scroll(3 * (bool(newly & _WHEEL_DOWN) - bool(newly & _WHEEL_UP)))
        if released & _LEFT:
            pressed, self._pressed = self._pressed, None
            if at is not None and pressed == (self._card, at):
                self.on_press(at)

    def _scroll(self, lines: int) -> None:
        row = max(0, min(self._card.last_row, self._row + lines))
        if row != self._row:
            self._row = row
            self._damage.add(_WHOLE)
            self._update()

    def _want(self, area: Rect | None, *, everything: bool) -> None:
        if area is None:
            return
        if everything:
            self._damage.add(area)
        self._request = area.around(self._request) if self._request else area
        self._update()

    def _on_full(self, full: bool) -> None:
        if not full:
            self._update()

    def _update(self) -> None:
        if self._request is None or self._timer is not None or self.leg.full:
            return
        if rects := self._damage.take(self._request):
            self._request = None
            self._timer = self.leg.clock.callLater(UPDATE_INTERVAL, self._go_on)
            self._use_format()
            self.leg.send(self._encoder.update(self._card.paint(self._row), rects))

    def _use_format(self) -> None:
        """Paint in the last format that was asked for: each costs tables, or a colour map."""
        wanted, self._new_format = self._new_format, None
        if wanted is not None and not wanted.true_colour:
            self.leg.send(_colour_map())
            wanted = _PALETTE
        if wanted is not None:
            self._encoder.use_format(wanted)

    def _go_on(self) -> None:
        self._timer = None
        if not self.leg.is_closing:
            self._update()

    def _check_quiet(self) -> None:
        if self._quiet is not None and self.is_quiet:
            quiet, self._quiet = self._quiet, None
            if not quiet.called:
                quiet.callback(None)


def _colour_map() -> bytes:
    """Return SetColourMapEntries (RFC 6143 section 7.6.2) for `_PALETTE`."""
    entries = [
        (
            (index & 7) * 65535 // 7,
            (index >> 3 & 7) * 65535 // 7,
            (index >> 6 & 3) * 65535 // 3,
        )
        for index in range(256)
    ]
    return struct.pack(">BxHH", 1, 0, 256) + b"".join(
        struct.pack(">HHH", *each) for each in entries
    )


def _ignore(_: object) -> None:
    """Do nothing."""
