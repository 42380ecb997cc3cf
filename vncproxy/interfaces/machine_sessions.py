"""The seam to the live sessions of one machine, of this process or of all."""

from __future__ import annotations

from collections.abc import Awaitable

from zope.interface import Interface

from ..model import VMAddress


class IMachineSessions(Interface):
    """What is live at a machine now, also where it began at another proxy a moment ago."""

    def has(vm: VMAddress, session_id: str) -> Awaitable[bool]:
        """Tell whether a machine has a live session with an id, one that has joined none.

        Raises:
            StoreUnavailable: other processes cannot be asked.
        """
