"""Who watches recordings: a line of the audit at the beginning of a visit, and one at its end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

from twisted.internet.interfaces import IDelayedCall, IReactorTime

from .link import ReviewLink
from .shelf import Recorded

IDLE: Final = 300.0
"""Seconds after the last request at which a visit ends."""

LOOK_EVERY: Final = 30.0
"""Seconds between two looks for visits that have ended."""

Note = Callable[[str, Mapping[str, object]], object]
"""Writes an audit line: its event, and further members."""

Why = Literal["idle", "ended", "link-ended", "client-gone", "proxy-stopping", "store-unavailable"]


@dataclass(slots=True)
class Visit:
    """One reviewer at one recording, from one address.

    Attributes:
        live: whether the session is followed while it lasts.
        began: by a monotonic clock, in seconds; likewise ``last``, of the last request.
        first, until: the part of the recording that was sent, in seconds since its beginning.
        sent: bytes of it.
    """

    link: ReviewLink
    recorded: Recorded
    client: str
    live: bool
    began: float
    last: float
    first: float | None = None
    until: float = 0.0
    sent: int = 0

    def saw(self, first: float, until: float, sent: int) -> None:
        """Take note of a part that is sent, in seconds since the beginning, and its bytes."""
        self.first = first if self.first is None else min(self.first, first)
        self.until = max(self.until, until)
        self.sent += sent

    def members(self) -> dict[str, object]:
        """Return who watches what."""
        about = self.recorded.what.about
        return {
            "session": self.link.session,
            "vm": about.vm,
            "user": about.user or None,
            "reviewer": self.link.user,
            "key": self.link.key,
            "link": self.link.id[:12],
            "client": self.client,
            "live": self.live,
        }


class Visits:
    """The visits at this process.

    Args:
        note: writes audit lines.
        clock: for monotonic time.

    Attributes:
        begun: how many there were: ``live`` ones and of a ``recording``.
    """

    def __init__(self, note: Note, clock: IReactorTime) -> None:
        self.begun: Counter[str] = Counter({"live": 0, "recording": 0})
        self._note = note
        self._clock = clock
        self._visits: dict[tuple[str, str], Visit] = {}
        self._timer: IDelayedCall | None = None

    def at(self, link: ReviewLink, client: str) -> Visit | None:
        """Return the visit to a recording that goes on, if there is one."""
        found = self._visits.get((link.id, client))
        if found is not None:
            found.last = self._clock.seconds()
        return found

    def begin(
        self, link: ReviewLink, client: str, recorded: Recorded, *, live: bool = False
    ) -> Visit:
        """Begin a visit, and write that."""
        now = self._clock.seconds()
        visit = Visit(link, recorded, client, live, now, now)
        if not live:
            self._visits[link.id, client] = visit
            if self._timer is None:
                self._timer = self._clock.callLater(LOOK_EVERY, self._look)
        self.begun["live" if live else "recording"] += 1
        self._note("review", visit.members())
        return visit

    def took_file(self, visit: Visit) -> None:
        """Write that a reviewer gets the file."""
        self._note("review-file", {**visit.members(), "file": visit.recorded.entry.name})

    def end(self, visit: Visit, why: Why) -> None:
        """End a visit, and write what was sent."""
        self._visits.pop((visit.link.id, visit.client), None)
        seconds = (self._clock.seconds() if visit.live else visit.last) - visit.began
        self._note(
            "review-end",
            {
                **visit.members(),
                "from": None if visit.first is None else round(visit.first, 3),
                "to": None if visit.first is None else round(visit.until, 3),
                "seconds": round(seconds, 3),
                "bytes": visit.sent,
                "reason": why,
            },
        )

    def end_of(self, link_id: str) -> None:
        """End the visits by a link that is not good any more."""
        for visit in [each for each in self._visits.values() if each.link.id == link_id]:
            self.end(visit, "link-ended")

    def stop(self) -> None:
        """End all visits."""
        for visit in list(self._visits.values()):
            self.end(visit, "proxy-stopping")
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look(self) -> None:
        self._timer = None
        now = self._clock.seconds()
        for visit in list(self._visits.values()):
            if now - visit.last >= IDLE:
                self.end(visit, "idle")
        if self._visits:
            self._timer = self._clock.callLater(LOOK_EVERY, self._look)
