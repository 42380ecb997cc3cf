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
    """Calls the function at once, in the caller's thread.

    Attributes:
        limits: the time limits of the calls, in seconds, in order.
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
        """Call the function; ``late`` is never called."""
        self.limits.append(timeout)
        try:
            return succeed(function(*args))
        except Exception:  # noqa: BLE001 the caller gets any error
            return fail(Failure())

    def part(self, name: str, threads: int = 16) -> FakeCalls:
        """Return itself: no call waits for another one."""
        return self
