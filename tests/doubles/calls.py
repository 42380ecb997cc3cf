"""Blocking functions that are called at once, in the test's thread."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred, fail, maybeDeferred
from zope.interface import implementer

from vncproxy.interfaces import IBlockingCalls


@implementer(IBlockingCalls)
class CallsHere:
    """Threads that are none.

    Attributes:
        failure: what every call fails with; None for what its function does.
    """

    def __init__(self) -> None:
        self.failure: Exception | None = None

    def call(
        self,
        timeout: float,
        function: Callable[..., Any],
        *args: Any,
        late: Callable[[Any], object] | None = None,
    ) -> Deferred[Any]:
        return fail(self.failure) if self.failure else maybeDeferred(function, *args)

    def part(self, name: str, threads: int = 16) -> CallsHere:
        return self
