"""The stage for a viewer's messages: drops what the policy forbids, refuses what harms servers."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from time import monotonic
from typing import Any, ClassVar

from zope.interface import implementer

from ..errors import DownstreamViolation, ViewerMessageRefused
from ..interfaces import IViewerStage
from ..model import Direction
from ..rfb import client_messages as rfb
from ..rfb import encodings
from ..rfb.client_messages import read_message
from ..rfb.pieces import Piece
from ..rfb.server_messages import CURSORS, FormatChanges
from .budget import Budget
from .checks import FenceCheck, check_audio, check_desktop_size, check_xvp
from .clipboard import OFFERS, Action, action_of, provided_size
from .encodings import may_announce, pack_encodings
from .guard import Guard
from .held import HeldInput
from .rules import Rules

_HEAD = 8
_PADDED = 4
"""Bytes before the format in SetPixelFormat: its type and padding, which goes on as zeros."""

_UPDATE_ACKNOWLEDGED, _ACKNOWLEDGE_LENGTH = 4, 8
"""The message of VMware's viewers that does not control the machine, and its length in bytes."""


_NO_OFFER = b"\6\0\0\0" + (-4).to_bytes(4, "big", signed=True) + Action.NOTIFY.to_bytes(4, "big")
"""The message of the extended clipboard by which a viewer has no text to offer any more."""

_Handler = Callable[["ViewerFilter", bytes], bytes]


@implementer(IViewerStage)
class ViewerFilter:
    """Filters a viewer's messages.

    A long message is collected, at most `MAX_CUT_TEXT` bytes, and passes when it is whole. What its
    user may do is decided when it begins, and again when it ends.

    Args:
        formats: knows the pixel formats, where a server's messages are filtered, too.
        seconds: a monotonic clock.

    Attributes:
        direction: from the viewer to the server.
        guard: says which bytes need not be processed.
    """

    direction = Direction.TO_SERVER

    __slots__ = (
        "_announced",
        "_asked",
        "_budget",
        "_collected",
        "_dropping",
        "_encodings",
        "_fences",
        "_formats",
        "_handlers",
        "_held",
        "_offer",
        "_pieces",
        "_rules",
        "guard",
    )

    def __init__(
        self,
        rules: Rules,
        formats: FormatChanges | None = None,
        seconds: Callable[[], float] = monotonic,
    ) -> None:
        self._budget = Budget(seconds)
        self._rules = rules
        self._formats = formats
        self._pieces = rfb.ClientPieces()
        self._encodings = may_announce(rules)
        self._asked = self._offer = b""
        self._announced = False
        self._fences = FenceCheck()
        self._held = HeldInput()
        self._collected = bytearray()
        self._dropping = False
        self._handlers = self._WATCHING if rules.view_only else self._CONTROLLING
        self.guard = Guard(self._held)
        self._set_guard()

    def _set_guard(self) -> None:
        """Open it between messages, unless a filter of the server's has to know of each."""
        between = not self._pieces.is_within
        self.guard.set_open(is_open=between and self._formats is None and not self._rules.view_only)

    def process(self, data: bytes) -> bytes:
        """Return what may pass of a viewer's bytes.

        Raises:
            ViewerMessageRefused: a message is malformed, unknown, or would harm the server.
        """
        self.guard.set_open(is_open=False)
        try:
            kept = [self._filter(piece) for piece in self._pieces.receive(data)]
        except ViewerMessageRefused:
            raise
        except DownstreamViolation as e:
            raise ViewerMessageRefused(e.detail) from e
        self._set_guard()
        return b"".join(kept)

    def _filter(self, piece: Piece) -> bytes:
        data = self._pieces.data[piece.start : piece.end]
        if not piece.first:
            return self._filter_rest(piece, data)
        kept = self._handlers[piece.kind](self, data)
        if piece.last:
            return kept
        self._dropping, self._collected = not kept, bytearray(kept)
        return b""

    def _filter_rest(self, piece: Piece, data: bytes) -> bytes:
        if self._dropping:
            return b""
        self._collected += data
        if not piece.last:
            return b""
        whole, self._collected = bytes(self._collected), bytearray()
        return self._handlers[piece.kind](self, whole)

    def set_view_only(self, view_only: bool) -> bytes:
        """Keep what controls the machine from the console, or let it pass, from now on.

        A text that the viewer has offered is withdrawn, and offered again when it controls the
        machine. Fences and continuous updates are those of one that watches, too.
        """
        if view_only is self._rules.view_only:
            return b""
        released = self._withdraw() if view_only else b""
        before = self._encodings
        self._rules.view_only = view_only
        self._set_guard()
        self._encodings = may_announce(self._rules)
        self._handlers = self._WATCHING if view_only else self._CONTROLLING
        changed = released + self._announce_again(before)
        if not view_only and self._announced:
            changed += self._offer
        return self._sent(changed) if changed else b""

    def _withdraw(self) -> bytes:
        return self._held.release() + (_NO_OFFER if self._offer and self._announced else b"")

    def _announce_again(self, before: frozenset[int]) -> bytes:
        """Return SetEncodings as it may be now; empty where the server has the same."""
        if not self._asked:
            return b""
        asked = read_message(self._asked, len(self._asked))
        assert isinstance(asked, rfb.SetEncodings)
        self._announced = self._rules.extended and encodings.EXTENDED_CLIPBOARD in asked.encodings
        now = pack_encodings(asked.encodings, self._encodings)
        return b"" if now == pack_encodings(asked.encodings, before) else now

    def _key(self, data: bytes) -> bytes:
        return self._sent(self._held.note_key(data) + data)

    def _pointer(self, data: bytes) -> bytes:
        self._held.note_pointer(data)
        return self._sent(data)

    def _read(self, data: bytes) -> Any:
        return read_message(data, self._pieces.length)

    def _pixel_format(self, data: bytes) -> bytes:
        message: rfb.SetPixelFormat = self._read(data)
        packed = bytes(_PADDED) + message.pixel_format.pack()
        if self._formats is None:
            return packed
        return self._formats.change_format(message.pixel_format) + packed

    def _set_encodings(self, data: bytes) -> bytes:
        message: rfb.SetEncodings = self._read(data)
        if self._rules.power is not None and encodings.XVP in message.encodings:
            self._rules.power.announce()
        self._asked = data
        self._announced = self._rules.extended and encodings.EXTENDED_CLIPBOARD in message.encodings
        if self._formats is not None and not CURSORS.isdisjoint(message.encodings):
            self._formats.announce_cursors()
        return self._sent(pack_encodings(message.encodings, self._encodings))

    def _update_request(self, data: bytes) -> bytes:
        message: rfb.FramebufferUpdateRequest = self._read(data)
        if not message.width or not message.height:  # no pixels: a division by zero in servers
            return b""
        if self._formats is not None:
            self._formats.request_update()
        return data

    def _continuous_updates(self, data: bytes) -> bytes:
        message: rfb.EnableContinuousUpdates = self._read(data)
        if self._formats is not None:
            self._formats.enable_continuous_updates(message.enabled)
        return data

    def _fence(self, data: bytes) -> bytes:
        message: rfb.Fence = self._read(data)
        self._fences.check(message)
        if self._formats is not None:
            self._formats.send_fence(message.flags, message.payload)
        return data

    def _xvp(self, data: bytes) -> bytes:
        power, message = self._rules.power, self._read(data)
        if power is None and self._rules.view_only:
            return b""
        check_xvp(message)
        if power is None:
            return self._sent(data)
        power.ask(message.code)
        return b""

    def _desktop_size(self, data: bytes) -> bytes:
        check_desktop_size(self._read(data))
        return self._sent(data)

    def _qemu(self, data: bytes) -> bytes:
        message = self._read(data)
        if isinstance(message, rfb.QEMUAudioFormat):
            check_audio(message)
        # servers such as bhyve read any of them as a key of 12 bytes, and so the next message, too
        if self._rules.view_only:
            return b""
        return self._key(data) if isinstance(message, rfb.QEMUKeyEvent) else self._sent(data)

    def _vmware(self, data: bytes) -> bytes:
        message: rfb.ExtensionMessage = self._read(data)
        kept = (message.subtype, message.length) == (_UPDATE_ACKNOWLEDGED, _ACKNOWLEDGE_LENGTH)
        return self._sent(data) if kept else b""

    def _cut_text(self, data: bytes) -> bytes:
        message: rfb.ClientCutText = self._read(data)
        if not message.extended:
            size = message.length - _HEAD
            most = self._rules.to_guest
            # an empty one has crashed QEMU; viewers send it when their clipboard is cleared
            return self._sent(data) if most is not None and 0 < size <= most else b""
        if not self._rules.extended:
            return b""
        if not self._announced:
            raise ViewerMessageRefused("extended clipboard message before it was announced")
        if len(data) < message.length:
            return data
        action = action_of(data[_HEAD:])
        if not self._may_pass(action, data[_HEAD:]):
            return b""
        if action is Action.NOTIFY:
            self._offer = b"" if data[_HEAD:] == _NO_OFFER[_HEAD:] else data
        return self._sent(data)

    def _may_pass(self, action: Action, body: bytes) -> bool:
        if action is Action.PROVIDE:
            if self._budget.is_spent:
                raise ViewerMessageRefused("more texts are decompressed than any viewer sends")
            self._budget.spend(size := provided_size(body))
            return self._rules.to_guest is not None and 0 < size <= self._rules.to_guest
        if action & OFFERS:
            return self._rules.to_guest is not None
        return action is Action.CAPS or self._rules.from_guest is not None

    def _drop(self, data: bytes) -> bytes:
        return b""

    def _sent(self, data: bytes) -> bytes:
        if self._formats is not None:
            self._formats.send_other()
        return data

    _BOTH: ClassVar[Mapping[int, _Handler]] = {
        0: _pixel_format,
        2: _set_encodings,
        3: _update_request,
        6: _cut_text,
        150: _continuous_updates,
        248: _fence,
        255: _qemu,
    }
    _WATCHING: ClassVar[Mapping[int, _Handler]] = {
        **_BOTH,
        **dict.fromkeys((4, 5, 251, 253), _drop),
        127: _vmware,
        250: _xvp,
    }
    _CONTROLLING: ClassVar[Mapping[int, _Handler]] = {
        **_BOTH,
        4: _key,
        5: _pointer,
        **dict.fromkeys((127, 253), _sent),
        250: _xvp,
        251: _desktop_size,
    }
