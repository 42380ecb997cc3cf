"""How often users are refused with words and lines in the log, before they are refused cheaply.

Each refusal that is the user's own fault takes one from the allowance of the user's address. Where
none is left, requests for consoles are answered 429 without a session, a look at the store or a
line of audit.
"""

from __future__ import annotations

import math

from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger
from zope.interface import implementer

from ..errors import BadRequest, DownstreamViolation, Forbidden, TokenRefused, VNCProxyError
from ..interfaces import ISessionObserver
from ..model import Limits, SessionInfo, new_id
from .allowance import Allowance
from .forwarded import counted_as
from .occasional import OccasionalWarning

_COUNTED = (BadRequest, Forbidden, TokenRefused, DownstreamViolation)


@implementer(ISessionObserver)
class Refusals:
    """Counts refusals by address.

    Args:
        limits: `Limits.refusals` at once, and `Limits.refusals_per_minute` from then on.

    Attributes:
        warning: reports addresses that are refused too often.
        too_often: requests that were refused cheaply so far.
    """

    log = Logger()

    def __init__(self, limits: Limits, clock: IReactorTime) -> None:
        self._clock = clock
        self.warning = OccasionalWarning(clock.seconds)
        self.too_often = 0
        self.set_limits(limits)

    def set_limits(self, limits: Limits) -> None:
        """Begin anew with other limits."""
        rate, burst = limits.refusals_per_minute / 60, float(limits.refusals)
        # no limit on all together: strangers must not use up what is left for others
        self._allowance = Allowance(rate, burst, math.inf, self._clock.seconds)

    def too_many(self, client: str) -> bool:
        """Tell whether an address has been refused so often that it gets no more words."""
        if self._allowance.left(counted_as(client)):
            return False
        self.too_often += 1
        self.warning(
            "{client} is refused more often than limits.refusals allows: what it asks for is "
            "answered 429, without further lines",
            client=client,
        )
        return True

    def note(self, client: str, what: str, why: str) -> str:
        """Count and log a refusal that no session has made.

        Args:
            what: is refused, in words for the log.
            why: with nothing in it that could begin a line of its own.

        Returns:
            What to put behind the words for the user: the id of the line; empty where the address
            is refused so often that there is none.
        """
        if not self._allowance.take(counted_as(client)):
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
        """Count a refusal that is the user's fault.

        A full proxy is not: whole offices come by one address, and their pages try again.
        """
        if isinstance(error, _COUNTED):
            self._allowance.take(counted_as(session.client))

    def opened(self, session: SessionInfo) -> None:
        """Do nothing."""

    def closed(self, session: SessionInfo, why: VNCProxyError) -> None:
        """Do nothing."""
