"""The bounded threads in which blocking SDKs run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from zope.interface import Interface

T = TypeVar("T")


class IBlockingCalls(Interface):
    """The bounded threads in which the blocking SDK of one backend or token source runs.

    Each has threads of its own, so that one whose hypervisor hangs delays no other.
    """

    def call(
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Awaitable[T]:
        """Run a blocking function elsewhere than in the reactor's thread.

        Args:
            timeout: seconds, waiting for a free thread included, after which the wait ends; a
                function that has begun goes on, and its result is dropped.
            late: disposes of a result that came after the wait had ended, such as an open file;
                runs in a thread as well.

        Raises:
            BackendError: the time limit passed, or too many calls are unanswered.
        """

    def part(name: str, threads: int = 16) -> IBlockingCalls:
        """Return the same with threads of its own, for one of several hosts that a backend asks.

        A host that hangs then delays no other. Closed together with these calls.

        Args:
            name: stands in what a call is refused with.
            threads: how many functions run there at the same time.
        """
