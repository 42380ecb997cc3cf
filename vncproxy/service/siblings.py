"""The other workers of a proxy: a full one leaves new connections to those that have room."""

from __future__ import annotations

from collections.abc import Callable

from ..downstream.accepting import Accepting
from ..downstream.connections import Connections
from ..session.live import LiveSessions

FULL = "full"


class Siblings:
    """What a worker knows of the others; a single process has none.

    Attributes:
        have_room: whether another one takes sessions.
        on_full: called when this one takes no more sessions, after `report` said that it does.
    """

    def __init__(
        self, sessions: LiveSessions, connections: Connections, accepting: Accepting
    ) -> None:
        self.have_room = False
        self.on_full: Callable[[], None] = lambda: None
        self._reported_room = False
        self._sessions = sessions
        self._connections = connections
        self._accepting = accepting

    def has_room(self) -> bool:
        """Return whether this worker takes another session."""
        most = min(self._connections.limits.connections, self._connections.descriptor_limit)
        return self._sessions.refusal() is None and len(self._connections) < most

    def report(self) -> bool:
        """Return whether this worker takes another session, to tell the others."""
        self._reported_room = self.has_room()
        return self._reported_room

    def update(self, have_room: bool) -> None:
        """Note whether another one takes sessions."""
        self.have_room = have_room
        self.check()

    def room_elsewhere(self) -> bool:
        """Return whether another one takes sessions; none does where this one is being emptied."""
        return self.have_room and not self._sessions.draining

    def check(self) -> None:
        """Accept connections, unless this worker is full and another one is not.

        The others learn at once that this one is full: else all that are full at the same time
        would leave connections to each other.
        """
        if self._reported_room and not self.has_room():
            self._reported_room = False
            self.on_full()
        self._accepting.pause(self.room_elsewhere() and not self.has_room(), FULL)
