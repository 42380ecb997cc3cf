"""Empties the proxy: browsers move to other proxies, all other sessions end in time."""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.interfaces import IDelayedCall
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import ProxyDraining, ProxyStopping
from .live import LiveSessions
from .state import SessionState

SPREAD = 4.0
"""Seconds over which browsers move, so that other proxies do not open all consoles at once."""

PER_SECOND = 50
"""Browsers that move in a second, where the time allows; more of them take longer than `SPREAD`."""


LEAVE_TIME = 2.0
"""Seconds after which a browser that was asked to move is sent away."""


MOVE_TIME = 30.0
"""Seconds for which a resume cookie has to be good still: a page may try more than once."""


class Draining:
    """Empties the proxy once; further calls can only shorten the time.

    Args:
        sessions: refuse new ones from then on.
        resume: seconds for which resume cookies are good.
        chance: returns a random number from 0 to 1.
    """

    log = Logger()

    def __init__(
        self,
        sessions: LiveSessions,
        resume: float,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self._sessions = sessions
        self._resume = resume
        self._chance = chance
        self._clock = sessions.services.reactor
        self._end: IDelayedCall | None = None
        self._moving: Deferred[None] | None = None
        self._planned: tuple[float, float] | None = None

    def begin(
        self, timeout: float, move_in: float | None, *, refuse: bool = True
    ) -> Deferred[None]:
        """Refuse new sessions, and end those that there are.

        Args:
            refuse: False where none come any more but those of connections that are open already.
            timeout: seconds after which the sessions that are left are ended.
            move_in: seconds after which browsers begin to move; None where there is no other proxy.

        Returns:
            Fires when no session is left.
        """
        self._sessions.draining |= refuse
        if self._end_within(timeout):
            self.log.info(
                "draining: no new sessions are taken, {sessions} are left, for {timeout:g} s at "
                "most",
                sessions=len(self._sessions),
                timeout=timeout,
            )
        self._plan(timeout, move_in)
        return self._sessions.wait_until_empty().addCallback(self._on_empty)

    def _plan(self, timeout: float, move_in: float | None) -> None:
        """Let browsers move, as early as any call has asked for."""
        if move_in is None and self._planned is None:
            return
        now, before = self._clock.seconds(), self._planned or (math.inf, math.inf)
        end = min(before[1], now + timeout)
        begin = min(before[0], math.inf if move_in is None else now + move_in)
        begin = min(begin, max(now, end - LEAVE_TIME))
        if (begin, end) == before:
            return
        self._planned = begin, end
        if self._moving is not None:
            self._moving.cancel()
        self._moving = Deferred.fromCoroutine(self._move_browsers(begin, end))
        self._moving.addErrback(self._log_failure)

    def _end_within(self, timeout: float) -> bool:
        """Return whether this is the first call, or one that shortens the time."""
        if self._end is None:
            self._end = self._clock.callLater(timeout, self._end_all)
        elif self._end.active() and self._clock.seconds() + timeout < self._end.getTime():
            self._end.reset(timeout)
        else:
            return False
        return True

    def _end_all(self) -> None:
        self._sessions.draining = True
        for session in self._sessions.snapshot():
            session.cancel(ProxyStopping())

    def _on_empty(self, _: None) -> None:
        if self._end is not None and self._end.active():
            self._end.cancel()
            self.log.info("drained: no session is left")
        if self._moving is not None:
            self._moving.cancel()

    def _log_failure(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("browsers were not moved", failure)

    async def _move_browsers(self, begin: float, end: float) -> None:
        """Ask the pages to move that have not been asked yet, and send away those that stay."""
        if begin > self._clock.seconds():
            await deferLater(self._clock, begin - self._clock.seconds())
        browsers = [
            each
            for each in self._sessions.snapshot()
            if each.moving is None and self._can_move(each)
        ]
        random.shuffle(browsers)
        moments = self._moments(len(browsers), end - self._clock.seconds() - LEAVE_TIME)
        for session, at in zip(browsers, moments, strict=True):
            await deferLater(self._clock, max(0.0, at - self._clock.seconds()))
            session.ask_to_move(ProxyDraining())
        await deferLater(self._clock, LEAVE_TIME)
        for session in self._sessions.snapshot():
            if session.moving is not None:
                session.cancel(ProxyDraining())

    def _can_move(self, session: SessionState) -> bool:
        """Return whether a session's page can enter the console again by its cookie."""
        grant = session.grant
        if grant is None or not session.user_request.can_move:
            return session.user_request.can_move
        since_first_use = grant.age + self._clock.seconds() - session.started
        return bool(grant.cookie_id) and since_first_use < self._resume - MOVE_TIME

    def _moments(self, count: int, most: float) -> Sequence[float]:
        """Return a random moment in each of so many equal parts of the time."""
        now, seconds = self._clock.seconds(), min(spread(count), max(most, 0.0))
        return [now + (n + self._chance()) * seconds / count for n in range(count)]


def spread(count: int) -> float:
    """Return the seconds over which so many pages move."""
    return max(SPREAD, count / PER_SECOND)
