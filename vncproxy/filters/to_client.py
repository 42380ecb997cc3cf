"""The stage for a server's messages: drops the texts of the guest that the policy forbids."""

from __future__ import annotations

from collections.abc import Callable
from time import monotonic

from zope.interface import implementer

from ..errors import ViewerMessageRefused
from ..interfaces import IStage
from ..model import Direction
from ..rfb.client_messages import MAX_CUT_TEXT
from ..rfb.pieces import Piece
from ..rfb.server_messages import OWN_ANSWER, FormatChanges, ServerPieces
from .budget import Budget
from .clipboard import ASKS, Action, action_of, provided_size
from .rules import Rules
from .xvp import XvpPower

_CUT_TEXT = 3
_HEAD = 8
_LOOKED_AT = (_CUT_TEXT, OWN_ANSWER)


@implementer(IStage)
class ServerFilter:
    """Filters a server's messages; bytes without a clipboard's text pass uncopied.

    Args:
        formats: knows the pixel formats; it is shared with the viewer's filter.
        seconds: a monotonic clock.

    Attributes:
        direction: from the server to the viewer.
    """

    direction = Direction.TO_CLIENT

    __slots__ = ("_budget", "_collected", "_dropping", "_pieces", "_rules")

    def __init__(
        self, rules: Rules, formats: FormatChanges, seconds: Callable[[], float] = monotonic
    ) -> None:
        self._budget = Budget(seconds)
        self._rules = rules
        self._pieces = ServerPieces(formats)
        self._collected: bytearray | None = None
        self._dropping = False

    def process(self, data: bytes) -> bytes:
        """Return what may pass of a server's bytes.

        Raises:
            UpstreamViolation: they cannot be parsed.
        """
        walked = self._pieces
        pieces = walked.receive(data)
        if power := self._rules.power:
            return b"".join([self._filter(each) + _between(each, power) for each in pieces])
        if not any(piece.kind in _LOOKED_AT for piece in pieces):
            return walked.data[: pieces[-1].end] if pieces else b""
        return b"".join([self._filter(piece) for piece in pieces])

    def _filter(self, piece: Piece) -> bytes:
        data = self._pieces.data[piece.start : piece.end]
        if piece.kind != _CUT_TEXT:
            return data if piece.kind != OWN_ANSWER else b""
        if piece.first:
            self._begin(data)
        if self._collected is not None:
            self._collected += data
            return self._decide() if piece.last else b""
        return b"" if self._dropping else data

    def _begin(self, data: bytes) -> None:
        size = int.from_bytes(data[4:_HEAD], "big", signed=True)
        self._collected, most = None, self._rules.from_guest
        if size >= 0:
            self._dropping = most is None or size > most
        elif self._rules.extended and -size <= MAX_CUT_TEXT:
            self._collected = bytearray()
        else:
            self._dropping = True

    def _decide(self) -> bytes:
        assert self._collected is not None
        whole, self._collected = bytes(self._collected), None
        return whole if self._rules.extended and self._may_pass(whole[_HEAD:]) else b""

    def _size(self, body: bytes) -> int:
        """Return the size of a text; more of them than the budget allows are dropped."""
        if self._budget.is_spent:
            raise ViewerMessageRefused("the guest offers more texts than are decompressed")
        size = provided_size(body)
        self._budget.spend(size)
        return size

    def _may_pass(self, body: bytes) -> bool:
        try:
            action = action_of(body)
            size = self._size(body) if action is Action.PROVIDE else 0
        except ViewerMessageRefused:
            return False
        if action & ASKS:
            return self._rules.to_guest is not None
        if action is Action.CAPS:
            return True
        return self._rules.from_guest is not None and size <= self._rules.from_guest


def _between(piece: Piece, power: XvpPower) -> bytes:
    """Return what is sent behind a piece: nothing within a message."""
    return power.take_waiting() if piece.last else b""
