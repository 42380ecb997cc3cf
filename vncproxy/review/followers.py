"""Reviewers that follow sessions while they are recorded: how many, and until when."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from ..interfaces import IReviewLinks
from ..player import Following, NotShown
from .limits import IDLE
from .visits import Visit, Visits, Why

LOOK_EVERY: Final = 0.5
"""Seconds between two looks at the links of those that follow."""

LONGEST_OUTAGE: Final = 10.0
"""Seconds for which nothing may be known of their links."""


@dataclass(eq=False, slots=True)
class _Follower:
    following: Following
    visit: Visit
    why: Why = field(default="client-gone")


class Followers:
    """The processes that send live sessions to reviewers.

    One call of the store asks for the links of all of them, twice a second.

    Args:
        most: how many there may be; returned anew for each.
        now: seconds since 1970.
    """

    log = Logger()

    def __init__(
        self,
        links: IReviewLinks,
        visits: Visits,
        most: Callable[[], int],
        clock: IReactorTime,
        now: Callable[[], float],
    ) -> None:
        self._links = links
        self._visits = visits
        self._most = most
        self._clock = clock
        self._now = now
        self._followers: set[_Follower] = set()
        self._timer: IDelayedCall | None = None
        self._known_at = 0.0

    def __len__(self) -> int:
        return len(self._followers)

    def require_room(self) -> None:
        """Refuse one more reviewer where there are too many.

        Raises:
            NotShown: there is no room.
        """
        if len(self) >= self._most():
            message = "Too many people follow sessions at the moment. Try again later."
            raise NotShown(503, "too-many-reviewers", message)

    def add(self, following: Following, visit: Visit) -> None:
        """Let a reviewer follow until the session, the link, the process or the client ends."""
        follower = _Follower(following, visit)
        self._followers.add(follower)
        visit.saw(moment := self._moment(visit), moment, 0)
        following.done.addCallback(lambda _: self._gone(follower))
        if self._timer is None:
            self._known_at = self._clock.seconds()
            self._timer = self._clock.callLater(LOOK_EVERY, self._look)

    def stop(self) -> None:
        """End all of them; their pages may come again, to another process."""
        for each in list(self._followers):
            self._end(each, "proxy-stopping")

    def _moment(self, visit: Visit) -> float:
        """Return how long the session of a visit has been recorded."""
        return max(0.0, self._now() - visit.recorded.what.about.started_at)

    def _gone(self, follower: _Follower) -> None:
        self._followers.discard(follower)
        following, visit = follower.following, follower.visit
        moment = self._moment(visit)
        visit.saw(moment, moment, following.sent)
        self._visits.end(visit, "ended" if following.is_at_end else follower.why)

    def _end(self, follower: _Follower, why: Why) -> None:
        """End one without the entry that says so: its page asks again, and is told why."""
        follower.why = why
        follower.following.end()

    def _look(self) -> None:
        self._timer = None
        if self._followers:
            looking = Deferred.fromCoroutine(self._ask(list(self._followers)))
            looking.addErrback(self._failed).addBoth(lambda _: self._again())

    def _again(self) -> None:
        if self._followers and self._timer is None:
            self._timer = self._clock.callLater(LOOK_EVERY, self._look)

    async def _ask(self, asked: Sequence[_Follower]) -> None:
        ids = list(dict.fromkeys(each.visit.link.id for each in asked))
        found = dict(zip(ids, await self._links.use(ids, IDLE), strict=True))
        self._known_at = self._clock.seconds()
        for each in asked:
            if found[each.visit.link.id] is None:
                self._end(each, "link-ended")

    def _failed(self, failure: Failure) -> None:
        """End all where nothing is known of their links for too long."""
        if not failure.check(StoreUnavailable):
            self.log.failure("links of reviewers are not looked at", failure)
        if self._clock.seconds() - self._known_at >= LONGEST_OUTAGE:
            for each in list(self._followers):
                self._end(each, "store-unavailable")
