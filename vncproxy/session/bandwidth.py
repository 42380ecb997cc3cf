"""The rates of sessions: each its own, and one that the sessions of a user share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from weakref import WeakValueDictionary

from ..interfaces import IStage
from ..model import Token
from ..relay.leg import Leg
from ..relay.pacing import Allowance, Pace


class Bandwidth:
    """Makes the stages that keep sessions of this process to their rates.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._of_user: WeakValueDictionary[str, Allowance] = WeakValueDictionary()

    def with_pace(
        self, stages: Sequence[IStage], token: Token, per_user: int, down: Leg, up: Leg
    ) -> Sequence[IStage]:
        """Return the stages of a session, the last of which keeps it to its rates if it has any.

        Args:
            per_user: bytes in a second for all sessions of a user; 0 for any number.
        """
        allowances = []
        if token.policy.bandwidth is not None:
            allowances.append(Allowance(token.policy.bandwidth, self._seconds))
        if per_user and token.user:
            allowances.append(self._shared(token.user, per_user))
        return (*stages, Pace(down, up, allowances)) if allowances else stages

    def _shared(self, user: str, rate: int) -> Allowance:
        """Return what the sessions of a user share; a rate that was changed counts for them all."""
        shared = self._of_user.get(user)
        if shared is None:
            shared = self._of_user[user] = Allowance(rate, self._seconds)
        shared.rate = rate
        return shared
