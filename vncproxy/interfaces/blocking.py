"""The bounded threads in which blocking SDKs run."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

from zope.interface import Interface

T = TypeVar("T")


class IBlockingCalls(Interface):
    """The bounded threads in which the blocking SDK of one backend or token source runs.

    Each backend has its own threads, so that one whose hypervisor hangs delays no other.
    """

    def call(
        timeout: float,
        function: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> Awaitable[T]:
        """Run a blocking function in a thread.

        Args:
            timeout: seconds, waiting for a free thread included, after which the wait ends; a
                running function continues, and its result is dropped.
            late: disposes of a result that arrives after the wait has ended, such as an open file;
                it runs in a thread as well.

        Raises:
            BackendError: the time limit passed, or too many calls are unanswered.
        """

    def part(name: str, threads: int = 16) -> IBlockingCalls:
        """Return further calls with threads of their own, for one of a backend's hosts.

        A host that hangs then delays no other. They are closed together with these calls.

        Args:
            name: part of the message of refused calls.
            threads: the most functions that run at the same time.
        """
