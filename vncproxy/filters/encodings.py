"""Which encodings a viewer may announce: those whose rectangles and messages are known."""

from __future__ import annotations

import struct
from collections.abc import Iterable
from functools import cache

from ..rfb import encodings as e
from ..rfb.server_messages import KNOWN_ENCODINGS
from .rules import Rules

_NOT_FILTERED = frozenset({e.EXTENDED_MOUSE_BUTTONS})
"""They would change the length of a PointerEvent once the server has confirmed them."""

_MESSAGES = frozenset({e.FENCE, e.CONTINUOUS_UPDATES})
"""Extensions whose messages are known; they have no rectangles."""

_CONTROL = frozenset({e.GII, e.XVP, e.QEMU_KEY, e.QEMU_AUDIO})
"""Extensions by which a viewer controls the machine, or whose messages others read as keys."""


_NOT_PLAYED = frozenset(
    {
        *(e.H264, e.JPEG, e.ULTRA, e.ZYWRLE, e.QEMU_AUDIO, e.GII, e.XVP),
        *(e.VMWARE_CURSOR_STATE, e.VMWARE_CURSOR_POSITION),
        *(e.VMWARE_KEY_REPEAT, e.VMWARE_LED, e.VMWARE_DISPLAY_MODE, e.VMWARE_MACHINE_STATE),
    }
)
"""Those that the player of recordings cannot decode."""


def may_announce(rules: Rules) -> frozenset[int]:
    """Return the encodings that a viewer may announce, besides levels of quality."""
    allowed = _allowed(rules.view_only, rules.recorded, rules.extended)
    return allowed if rules.power is None else allowed - {e.XVP}


@cache
def _allowed(view_only: bool, recorded: bool, extended: bool) -> frozenset[int]:
    """Return them; all sessions share a few sets, which are larger than the rest of a filter."""
    allowed = (KNOWN_ENCODINGS | _MESSAGES) - _NOT_FILTERED
    allowed = allowed - _CONTROL if view_only else allowed | _CONTROL
    if recorded:
        allowed -= _NOT_PLAYED
    return allowed | {e.EXTENDED_CLIPBOARD} if extended else allowed


def pack_encodings(encodings: Iterable[int], allowed: frozenset[int]) -> bytes:
    """Return a SetEncodings message with those that are allowed, in the viewer's order.

    None at all means Raw alone, and is sent as that: a list without any has hung QEMU.
    """
    kept = [each for each in encodings if each in allowed or _is_level(each)] or [e.RAW]
    return struct.pack(f">BxH{len(kept)}i", 2, len(kept), *kept)


def _is_level(encoding: int) -> bool:
    return any(encoding in levels for levels in e.LEVELS)
