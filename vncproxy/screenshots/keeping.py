"""Values that are kept for a moment, and made once for all that ask meanwhile."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Hashable
from typing import Any, Generic, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

Key = TypeVar("Key", bound=Hashable)
Value = TypeVar("Value")


class Kept(Generic[Key, Value]):
    """Values that are kept until a moment; the oldest are dropped where there is no room.

    Args:
        clock: for their age.
        size_of: returns the bytes of a value.
        room: bytes of all of them.
    """

    def __init__(self, clock: IReactorTime, size_of: Callable[[Value], int], room: int) -> None:
        self._clock = clock
        self._size_of = size_of
        self._room = self._left = room
        self._values: dict[Key, tuple[Value, IDelayedCall]] = {}

    def get(self, key: Key) -> Value | None:
        """Return what is kept; None for nothing."""
        found = self._values.get(key)
        return found and found[0]

    def keep(self, key: Key, value: Value, end: float) -> None:
        """Keep a value until a moment of the clock; not one that is larger than the room."""
        seconds, size = end - self._clock.seconds(), self._size_of(value)
        if key in self._values:
            self._drop(key)
        if seconds <= 0 or size > self._room:
            return
        while self._left < size:
            self._drop(next(iter(self._values)))
        self._left -= size
        self._values[key] = value, self._clock.callLater(seconds, self._drop, key)

    def _drop(self, key: Key) -> None:
        value, timer = self._values.pop(key)
        self._left += self._size_of(value)
        if timer.active():
            timer.cancel()


class Shared(Generic[Key, Value]):
    """Makes a value once for all that ask while it is made; they have its failure as well."""

    def __init__(self) -> None:
        self._waiting: dict[Key, list[Deferred[Value]]] = {}

    @property
    def keys(self) -> Collection[Key]:
        """Of what is being made."""
        return self._waiting.keys()

    def join(self, key: Key) -> Deferred[Value] | None:
        """Wait for what is being made; None where nothing is."""
        if key not in self._waiting:
            return None
        waiting: Deferred[Value] = Deferred()
        self._waiting[key].append(waiting)
        return waiting

    def make(self, key: Key, making: Callable[[], Awaitable[Value]]) -> Deferred[Value]:
        """Make what is not being made, even if the caller gives up."""
        waiting: Deferred[Value] = Deferred()
        self._waiting[key] = [waiting]

        async def made() -> Value:
            return await making()

        Deferred.fromCoroutine(made()).addBoth(self._hand_out, key)
        return waiting

    def _hand_out(self, result: Any, key: Key) -> None:
        for each in self._waiting.pop(key):
            each.callback(result)
