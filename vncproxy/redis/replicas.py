"""Waiting until replicas have the changes that were made on one connection (``WAIT``).

Redis answers nothing else on a connection that waits, so one ``WAIT`` serves all changes that were
made before it was sent, and those that are made meanwhile share the next one.
"""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred, maybeDeferred

from ..errors import StoreUnavailable
from .protocol import Protocol


class Replicas:
    """The replicas of the server at the other end of a connection.

    Args:
        number: how many must have a change.
        seconds: how long they may take.
    """

    def __init__(self, protocol: Protocol, number: int, seconds: float) -> None:
        self._protocol = protocol
        self._number = number
        self._seconds = seconds
        self._waiting: list[Deferred[int]] = []
        self._asking = False

    async def wait(self) -> None:
        """Wait until enough of them have every change that was made so far.

        Raises:
            StoreUnavailable: they do not say so in time.
        """
        have: Deferred[int] = Deferred()
        self._waiting.append(have)
        if not self._asking:
            self._ask()
        if (number := await have) < self._number:
            raise StoreUnavailable(
                f"redis has {number} replicas that have the change after {self._seconds:g} s, and "
                f"redis.wait_replicas is {self._number}"
            )

    def _ask(self) -> None:
        waiting, self._waiting = self._waiting, []
        self._asking = True
        milliseconds = max(1, int(self._seconds * 1000))
        asked = maybeDeferred(self._protocol.execute_command, "WAIT", self._number, milliseconds)
        asked.addBoth(self._answered, waiting)

    def _answered(self, result: Any, waiting: list[Deferred[int]]) -> None:
        self._asking = False
        if self._waiting:
            self._ask()
        for have in waiting:
            have.callback(result)
