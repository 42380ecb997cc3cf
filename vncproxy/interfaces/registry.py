"""The seam of the registry: the live sessions of this process, or of all proxies."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

from zope.interface import Interface

from ..errors import SessionEnded, VNCProxyError
from ..model import (
    ANY_SESSION,
    Activity,
    Announcement,
    Changed,
    Decided,
    Decision,
    Ended,
    Messaged,
    Mode,
    SessionFilter,
    SessionInfo,
    VMAddress,
)


class ISessionRegistry(Interface):
    """The live sessions, those that are still opening included.

    A registry of several processes raises ``StoreUnavailable`` from every method but `refusal`
    when they cannot be reached; sessions of this process are ended all the same.
    """

    def refusal() -> VNCProxyError | None:
        """Return why this process would refuse a new session now; None when it would not."""

    def list(
        wanted: SessionFilter = ANY_SESSION,
        *,
        allows: Callable[[VMAddress], bool] | None = None,
        limit: int | None = None,
        after: str = "",
    ) -> Awaitable[Sequence[SessionInfo]]:
        """Return the sessions that meet all criteria, oldest first.

        Args:
            allows: accepts the machine; a session without one is not accepted.
            limit: the most sessions to return.
            after: the ``cursor`` of a session, in whose place the list begins.
        """

    def visit(
        take: Callable[[SessionInfo], object],
        wanted: SessionFilter = ANY_SESSION,
        *,
        allows: Callable[[VMAddress], bool] | None = None,
        limit: int | None = None,
        after: str = "",
    ) -> Awaitable[None]:
        """Call a function with each session that `list` would return, and keep none.

        Many thousand sessions at a time would let the collector of garbage stop the process for a
        tenth of a second.
        """

    def of_machine(vm: VMAddress) -> Awaitable[Sequence[SessionInfo]]:
        """Return the sessions of a machine, oldest first, at the cost of these alone.

        Those of other processes are there a moment after they begin, when they are in Redis.
        """

    def get(session_id: str) -> Awaitable[SessionInfo | None]:
        """Return one session; None when there is none with this id."""

    def decide(session_id: str, decision: Decision) -> Awaitable[Decided | None]:
        """Take an approver's decision about one session; None where there is none with this id."""

    def end(session_id: str, why: SessionEnded, by: str = "") -> Awaitable[Ended]:
        """End one session, if there is one with this id.

        Args:
            by: the name of who ends it, for logs.
        """

    def change(session_id: str, mode: Mode, by: str = "") -> Awaitable[Changed]:
        """Change what the user of a session may do, in this session and when the browser re-enters.

        Args:
            by: the name of who changes it, for the audit log.

        Raises:
            ModeFixed: it cannot change; its sentence says what can be done.
        """

    def message(session_id: str, text: str, by: str = "") -> Awaitable[Messaged]:
        """Show a text to the user of one session, if there is one with this id.

        Args:
            text: without control characters.
            by: the name of who sends it, for logs; the user does not see it.
        """

    def end_where(why: SessionEnded, wanted: SessionFilter, by: str = "") -> Awaitable[Ended]:
        """End the sessions that meet all criteria; without any, all of them.

        Args:
            by: the name of who ends them, for logs.
        """


class IProxies(Interface):
    """The proxies that share a Redis, or the one that shares nothing."""

    def workers() -> Awaitable[Sequence[Announcement]]:
        """Return the processes of all proxies, those of one proxy in a row.

        Raises:
            StoreUnavailable: Redis does not answer.
        """

    def activity() -> Awaitable[Activity]:
        """Return the processes, and a mark that differs after each change of a session.

        Raises:
            StoreUnavailable: Redis does not answer.
        """

    def drain(proxy: str, by: str) -> Awaitable[Ended]:
        """Let all processes of a proxy take no new sessions, and move or end those that they have.

        It does not wait for the sessions.

        Args:
            proxy: its name or id.
            by: the name of who orders it, for logs.

        Returns:
            The processes that have not confirmed in time; the count is of no use.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
