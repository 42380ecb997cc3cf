"""Logs refused requests, and limits how many of an address are refused at full cost.

Each refusal that is the client's fault counts against the rate limit of the client's address.
Beyond it, requests for consoles are answered 429 without a session, a query of the store or an
audit line.
"""

from __future__ import annotations

import math

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..addresses import counted_as
from ..errors import (
    BadRequest,
    DownstreamViolation,
    Forbidden,
    LoginRequired,
    TokenRefused,
    VNCProxyError,
)
from ..interfaces import ISessionObserver
from ..model import Limits, SessionInfo, new_id
from .rate_limit import RateLimit
from .throttled_warning import ThrottledWarning

TOO_OFTEN = "Too many requests from your address were refused. Wait a minute and try again."

_COUNTED = (BadRequest, Forbidden, LoginRequired, TokenRefused, DownstreamViolation)


@implementer(ISessionObserver)
class Refusals:
    """Counts the refusals of each address.

    Args:
        limits: `Limits.refusals` at once, and `Limits.refusals_per_minute` from then on.

    Attributes:
        warning: logs addresses beyond the limit.
        cheap_refusals: requests that were answered 429 so far.
    """

    log = Logger()

    def __init__(self, limits: Limits, clock: IReactorTime) -> None:
        self._clock = clock
        self.warning = ThrottledWarning(clock.seconds)
        self.cheap_refusals = 0
        self.set_limits(limits)

    def set_limits(self, limits: Limits) -> None:
        """Apply other limits; counts of addresses start at zero again."""
        rate, burst = limits.refusals_per_minute / 60, float(limits.refusals)
        # no limit on all addresses together: one of them must not use up that of others
        self._rate_limit = RateLimit(rate, burst, math.inf, self._clock.seconds)
        self._uncounted = RateLimit(rate, burst, math.inf, self._clock.seconds)

    def refuses_cheaply(self, client: str) -> bool:
        """Tell whether an address is beyond its limit; if so, one more cheap refusal is counted."""
        if self._rate_limit.left(counted_as(client)):
            return False
        self.cheap_refusals += 1
        self.warning(
            "{client} is refused more often than limits.refusals allows: what it asks for is "
            "answered 429, without further lines",
            client=client,
        )
        return True

    def log_refusal(self, client: str, what: str, why: str, *, counts: bool = True) -> str:
        """Count and log the refusal of a request that has no session.

        Args:
            what: the kind of request, for the log.
            why: the cause, for the log, without line breaks.
            counts: False for what any user may do, which has as many lines, apart from the others.

        Returns:
            The log line's id, to be appended to the user's message; empty when nothing was logged
            because the address is beyond its limit.
        """
        limit = self._rate_limit if counts else self._uncounted
        if not limit.take(counted_as(client)):
            return ""
        request_id = new_id()
        self.log.info(
            "{what} {request} from {client} refused: {why}",
            what=what,
            request=request_id,
            client=client,
            why=why,
        )
        return f" (id {request_id})"

    def refused(self, session: SessionInfo, error: VNCProxyError) -> None:
        """Count a refusal that is the client's fault.

        A proxy at its limits is not: many users may share one address, and their pages retry.
        """
        if isinstance(error, _COUNTED):
            self._rate_limit.take(counted_as(session.client))

    def opened(self, session: SessionInfo) -> None:
        """Do nothing."""

    def changed(self, session: SessionInfo, by: str) -> None:
        """Do nothing."""

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Do nothing."""
