"""The other workers of a proxy: a full one leaves new connections to those that have room."""

from __future__ import annotations

from ..downstream.accepting import Accepting
from ..downstream.connections import Connections
from ..session.live import LiveSessions

FULL = "full"


class Siblings:
    """What a worker knows of the others; a single process has none.

    Attributes:
        have_room: whether another one takes sessions.
    """

    def __init__(
        self, sessions: LiveSessions, connections: Connections, accepting: Accepting
    ) -> None:
        self.have_room = False
        self._sessions = sessions
        self._connections = connections
        self._accepting = accepting

    def has_room(self) -> bool:
        """Return whether this worker takes another session."""
        most = min(self._connections.limits.connections, self._connections.descriptor_limit)
        return self._sessions.refusal() is None and len(self._connections) < most

    def update(self, have_room: bool) -> None:
        """Note whether another one takes sessions."""
        self.have_room = have_room
        self.check()

    def room_elsewhere(self) -> bool:
        """Return whether another one takes sessions; none does where this one is being emptied."""
        return self.have_room and not self._sessions.draining

    def check(self) -> None:
        """Accept connections, unless this worker is full and another one is not."""
        self._accepting.pause(self.room_elsewhere() and not self.has_room(), FULL)
