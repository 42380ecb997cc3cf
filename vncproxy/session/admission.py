"""How many sessions begin at the same time; the others wait for their turn, or are told to retry.

What a session costs most is its beginning. With more of them at once than there is time for, each
would take longer than its time limits, and all of them would be work for nothing.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..errors import Busy
from ..model import Limits, Timeouts

LONG_WAIT = 1.0
"""Seconds of waiting for a turn from which on no users are taken in, until it is half of that."""


LONGEST_TURN = 1.0
"""Seconds after its redemption for which a session keeps its turn at most: one that takes longer
waits for a hypervisor, and takes no time from others."""


class Turn:
    """One session's place in the queue.

    Attributes:
        since: when it came, on the clock.
        address: of the client.
        came: fires when it is the session's turn, or fails with ``Busy``; to be cancelled by a
            session that waits no longer.
    """

    __slots__ = ("address", "came", "since", "too_late")

    def __init__(self, address: str, since: float, came: Deferred[None]) -> None:
        self.address = address
        self.since = since
        self.came = came
        self.too_late: IDelayedCall | None = None


class Admission:
    """Turns to begin a session.

    The addresses take turns as long as several wait, each in the order in which its users came. A
    queue that is full refuses the address that has most in it.

    Args:
        limits: what holds now: ``openings`` and ``waiting``.
        timeouts: what holds now: ``waiting``.
        crowded: called with True when the queue is nearly full, or slow, so that no more users
            should be taken in, and with False when there is room again.
    """

    def __init__(
        self,
        limits: Callable[[], Limits],
        timeouts: Callable[[], Timeouts],
        clock: IReactorTime,
        crowded: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.crowded = crowded
        self.waiting = 0
        self._limits = limits
        self._timeouts = timeouts
        self._clock = clock
        self._beginning = 0
        self._queues: dict[str, deque[Turn]] = {}
        self._is_crowded = self._is_slow = False

    def turn(self, address: str) -> Deferred[None]:
        """Return what fires when a session may begin; `done` has to follow once it has begun.

        It fails with ``Busy`` when there are too many, or when the wait takes too long.
        """
        came: Deferred[None] = Deferred(lambda _: self._give_up(turn))
        turn = Turn(address, self._clock.seconds(), came)
        if not self.waiting and self._beginning < self._limits().openings:
            self._begin(turn)
        elif self.waiting < self._limits().waiting or self._make_room(address):
            self._wait(turn)
        else:
            came.errback(self._busy(f"{self.waiting} users wait, limits.waiting"))
        return came

    def keep_turn(self) -> Callable[[], None]:
        """Return what ends a turn; it ends by itself after `LONGEST_TURN`."""
        ends = self._clock.callLater(LONGEST_TURN, self.done)

        def end_turn() -> None:
            if ends.active():
                ends.cancel()
                self.done()

        return end_turn

    def done(self) -> None:
        """Let the next one begin."""
        self._beginning -= 1
        while self.waiting and self._beginning < self._limits().openings:
            self._begin(self._next())

    def _begin(self, turn: Turn) -> None:
        self._beginning += 1
        turn.came.callback(None)

    def _wait(self, turn: Turn) -> None:
        limit = self._timeouts().waiting
        self._queues.setdefault(turn.address, deque()).append(turn)
        turn.too_late = self._clock.callLater(limit, self._refuse, turn, f"no turn in {limit:g} s")
        self._count(1)

    def _next(self) -> Turn:
        """Take the oldest of the address whose turn it is, and let that address wait again."""
        address = next(iter(self._queues))
        queue = self._queues.pop(address)
        turn = queue.popleft()
        if queue:
            self._queues[address] = queue
        waited = self._clock.seconds() - turn.since
        self._is_slow = waited >= (LONG_WAIT / 2 if self._is_slow else LONG_WAIT)
        self._gone(turn)
        return turn

    def _make_room(self, address: str) -> bool:
        """Refuse the newest of the address that has most in the queue, if it is not this one."""
        longest = max(self._queues.values(), key=len, default=deque[Turn]())
        if len(longest) <= len(self._queues.get(address, ())) + 1:
            return False
        self._refuse(longest[-1], f"{self.waiting} users wait, limits.waiting, most from there")
        return True

    def _refuse(self, turn: Turn, why: str) -> None:
        self._remove(turn)
        turn.came.errback(self._busy(why))

    def _give_up(self, turn: Turn) -> None:
        if turn.too_late is not None:
            self._remove(turn)

    def _remove(self, turn: Turn) -> None:
        queue = self._queues[turn.address]
        queue.remove(turn)
        if not queue:
            del self._queues[turn.address]
        self._gone(turn)

    def _gone(self, turn: Turn) -> None:
        assert turn.too_late is not None
        if turn.too_late.active():
            turn.too_late.cancel()
        turn.too_late = None
        self._count(-1)

    def _count(self, more: int) -> None:
        self.waiting += more
        places = self._limits().waiting
        full = self.waiting * 4 >= places * (2 if self._is_crowded else 3)
        crowded = self.waiting > 0 and (full or self._is_slow)
        if crowded != self._is_crowded:
            self._is_crowded = crowded
            self.crowded(crowded)

    def _busy(self, why: str) -> Busy:
        return Busy(f"{self._beginning} sessions begin and {why}")
