"""Blocking calls without threads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, fail, succeed
from twisted.python.failure import Failure
from zope.interface import implementer

from ..interfaces import IBlockingCalls

T = TypeVar("T")


@implementer(IBlockingCalls)
class FakeCalls:
    """Blocking calls that are made at once, in the caller's thread.

    Attributes:
        limits: the time limits that were asked for, in seconds, in order.
    """

    def __init__(self) -> None:
        self.limits: list[float] = []

    def call(
        self,
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Deferred[T]:
        """Make the call; no result of it ever comes late."""
        self.limits.append(timeout)
        try:
            return succeed(function(*args))
        except Exception:  # noqa: BLE001 whatever it is belongs to the caller
            return fail(Failure())

    def part(self, name: str, threads: int = 16) -> FakeCalls:
        """Return itself: no call ever waits for another one."""
        return self
