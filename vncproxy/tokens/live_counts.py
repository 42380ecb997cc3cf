"""The live sessions of one process: by machine, user and address, and which exclude others."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from ..model import Grant, Ousted, SessionLease, Sharing, Token, holder_of
from .occupied import JOINED, Occupant, occupied, sharing_of
from .over_limit import over_limit


@dataclass(slots=True)
class _Hold:
    """The session that has a machine to itself, as Redis keeps it in ``exclusive:``.

    Attributes:
        of: what the sessions have in common that may take its place; empty for none.
        user: its user.
        since: when the first of these began.
        kept_until: until when the machine is kept for the next one; 0 while the session lives.
        before: that of the session which this one is to end, and does not where it never opens.
    """

    session: str
    of: str
    user: str
    since: float
    kept_until: float = 0.0
    before: _Hold | None = None


class LiveCounts:
    """The names of the live sessions at each place; what Redis keeps as its ``live:`` sets.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._names: dict[str, set[str]] = {}
        self._users: dict[str, tuple[str, float]] = {}
        self._holds: dict[str, _Hold] = {}
        self._kept: deque[tuple[float, str]] = deque()

    def check(self, lease: SessionLease | None, grant: Grant, older: str = "") -> Grant:
        """Make sure that there is room for a session, and return its grant.

        Args:
            older: the session whose place it takes, if that is counted; may be empty.

        Raises:
            OverLimit, ConsoleOccupied: there is none.
        """
        if lease is None:
            return grant
        places, ousted = lease.places(grant.token), dict[str, str]()
        for place in places:
            if place.most < 0:
                others = self._others(place.of, older)
                ousted |= dict.fromkeys(others, "user-elsewhere")
        self._check_sharing(lease, grant, older, places[0].of, ousted)
        for place in places:
            present = self._names.get(place.of, set())
            count = len(present - ousted.keys())
            if 0 < place.most <= count and older not in present:
                raise over_limit(place, count, grant.token)
        return replace(grant, ousted=tuple(Ousted(*each) for each in ousted.items()))

    def _others(self, place: str, older: str) -> Iterator[str]:
        return (name for name in self._names.get(place, ()) if name != older)

    def _check_sharing(
        self, lease: SessionLease, grant: Grant, older: str, vm: str, ousted: dict[str, str]
    ) -> None:
        """Add the sessions that end so that this one may begin, or refuse it."""
        sharing = sharing_of(grant.token, resumed=grant.resumed, takes=lease.takes)
        if sharing == JOINED:
            return
        hold = self._hold_of_others(vm, grant, older, ousted)
        if sharing == Sharing.TAKE_OVER.value:
            for name in self._others(vm, older):
                ousted.setdefault(name, "taken-over")
            return
        if hold is not None and hold.session not in ousted:
            raise occupied(self._occupant(hold.session, hold.user, hold.since), grant)
        there = [name for name in self._others(vm, older) if name not in ousted]
        if there and sharing == Sharing.EXCLUSIVE.value:
            raise occupied(self._occupant(there[0], *self._users[there[0]]), grant)

    def _hold_of_others(
        self, vm: str, grant: Grant, older: str, ousted: dict[str, str]
    ) -> _Hold | None:
        """Return what keeps a machine from other users; what this one holds is to be replaced."""
        hold = self._holds.get(vm)
        if hold is None:
            return None
        lives = hold.session in self._names.get(vm, ())
        of = holder_of(grant.token, grant.cookie_id)
        if hold.session == older or (of and of == hold.of):
            if lives and hold.session != older:
                ousted.setdefault(hold.session, "superseded")
            return None
        own = bool(hold.user) and hold.user == grant.token.user and "/" not in hold.of + of
        kept = hold.kept_until > self._seconds() and not own
        return hold if lives or kept else None

    def _occupant(self, name: str, user: str, since: float) -> Occupant:
        return Occupant(name.rpartition("/")[2], user, self._seconds() - since)

    def enter(self, lease: SessionLease | None, grant: Grant, older: str = "") -> Grant:
        """Count a session that `check` has accepted; returns its grant."""
        if lease is None:
            return grant
        token, places = grant.token, lease.places(grant.token)
        replaced = older if older in self._names.get(places[0].of, ()) else ""
        for place in places:
            self._names.setdefault(place.of, set()).add(lease.name)
            self._remove(place.of, older)
        self._users[lease.name] = token.user, self._seconds()
        self._hold(places[0].of, lease, grant, older)
        there = (self._names.get(f"{kind}:{token.vm}", set()) for kind in ("vm", "joined"))
        company = len(set[str]().union(*there) - dict(grant.ousted).keys())
        return replace(grant, replaced=replaced, company=company)

    def _hold(self, vm: str, lease: SessionLease, grant: Grant, older: str) -> None:
        before, of = self._holds.pop(vm, None), holder_of(grant.token, grant.cookie_id)
        if not grant.token.excludes_others:
            return
        own = before is not None and (before.session == older or (of and of == before.of))
        since = before.since if own and before is not None else self._seconds()
        self._holds[vm] = hold = _Hold(lease.name, of, grant.token.user, since)
        if before is not None and before.session in dict(grant.ousted):
            hold.before = replace(before, before=None)

    def renew(self, token: Token, cookie_id: str, other: str) -> None:
        """Note that a resume cookie has got another id."""
        hold = self._holds.get(f"vm:{token.vm}")
        if hold is not None and hold.of == cookie_id:
            hold.of = other

    def leave(self, lease: SessionLease, token: Token) -> None:
        """Stop counting a session; does nothing for one that is not counted."""
        places = lease.places(token)
        hold = self._holds.get(places[0].of)
        if hold is not None and hold.session == lease.name:
            self._end_hold(places[0].of, hold, lease.keep)
        for place in places:
            self._remove(place.of, lease.name)
        self._users.pop(lease.name, None)

    def _end_hold(self, vm: str, hold: _Hold, keep: float) -> None:
        """Keep a machine for some seconds whose session has ended; forget those kept before."""
        now = self._seconds()
        while self._kept and self._kept[0][0] <= now:
            self._forget_hold(self._kept.popleft()[1], now)
        if keep and hold.of:
            hold.kept_until = now + keep
            self._kept.append((hold.kept_until, vm))
        elif hold.before is not None and hold.before.session in self._names.get(vm, ()):
            self._holds[vm] = hold.before
        else:
            del self._holds[vm]

    def _forget_hold(self, vm: str, now: float) -> None:
        hold = self._holds.get(vm)
        if hold is not None and 0 < hold.kept_until <= now:
            del self._holds[vm]

    def _remove(self, place: str, name: str) -> None:
        names = self._names.get(place, set())
        names.discard(name)
        if not names:
            self._names.pop(place, None)
