"""The xvp extension: a viewer's requests for power, which the proxy answers instead of the server.

A message to the viewer is put between two of the server's, so it waits for the end of the next one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

FAILED: Final = b"\xfa\x00\x01\x00"
INIT: Final = b"\xfa\x00\x01\x01"
"""The server's messages: a request failed, and requests are understood; version 1."""


class XvpPower:
    """Answers the requests of one viewer; both filters of a session share it.

    Args:
        act: is called with the code of each request: 2 shutdown, 3 reboot, 4 reset.
    """

    __slots__ = ("_act", "_announced", "_waiting")

    def __init__(self, act: Callable[[int], object]) -> None:
        self._act = act
        self._announced = False
        self._waiting = b""

    def announce(self) -> None:
        """Tell the viewer, which has announced the extension, that requests are understood."""
        if not self._announced:
            self._announced = True
            self._waiting += INIT

    def ask(self, code: int) -> None:
        """Carry a request out."""
        self._act(code)

    def fail(self) -> None:
        """Tell the viewer that a request failed."""
        if self._announced:
            self._waiting = self._waiting.removesuffix(FAILED) + FAILED

    def take_waiting(self) -> bytes:
        """Return what is to be sent between two of the server's messages now."""
        waiting, self._waiting = self._waiting, b""
        return waiting
