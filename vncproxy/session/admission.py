"""Limits how many sessions open at the same time; the others wait in a queue, or are refused.

Opening is the most expensive part of a session. If too many opened at once, each would exceed its
time limits, and all of their work would be lost.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IDelayedCall, IReactorTime

from ..errors import Busy
from ..model import Limits, Timeouts

LONG_WAIT = 1.0
"""Seconds in the queue from which on the proxy accepts no connections, until it is half of that."""

LONGEST_TURN = 1.0
"""Seconds after which the turn of a session ends whose token is redeemed: it waits for a hypervisor
then, and needs little of the processor."""


class Turn:
    """The turn of one session to open.

    Attributes:
        address: of the client.
        requested_at: in seconds of the clock.
        begun: fires when the turn begins, or fails with ``Busy``; cancelling it gives the turn up.
        expiry: refuses the session; None while it is not in the queue.
    """

    __slots__ = ("address", "begun", "expiry", "requested_at")

    def __init__(self, address: str, requested_at: float, begun: Deferred[None]) -> None:
        self.address = address
        self.requested_at = requested_at
        self.begun = begun
        self.expiry: IDelayedCall | None = None


class Admission:
    """The queue of sessions that wait to open.

    While several addresses wait, one session of each opens in rotation, in the order of its
    requests. A full queue refuses the newest session of the address that has most in it.

    Args:
        limits: returns the present limits, for ``openings`` and ``waiting``.
        timeouts: returns the present time limits, for ``waiting``.
        on_crowded: called with True when the queue is nearly full, or slow, so that no more
            connections should be accepted, and with False when there is room again.

    Attributes:
        waiting: how many sessions are in the queue.
    """

    def __init__(
        self,
        limits: Callable[[], Limits],
        timeouts: Callable[[], Timeouts],
        clock: IReactorTime,
        on_crowded: Callable[[bool], None] = lambda _: None,
    ) -> None:
        self.on_crowded = on_crowded
        self.waiting = 0
        self._limits = limits
        self._timeouts = timeouts
        self._clock = clock
        self._opening = 0
        self._is_beginning = False
        self._queues: dict[str, deque[Turn]] = {}
        self._is_crowded = self._is_slow = False

    def begin_at_once(self) -> bool:
        """Begin the turn of a session if no session has to wait; `end_turn` has to follow then."""
        if self.waiting or self._opening >= self._limits().openings:
            return False
        self._opening += 1
        return True

    def wait_for_turn(self, address: str) -> Deferred[None]:
        """Return a Deferred that fires when a session may open; `end_turn` has to follow then.

        It fails with ``Busy`` when the queue is full, or when the wait takes too long.
        """
        begun: Deferred[None] = Deferred(lambda _: self._give_up(turn))
        turn = Turn(address, self._clock.seconds(), begun)
        if not self.waiting and self._opening < self._limits().openings:
            self._begin(turn)
        elif self.waiting < self._limits().waiting or self._make_room(address):
            self._enqueue(turn)
        else:
            begun.errback(self._busy(f"{self.waiting} users wait, limits.waiting"))
        return begun

    def limit_turn(self) -> Callable[[], None]:
        """Return a function that ends a turn, which else ends by itself after `LONGEST_TURN`."""
        expiry = self._clock.callLater(LONGEST_TURN, self.end_turn)

        def end_once() -> None:
            """End the turn, unless that has been done."""
            if expiry.active():
                expiry.cancel()
                self.end_turn()

        return end_once

    def end_turn(self) -> None:
        """End the turn of a session, and begin those of others while there is room.

        A session that fails at once ends its turn within this call; the loop that runs goes on.
        """
        self._opening -= 1
        if self._is_beginning:
            return
        self._is_beginning = True
        try:
            while self.waiting and self._opening < self._limits().openings:
                self._begin(self._next())
        finally:
            self._is_beginning = False

    def _begin(self, turn: Turn) -> None:
        self._opening += 1
        turn.begun.callback(None)

    def _enqueue(self, turn: Turn) -> None:
        limit = self._timeouts().waiting
        self._queues.setdefault(turn.address, deque()).append(turn)
        turn.expiry = self._clock.callLater(limit, self._refuse, turn, f"no turn in {limit:g} s")
        self._count(1)

    def _next(self) -> Turn:
        """Take the oldest turn of the next address, and put that address at the end."""
        address = next(iter(self._queues))
        queue = self._queues.pop(address)
        turn = queue.popleft()
        if queue:
            self._queues[address] = queue
        waited = self._clock.seconds() - turn.requested_at
        self._is_slow = waited >= (LONG_WAIT / 2 if self._is_slow else LONG_WAIT)
        self._leave_queue(turn)
        return turn

    def _make_room(self, address: str) -> bool:
        """Refuse the newest turn of the address that has most, unless it is this address."""
        longest = max(self._queues.values(), key=len, default=deque[Turn]())
        if len(longest) <= len(self._queues.get(address, ())) + 1:
            return False
        self._refuse(longest[-1], f"{self.waiting} users wait, limits.waiting, most from there")
        return True

    def _refuse(self, turn: Turn, why: str) -> None:
        self._remove(turn)
        turn.begun.errback(self._busy(why))

    def _give_up(self, turn: Turn) -> None:
        if turn.expiry is not None:
            self._remove(turn)

    def _remove(self, turn: Turn) -> None:
        queue = self._queues[turn.address]
        queue.remove(turn)
        if not queue:
            del self._queues[turn.address]
        self._leave_queue(turn)

    def _leave_queue(self, turn: Turn) -> None:
        assert turn.expiry is not None
        if turn.expiry.active():
            turn.expiry.cancel()
        turn.expiry = None
        self._count(-1)

    def _count(self, more: int) -> None:
        self.waiting += more
        places = self._limits().waiting
        full = self.waiting * 4 >= places * (2 if self._is_crowded else 3)
        crowded = self.waiting > 0 and (full or self._is_slow)
        if crowded != self._is_crowded:
            self._is_crowded = crowded
            self.on_crowded(crowded)

    def _busy(self, why: str) -> Busy:
        return Busy(f"{self._opening} sessions begin and {why}")
