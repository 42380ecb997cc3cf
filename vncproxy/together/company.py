"""What sessions, pages and other processes have of `vncproxy.together`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from twisted.internet.interfaces import IReactorTime

from ..errors import StoreUnavailable
from ..interfaces import IMachineSessions
from ..model import Grant, VMAddress
from ..session.registry import SessionRegistry
from ..session.state import SessionState
from .binding import Binding
from .driving import Driving, NamedBy, Seat
from .handing import HandingOver
from .people import OfMachine, People

Note = Callable[[str, Mapping[str, object]], object]
"""Writes an audit line: the event, and further members."""


class Company:
    """The sessions of this process that are not alone at their machines.

    Args:
        sessions: of this process, which ask it from now on.
        of_machine: returns the sessions of a machine in all processes.
        machines: the same, for what is decided between them.
        note: writes an audit line.
        lease: seconds for which the store counts on this process after a heartbeat; None for ever.

    Attributes:
        binding: ends sessions that have joined others.
        driving: lets one drive at a time.
        handing: hands the control over.
        people: tells pages who is there.
    """

    def __init__(
        self,
        sessions: SessionRegistry,
        of_machine: OfMachine,
        machines: IMachineSessions,
        note: Note,
        clock: IReactorTime,
        lease: float | None = None,
    ) -> None:
        self.binding = Binding(sessions, machines, of_machine)
        self._machines = machines
        self._name_of: NamedBy = lambda each: sessions.lease(each).name
        self.driving = Driving(machines, self._name_of, clock, lease)
        self.people = People(sessions, of_machine, self._driver_of, clock)
        self.handing = HandingOver(
            self.driving, machines, note, clock, lambda: sessions.services.show_users
        )
        self.binding.on_notice = self.changed
        self.driving.on_change = self._driver_changed
        sessions.enter_machine = self.enter
        sessions.on_mode = self.mode_changed
        sessions.on_page = self.begin_page
        sessions.on_left = self.binding.session_left
        sessions.on_company = self.changed

    async def enter(self, session: SessionState) -> str:
        """Let a session take its place; returns what stands behind its desktop's name.

        Raises:
            VNCProxyError: there is no place for it.
        """
        assert session.grant is not None
        if session.joins is not None:
            await self.binding.require_host(session)
        if session.shares_control:
            await self.driving.begin(session)
        try:
            if session.consent is not None:
                await self._announce(session, session.grant)
            has_note = session.grant.company > 1 and not session.user_request.can_talk
            return await self.people.note(session) if has_note else ""
        except StoreUnavailable:
            return ""

    async def _announce(self, session: SessionState, grant: Grant) -> None:
        """Let others see a session that has waited, unseen; and count anew who is there."""
        await self._machines.announce(grant.token.vm, self._name_of(session))
        session.grant = replace(grant, company=1 + await self.people.count(session))

    def begin_page(self, session: SessionState) -> None:
        """Tell a page what its user may do with others, before it shows the screen."""
        assert session.grant is not None
        if (most := session.grant.token.policy.may_invite) is not None:
            session.tell_page("invitations", most=most.value)
        if (seat := self.driving.seat(session)) is not None:
            _tell_driver(seat)
        if session.grant.company > 1:
            self.people.changed(session.grant.token.vm)

    def mode_changed(self, session: SessionState) -> None:
        """Take note that an administrator has changed what the user of a session may do."""
        if (seat := self.driving.seat(session)) is not None:
            _tell_driver(seat)
            self.driving.mode_changed(seat)

    def changed(self, vm: VMAddress) -> None:
        """Take note that a session has entered a machine, or left it, in any process."""
        self.driving.changed(vm)
        self.people.changed(vm)

    def renew(self) -> None:
        """Take note of a heartbeat: the store knows that this process lives."""
        self.binding.check()
        self.driving.renew()

    def check(self) -> None:
        """Look for what may have been missed."""
        self.binding.check()
        self.driving.check()

    def _driver_changed(self, seat: Seat) -> None:
        _tell_driver(seat)
        self.people.changed(seat.vm)

    def _driver_of(self, session: SessionState) -> str:
        seat = self.driving.seat(session)
        return "" if seat is None else seat.driver.partition("/")[2]


def _tell_driver(seat: Seat) -> None:
    who: Any = "you" if seat.drives else "other" if seat.driver else "none"
    seat.session.tell_page("driver", who=who, may=seat.may_drive)
