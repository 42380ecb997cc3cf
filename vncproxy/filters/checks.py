"""Messages that no viewer sends, and that have crashed servers or made them hang.

`docs/security.md` has the table of the public faults that they stop. Lengths are checked by
`vncproxy.rfb.client_messages`, the extended clipboard by `vncproxy.filters.clipboard`.
"""

from __future__ import annotations

from ..errors import ViewerMessageRefused
from ..rfb.client_messages import Fence, QEMUAudioFormat, SetDesktopSize, XvpRequest
from ..rfb.server_messages.format_changes import SYNC_NEXT

LARGEST_SIDE = 16384
"""Pixels of a screen's width or height; three screens of 5,120 side by side have less."""

_AUDIO_FORMATS = range(6)
_CHANNELS = (1, 2)
_FREQUENCIES = range(1000, 192001)
_XVP_CODES = (2, 3, 4)


def check_desktop_size(message: SetDesktopSize) -> None:
    """Refuse a screen without pixels, without monitors, or larger than any.

    Raises:
        ViewerMessageRefused: it is one.
    """
    size = range(1, LARGEST_SIDE + 1)
    if message.width not in size or message.height not in size or not message.screens:
        raise ViewerMessageRefused(
            f"a desktop of {message.width} x {message.height} pixels on {message.screens} screens"
        )


def check_audio(message: QEMUAudioFormat) -> None:
    """Refuse sound that no viewer asks for.

    Raises:
        ViewerMessageRefused: it is such.
    """
    if (
        message.format not in _AUDIO_FORMATS
        or message.channels not in _CHANNELS
        or message.frequency not in _FREQUENCIES
    ):
        raise ViewerMessageRefused(
            f"sound of format {message.format}, {message.channels} channels, {message.frequency} Hz"
        )


def check_xvp(message: XvpRequest) -> None:
    """Refuse an action that xvp does not have.

    Raises:
        ViewerMessageRefused: it is such.
    """
    if message.version != 1 or message.code not in _XVP_CODES:
        raise ViewerMessageRefused(f"xvp version {message.version}, action {message.code}")


class FenceCheck:
    """Refuses a fence with SyncNext and without a payload after one that had a payload.

    A viewer sends always the same kind; a server that freed the former payload frees it twice.
    """

    __slots__ = ("_had_payload",)

    def __init__(self) -> None:
        self._had_payload = False

    def check(self, message: Fence) -> None:
        """Check the next fence.

        Raises:
            ViewerMessageRefused: it is such.
        """
        if not message.flags & SYNC_NEXT:
            return
        if self._had_payload and not message.payload:
            raise ViewerMessageRefused("a fence with SyncNext whose payload has gone")
        self._had_payload = self._had_payload or bool(message.payload)
