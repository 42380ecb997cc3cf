"""When a session has to end whatever happens in it, and how its page is told before.

Durations are measured by the monotonic clock. Allowed hours are those of the wall clock, so they
are looked at again and again: it may be set.
"""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Final

from ..errors import OutsideHours, SessionEnded, TimeLimit
from ..model import Grant, OpenTimes, UnixTime

EARLY, LATE = 300.0, 60.0
"""Seconds before an end at which a page is told of it."""

EARLY_PART, LATE_PART, LEAST = 1 / 5, 1 / 20, 10.0
"""The same for short sessions: parts of their whole duration, and the least seconds."""

IDLE_EARLIEST: Final = 120.0
"""The most seconds before the end of an idle session at which its page is told."""

STEP: Final = 3.0
"""Seconds by which an end has to move for the page to be told again."""

Tell = Callable[..., object]
"""Sends a message to a page: `SessionState.tell_page`."""


class Ends:
    """The ends of one session, of which the nearest counts.

    Args:
        deadline: the end of its longest duration, in seconds of the monotonic clock.
        duration: that duration.
        allowed: when it may be open.
        time: the wall clock.
    """

    __slots__ = ("_allowed", "_deadline", "_duration", "_known_from", "_known_until", "_time")

    def __init__(
        self,
        deadline: float | None,
        duration: float | None,
        allowed: OpenTimes | None,
        time: Callable[[], UnixTime],
    ) -> None:
        self._deadline = inf if deadline is None else deadline
        self._duration = inf if duration is None else duration
        self._allowed = allowed
        self._time = time
        self._known_from = self._known_until = 0.0

    @classmethod
    def of(cls, grant: Grant, started: float, time: Callable[[], UnixTime]) -> Ends | None:
        """Return the ends of a session; None where its policy names none.

        Args:
            started: when it began, in seconds of the monotonic clock.
            time: the wall clock.
        """
        policy = grant.token.policy
        duration, allowed = policy.max_duration, policy.open_times
        if duration is None and allowed is None:
            return None
        # the store answered after the start, so this is never more than what is left
        deadline = None if duration is None else started + duration - grant.age
        return cls(deadline, duration, allowed, time)

    def nearest(self, now: float) -> tuple[float, str]:
        """Return the seconds that are left, and the member of the policy that ends the session."""
        left, why = self._deadline - now, "max_duration"
        if self._allowed is not None and (allowed := self._allowed_seconds(self._allowed)) < left:
            last = self._allowed.not_after
            is_last = last is not None and last - self._known_until < 1
            left, why = allowed, "not_after" if is_last else "hours"
        return left, why

    def reached(self, why: str) -> SessionEnded:
        """Return the reason for the end of the session."""
        if why == "max_duration" or self._allowed is None:
            return TimeLimit()
        return outside(self._allowed, max(self._time(), self._known_until))

    def ahead(self, why: str) -> tuple[float, float]:
        """Return the seconds before an end at which the page is told."""
        return warned_ahead(self._duration if why == "max_duration" else inf)

    def _allowed_seconds(self, allowed: OpenTimes) -> float:
        when = self._time()
        if not self._known_from <= when < self._known_until:
            seconds = allowed.seconds_until_change(when) if allowed.is_open(when) else 0.0
            self._known_from = when
            self._known_until = inf if seconds is None else when + seconds
        return self._known_until - when


def outside(allowed: OpenTimes, when: UnixTime) -> SessionEnded:
    """Return why a session may not be open at a moment at which it may not be."""
    begin = allowed.next_opening(when)
    if begin is not None:
        words = allowed.in_words(begin)
        public = f"This console may be opened from {words}."
        return OutsideHours(f"its hours begin {words}", public=public)
    if allowed.not_after is not None:
        words = allowed.in_words(allowed.not_after)
        return TimeLimit(f"not after {words}", public=f"This console was open until {words}.")
    return OutsideHours("none of its hours comes")


def warned_ahead(duration: float) -> tuple[float, float]:
    """Return the seconds before the end of a session of so many at which its page is told."""
    early = min(EARLY, max(LEAST, duration * EARLY_PART))
    return early, min(LATE, max(LEAST, duration * LATE_PART))


def warned_idle(idle_timeout: float) -> tuple[float]:
    """Return the same for one that is idle."""
    ahead = max(LEAST, idle_timeout * EARLY_PART)
    return (min(IDLE_EARLIEST, ahead, idle_timeout / 2),)


class Warnings:
    """What a page is told of one end, as it comes nearer or goes away again."""

    __slots__ = ("_end", "_level", "_tell", "_why")

    def __init__(self, tell: Tell) -> None:
        self._tell = tell
        self._level = 0
        self._end = 0.0
        self._why = ""

    def note(self, now: float, left: float, why: str, ahead: tuple[float, ...]) -> None:
        """Tell the page what is new to it.

        Args:
            left: seconds until the end.
            ahead: the seconds before an end at which it is told.
        """
        level = _level(left, ahead)
        known = why == self._why and abs(now + left - self._end) < STEP
        if level == self._level and (not level or known):
            return
        self._level, self._why, self._end = level, why, now + left
        self._tell("time", left=round(left) if level else None, why=why)

    def seconds_until_news(self, left: float, ahead: tuple[float, ...]) -> float:
        """Return the seconds after which `note` may have something to tell."""
        if _level(left, ahead) != self._level:
            return 0.0
        return left - max((each for each in ahead if each < left), default=0.0)


def _level(left: float, ahead: tuple[float, ...]) -> int:
    return sum(left <= each for each in ahead)
