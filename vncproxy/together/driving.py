"""One drives at a time: whose keys and pointer reach a machine whose policy says ``one-driver``.

The store knows the driver of each machine. A session drives while this process has read that it is
the driver; nothing else lets it drive, and it stops before another one is named. So the only steps
are: none to a session; from a session to another one or to none, by its own process, after its
control was held back; and to none when its session or process is gone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import ModeFixed, StoreUnavailable
from ..interfaces import IMachineSessions
from ..model import Mode, VMAddress
from ..session.state import SessionState

HOLD: Final = "one-driver"
"""The reason by which the control of a session that does not drive is held back."""

READ_AFTER: Final = 12
"""Heartbeats after which drivers are read again."""

NamedBy = Callable[[SessionState], str]
"""Returns the name of a session among all processes."""


@dataclass(slots=True, eq=False)
class Seat:
    """A session at a machine with one driver.

    Attributes:
        driver: the name of the driver, as it was read last; empty for none.
        version: counts what this process did about it: what was read before is out of date then.
    """

    session: SessionState
    name: str
    vm: VMAddress
    driver: str = ""
    version: int = 0

    @property
    def drives(self) -> bool:
        """Whether it drives."""
        return self.driver == self.name

    @property
    def may_drive(self) -> bool:
        """Whether its user may control the machine at all."""
        return self.session.rights.mode is Mode.CONTROL and self.session.rights.can_change


class Driving:
    """The sessions of this process at machines with one driver.

    Args:
        machines: knows the drivers.
        name_of: returns the name of a session.
        clock: for the lease.
        lease: seconds for which the store counts on this process after `renew`; None for ever.

    Attributes:
        on_change: is called with each seat at which another driver is known than before.
    """

    log = Logger()

    def __init__(
        self,
        machines: IMachineSessions,
        name_of: NamedBy,
        clock: IReactorTime,
        lease: float | None = None,
    ) -> None:
        self.on_change: Callable[[Seat], object] = lambda seat: None
        self._machines = machines
        self._name_of = name_of
        self._clock = clock
        self._lease = lease
        self._counts_until = float("-inf")
        self._fence: Any = None
        self._seats: dict[str, Seat] = {}
        self._beats = 0

    async def begin(self, session: SessionState) -> None:
        """Let a session of such a policy drive if no other does; call it before bytes flow.

        Raises:
            StoreUnavailable: that is not known.
        """
        assert session.vm is not None
        session.rights.hold(HOLD)
        seat = Seat(session, self._name_of(session), session.vm)
        self._seats = {each.session.id: each for each in self._live()}
        self._seats[session.id] = seat
        self._set_fence()
        await self.read(seat, wants=seat.may_drive)

    def seat(self, session: SessionState) -> Seat | None:
        """Return the seat of a session of this process; None where it has none."""
        return self._seats.get(session.id)

    def named(self, name: str) -> Seat | None:
        """Return the seat of a session of this process by its name among all processes."""
        return self._seats.get(name.partition("/")[2])

    def seats_at(self, vm: VMAddress) -> Iterator[Seat]:
        """Yield the seats at a machine."""
        return (seat for seat in self._live() if seat.vm == vm)

    async def read(self, seat: Seat, *, wants: bool = False) -> None:
        """Read the driver of a machine, and drive or stop accordingly.

        A session whose user may only watch gives the machine up.

        Args:
            wants: whether the session becomes the driver where there is none.
        """
        version = seat.version
        driver = await self._machines.drive(seat.vm, seat.name, wants=wants)
        if seat.version == version:
            self._apply(seat, driver)
        if not seat.may_drive:
            await self.give(seat)

    async def give(self, seat: Seat, other: str = "") -> bool:
        """Stop driving, then hand the machine over to another session, or to none.

        Returns:
            Whether the other one drives now; False where this one did not drive, or that one has
            ended.

        Raises:
            StoreUnavailable: the session drives no more; who does is read later.
        """
        if not seat.drives:
            return False
        self._stop(seat)
        seat.version += 1
        seat.driver = ""
        driver = await self._machines.give(seat.vm, seat.name, other)
        self._apply(seat, driver)
        if not driver:
            self.on_change(seat)
        return bool(other) and driver == other

    def _apply(self, seat: Seat, driver: str) -> None:
        changed, seat.driver = seat.driver != driver, driver
        if seat.session.ending:
            return
        rights = seat.session.rights
        try:
            if seat.drives and self._may_count_on():
                rights.release(HOLD)
            else:
                rights.hold(HOLD)
        except ModeFixed:
            self.log.failure("session {session}: its driver is fixed", session=seat.session.id)
        if changed:
            self.on_change(seat)

    def _stop(self, seat: Seat) -> None:
        seat.session.rights.hold(HOLD)

    def changed(self, vm: VMAddress) -> None:
        """Read the driver of a machine again, which has changed in another process."""
        for seat in list(self.seats_at(vm)):
            self._read_again(seat)

    def mode_changed(self, seat: Seat) -> None:
        """Give the machine up where the driver may only watch from now on.

        One who may control it again drives if no other does.
        """
        self._read_soon(seat, wants=seat.may_drive)

    def check(self) -> None:
        """Read all drivers again: notices may be lost, and so may what the store knew."""
        for seat in list(self._live()):
            self._read_again(seat)

    def renew(self) -> None:
        """Count on the store for one more lease, from this moment: it knows that we live."""
        assert self._lease is not None
        counted = self._may_count_on()
        self._counts_until = self._clock.seconds() + self._lease
        self._beats = (self._beats + 1) % READ_AFTER
        if self._seats:
            self._set_fence()
            if not counted or not self._beats:
                self.check()

    def _may_count_on(self) -> bool:
        return self._lease is None or self._clock.seconds() < self._counts_until

    def _set_fence(self) -> None:
        """Let the sessions stop when the lease ends."""
        if self._lease is None:
            return
        left = max(0.0, self._counts_until - self._clock.seconds())
        if self._fence is not None and self._fence.active():
            self._fence.reset(left)
        else:
            self._fence = self._clock.callLater(left, self._lose)

    def stop(self) -> None:
        """End the timer."""
        if self._fence is not None and self._fence.active():
            self._fence.cancel()

    def _lose(self) -> None:
        """Let no session drive: the store may have named others, since it does not know us."""
        for seat in self._live():
            seat.version += 1
            self._stop(seat)

    def _read_again(self, seat: Seat) -> None:
        self._read_soon(seat, wants=seat.drives and seat.may_drive)

    def _read_soon(self, seat: Seat, *, wants: bool) -> None:
        reading = Deferred.fromCoroutine(self.read(seat, wants=wants))
        reading.addErrback(lambda why: why.trap(StoreUnavailable))

    def _live(self) -> Iterator[Seat]:
        return (seat for seat in list(self._seats.values()) if not seat.session.ending)
