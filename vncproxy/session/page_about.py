"""What a page may know of its session: its id, its limits, and what its user may do."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any

from ..model import UnixTime
from .ends import Ends
from .state import SessionState


class PageAbout:
    """Answers the request ``about`` of pages.

    Args:
        seconds: the monotonic clock.
        time: the wall clock.
    """

    def __init__(self, seconds: Callable[[], float], time: Callable[[], UnixTime]) -> None:
        self._seconds = seconds
        self._time = time

    async def answer(self, session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Return the session's id, a name for its machine, its limits, and its policy.

        ``machine`` is the same for all sessions of a machine, and tells nothing else of it.
        ``left`` is in seconds, and None where the session may stay open.
        """
        assert session.grant is not None
        now, policy = self._seconds(), session.grant.token.policy
        ends = Ends.of(session.grant, session.started, self._time)
        return {
            "session": session.id,
            "machine": sha256(str(session.vm).encode()).hexdigest()[:16],
            "open": int(now - session.started),
            "left": None if ends is None else int(ends.nearest(now)[0]),
            "idle_timeout": policy.idle_timeout,
            "bandwidth": policy.bandwidth,
            "mode": session.rights.effective.value,
            "clipboard": policy.clipboard.value,
            "clipboard_limit": policy.clipboard_limit,
            "sharing": policy.sharing.value,
            "recorded": session.is_recorded,
        }
