"""The seam to the live sessions of one machine, of this process or of all."""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Interface

from ..model import VMAddress


class IMachineSessions(Interface):
    """What is live at a machine now, also where it began at another proxy a moment ago.

    A session's name among all processes is that of its lease, ``<worker id>/<session id>``. Every
    method raises ``StoreUnavailable`` where other processes cannot be reached.
    """

    def find(vm: VMAddress, session_id: str, *, joined: bool = False) -> Awaitable[str]:
        """Return the name of the live session with an id; empty where the machine has none.

        Args:
            joined: whether one that has joined another session counts, too.
        """

    def drive(vm: VMAddress, name: str, *, wants: bool) -> Awaitable[str]:
        """Return the name of the session that drives a machine; empty for none.

        Args:
            wants: whether the named session becomes the driver where there is none.
        """

    def give(vm: VMAddress, name: str, other: str) -> Awaitable[str]:
        """Let the driver hand a machine over to another session; returns the driver then.

        Args:
            name: the driver; nothing changes where it is not.
            other: empty for none, as a session that has ended is.
        """

    def announce(vm: VMAddress, name: str) -> Awaitable[None]:
        """Let all processes know that a session, which waited until now, enters a machine."""

    def tell(name: str, message: str) -> Awaitable[bool]:
        """Send a message to the process of a session; returns whether there is one.

        Args:
            message: a JSON object with a member ``driver``.
        """
