"""Blocking calls that are made at once, in the test's own thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from twisted.internet.defer import Deferred, execute
from zope.interface import implementer

from vncproxy.interfaces import IBlockingCalls

T = TypeVar("T")


@implementer(IBlockingCalls)
class InlineCalls:
    """An ``IBlockingCalls`` without threads; keeps the time limits it was given."""

    def __init__(self) -> None:
        self.timeouts: list[float] = []

    def call(
        self,
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Deferred[T]:
        """Run the function now."""
        self.timeouts.append(timeout)
        return execute(function, *args)

    def part(self, name: str, threads: int = 16) -> InlineCalls:
        """Return itself: no call waits for another one."""
        return self
