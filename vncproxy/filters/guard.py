"""The short way for a viewer's commonest messages: from socket to socket, without the filter.

A relay asks before it passes bytes on itself. Whole keys, pointers and requests of updates that the
filter would pass unchanged need not go through it; everything else does.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from zope.interface import implementer

from ..interfaces import IGuard
from .held import MOST_KEYS, HeldInput

_REQUEST, _KEY, _POINTER, _QEMU = 3, 4, 5, 255
_LENGTHS: Final[Mapping[int, int]] = {_REQUEST: 10, _KEY: 8, _POINTER: 6, _QEMU: 12}
_KEYS: Final = (_KEY, _QEMU)


@implementer(IGuard)
class Guard:
    """Tells which bytes of a viewer pass unchanged, and takes note of what they hold down.

    Args:
        held: what the filter releases.

    Attributes:
        is_open: whether a message may take the short way now.
        is_quiet: whether, besides, no button is held: a pointer that moves need not be noted.
    """

    __slots__ = ("_held", "is_open", "is_quiet")

    def __init__(self, held: HeldInput) -> None:
        self._held = held
        self.is_open = self.is_quiet = False

    def set_open(self, *, is_open: bool) -> None:
        """Open or close the short way.

        The filter says so whenever it has processed bytes: only its parser knows whether the next
        ones begin a message.
        """
        self.is_open = is_open
        self.is_quiet = is_open and not self._held.pointer

    def passes(self, buffer: bytearray, start: int, end: int) -> bool:
        """Return whether these bytes of a buffer pass as they are.

        Where they do not, nothing is noted, and the filter has to process them.
        """
        if not self.is_open:
            return False
        kind, length = buffer[start], end - start
        if kind == _POINTER and length == 6:
            self._note_pointer(bytes(buffer[start:end]))
            return True
        if kind == _REQUEST and length == 10:
            return _has_pixels(buffer, start)
        return self._pass_others(buffer, start, end)

    def _pass_others(self, buffer: bytearray, start: int, end: int) -> bool:
        at, keys = start, self._held.keys
        while at < end:
            kind = buffer[at]
            length = _LENGTHS.get(kind, 0)
            if not length or at + length > end or not _is_harmless(kind, buffer, at):
                return False
            keys += kind in _KEYS
            at += length
        if keys > MOST_KEYS:
            return False
        self._note(buffer, start, end)
        return True

    def _note_pointer(self, message: bytes) -> None:
        self._held.note_pointer(message)
        self.is_quiet = not self._held.pointer

    def _note(self, buffer: bytearray, start: int, end: int) -> None:
        while start < end:
            kind = buffer[start]
            after = start + _LENGTHS[kind]
            if kind == _POINTER:
                self._note_pointer(bytes(buffer[start:after]))
            elif kind in _KEYS:
                self._held.note_key(bytes(buffer[start:after]))
            start = after


def _has_pixels(buffer: bytearray, at: int) -> bool:
    """Tell whether the request that begins here has any; the others have crashed servers."""
    width, height = buffer[at + 6] | buffer[at + 7], buffer[at + 8] | buffer[at + 9]
    return width > 0 and height > 0


def _is_harmless(kind: int, buffer: bytearray, at: int) -> bool:
    if kind == _REQUEST:
        return _has_pixels(buffer, at)
    return kind != _QEMU or not buffer[at + 1]
