"""The live sessions of one process, counted by machine, by user and by address."""

from __future__ import annotations

from ..model import SessionLease, Token
from .over_limit import over_limit


class LiveCounts:
    """The names of the live sessions at each place; what Redis keeps as its ``live:`` sets.

    Where ``older`` names a counted session, the new one takes its place; it may be empty.
    """

    def __init__(self) -> None:
        self._names: dict[str, set[str]] = {}

    def check(self, lease: SessionLease | None, token: Token, older: str = "") -> None:
        """Make sure that there is room for a session.

        Raises:
            OverLimit: there is none.
        """
        for place in lease.places(token) if lease else ():
            present = self._names.get(place.of, ())
            if 0 < place.most <= len(present) and older not in present:
                raise over_limit(place, len(present), token)

    def enter(self, lease: SessionLease | None, token: Token, older: str = "") -> str:
        """Count a session; returns ``older`` where that was counted for the same machine."""
        if lease is None:
            return ""
        places = lease.places(token)
        replaced = older if older in self._names.get(places[0].of, ()) else ""
        for place in places:
            self._names.setdefault(place.of, set()).add(lease.name)
            self._remove(place.of, older)
        return replaced

    def leave(self, lease: SessionLease, token: Token) -> None:
        """Stop counting a session; does nothing for one that is not counted."""
        for place in lease.places(token):
            self._remove(place.of, lease.name)

    def _remove(self, place: str, name: str) -> None:
        names = self._names.get(place, set())
        names.discard(name)
        if not names:
            self._names.pop(place, None)
