"""Which pixel format an update has, while the viewer changes it.

RFB forbids a viewer to send SetPixelFormat while an update that it has requested may still come,
since neither side could tell which format that update has. Three cases remain:

- No update can come: each request was answered by an update with pixels, and no continuous updates
  are on. An update that has begun keeps its format; the next one has the new one.
- The message follows directly on a fence that requests SyncNext: the updates before the answer to
  that fence have the former format, those after it the new one.
- An update may come, as when a server has answered a request with the size of its screen alone: if
  the server knows fences, such a fence is put before the message, and its answer is not passed on.

Without fences, a viewer that changes to a format of other sizes cannot be followed: that is an
error.

A cursor comes unasked (from QEMU), so it may be one of before the change although no update was
requested. Once a viewer has announced cursors whose length depends on the format, a change is made
by a fence where the server knows them; elsewhere, a cursor ends the session if it comes between
the change and the next update with pixels. One in that update, as LibVNCServer sends it, was asked
for.
"""

from __future__ import annotations

from collections import deque
from typing import NamedTuple

from ...errors import DownstreamViolation, UpstreamViolation
from ..pixels import PixelFormat
from .layout import PixelLayout, pixel_layout

REQUEST, SYNC_NEXT = 1 << 31, 1 << 2
"""Flags of a fence."""

MAX_FENCES, FEW_FENCES = 1000, 16
"""Fences of a viewer that may be without an answer; the second where the server has sent none."""


SYNCHRONISE = bytes([248, 0, 0, 0, 0x80, 0, 0, SYNC_NEXT, 0])
"""A fence that requests SyncNext, without a payload: as viewers send it."""


class _Fence(NamedTuple):
    """A fence that is to be answered, and the format that follows on it, if any."""

    payload: bytes
    synchronises: bool = False
    layout: PixelLayout | None = None
    is_own: bool = False


class FormatChanges:
    """The pixel formats of one session; knows what viewer and server have sent of it.

    Args:
        pixel_format: that of ServerInit.
    """

    __slots__ = (
        "_announced",
        "_changing",
        "_continuous",
        "_current",
        "_cursors",
        "_ends",
        "_fences",
        "_knows_fences",
        "_last",
        "_needs_pixels",
        "_open",
        "_own_answered",
        "_requested",
        "_synchronised",
        "_uncertain",
        "_unsettled",
    )

    def __init__(self, pixel_format: PixelFormat) -> None:
        self._current = self._last = pixel_layout(pixel_format)
        self._requested = 0
        self._open = self._needs_pixels = False
        self._announced = self._continuous = False
        self._ends = 0
        self._fences: deque[_Fence] = deque()
        self._changing = 0
        self._cursors = self._unsettled = self._uncertain = False
        self._knows_fences = self._own_answered = self._synchronised = False

    # what the viewer sends, in the order in which it goes to the server

    def request_update(self) -> None:
        """Note a FramebufferUpdateRequest: at most one update answers it."""
        self._synchronised = False
        self._requested += 1

    def announce_cursors(self) -> None:
        """Note encodings of cursors whose length depends on the format; they may come unasked."""
        self._cursors = True

    def enable_continuous_updates(self, enabled: bool) -> None:
        """Note EnableContinuousUpdates; the server says when the last of them has come.

        Raises:
            DownstreamViolation: the server has not said that it knows them.
        """
        self._synchronised = False
        if not self._announced:
            raise DownstreamViolation("continuous updates, which the server has not announced")
        if self._continuous and not enabled:
            self._ends += 1
        self._continuous = enabled

    def send_fence(self, flags: int, payload: bytes) -> None:
        """Note a fence.

        Raises:
            DownstreamViolation: too many have no answer, or two that request SyncNext follow each
                other, of which TigerVNC answers the second one twice.
        """
        synchronises = bool(flags & REQUEST and flags & SYNC_NEXT)
        if synchronises and self._synchronised:
            raise DownstreamViolation("a fence with SyncNext directly after another one")
        self._synchronised = synchronises
        if not flags & REQUEST:
            return
        self._expect(_Fence(payload, synchronises))

    def _expect(self, fence: _Fence) -> None:
        most = MAX_FENCES if self._knows_fences else FEW_FENCES
        if len(self._fences) >= most:
            raise DownstreamViolation(f"{most} fences without an answer")
        self._fences.append(fence)

    def send_other(self) -> None:
        """Note any other message."""
        self._synchronised = False

    def change_format(self, pixel_format: PixelFormat) -> bytes:
        """Note SetPixelFormat.

        Returns:
            What has to go to the server directly before it.

        Raises:
            DownstreamViolation: an update may come of which it is not known which format it has.
        """
        layout = pixel_layout(pixel_format)
        synchronised, self._synchronised = self._synchronised, False
        if layout == self._last:
            return b""
        self._last = layout
        if synchronised:
            self._fences.append(self._fences.pop()._replace(layout=layout))
            self._changing += 1
        elif self._is_quiet():
            self._current, self._unsettled = layout, self._cursors
        elif self._knows_fences:
            self._expect(_Fence(b"", True, layout, is_own=True))
            self._changing += 1
            return SYNCHRONISE
        else:
            raise DownstreamViolation("a pixel format while an update may still come")
        return b""

    def _is_quiet(self) -> bool:
        """Return whether no update can come but the one that has begun."""
        if self._continuous or self._ends or self._changing:
            return False
        if self._cursors and (self._knows_fences or (self._unsettled and self._open)):
            return False
        if self._requested == 1 and self._open:
            self._needs_pixels = True
            return True
        return not self._requested

    # what the server sends

    def begin_update(self) -> PixelLayout:
        """Return the sizes of the pixels in an update that begins."""
        self._open = True
        self._uncertain = self._unsettled
        return self._current

    def note_cursor(self, *, asked: bool) -> None:
        """Note a cursor in the update that has begun, whose length depends on the format.

        Args:
            asked: whether it may belong to an update with pixels.

        Raises:
            UpstreamViolation: it may be one of before a change of the format.
        """
        if not self._uncertain:
            return
        if not asked or not self._requested:
            raise UpstreamViolation("a cursor while the pixel format changed")
        self._needs_pixels = True

    def note_pixels(self) -> None:
        """Note that an update has pixels, so it answers a request; called once for each."""
        if self._uncertain and self._requested:
            self._unsettled = self._uncertain = False
        self._requested = max(0, self._requested - 1)
        self._open = self._needs_pixels = False

    def end_update(self) -> None:
        """Note the end of an update.

        Raises:
            UpstreamViolation: a format was changed in the belief that it would have pixels.
        """
        self._open = False
        if self._needs_pixels:
            raise UpstreamViolation("an update without pixels while the pixel format changed")

    def receive_fence(self, flags: int, payload: bytes) -> None:
        """Note a fence: a request of the server's, or the answer to one of the viewer's.

        Raises:
            UpstreamViolation: it answers none, or a change of format relies on what it ignores.
        """
        self._knows_fences = True
        if flags & REQUEST:
            return
        fence = self._take_fence(payload)
        self._own_answered = fence.is_own
        if fence.layout is None:
            return
        self._changing -= 1
        if not flags & SYNC_NEXT:
            raise UpstreamViolation("a fence that does not synchronise the pixel format")
        self._current, self._unsettled = fence.layout, False

    def take_own_answer(self) -> bool:
        """Return, once, whether the last fence answers one that the viewer has not sent."""
        answered, self._own_answered = self._own_answered, False
        return answered

    def _take_fence(self, payload: bytes) -> _Fence:
        """Remove the fence that is answered, and return it.

        A fence that requests SyncNext is answered behind the next message, which may be a fence
        that is answered before it.
        """
        for index, fence in enumerate(self._fences):
            if fence.payload == payload:
                del self._fences[index]
                return fence
            if index or not fence.synchronises or fence.layout is not None:
                break
        raise UpstreamViolation("a fence that answers none of the viewer's")

    def end_continuous_updates(self) -> None:
        """Note EndOfContinuousUpdates: the first one announces that the server knows them."""
        if self._announced:
            self._ends = max(0, self._ends - 1)
        self._announced = True
