"""Tells pages who else is at their machine, when that changes.

Where a machine has one session, nothing is told, and nothing is asked unless it had to wait.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any, Final
from weakref import WeakKeyDictionary

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.logger import Logger

from ..errors import StoreUnavailable
from ..model import JoinKind, SessionFilter, SessionInfo, SessionPhase, VMAddress
from ..session.registry import SessionRegistry
from ..session.state import SessionState

DELAY: Final = 0.4
"""Seconds for which changes at a machine are collected; within them, sessions are written."""

MOST_TOLD: Final = 20
"""Others that a page is told of."""

LONGEST_NOTE: Final = 60
"""Characters of names behind a desktop's name."""

OfMachine = Callable[[VMAddress], Awaitable[Sequence[SessionInfo]]]


class People:
    """Those who are at the machines of this process's sessions.

    Args:
        sessions: of this process.
        of_machine: returns the sessions of a machine, in all processes.
        driver_of: returns the id of the session that drives the machine of a session; empty where
            none does.
        clock: measures the delay.
    """

    log = Logger()

    def __init__(
        self,
        sessions: SessionRegistry,
        of_machine: OfMachine,
        driver_of: Callable[[SessionState], str],
        clock: IReactorTime,
    ) -> None:
        self._sessions = sessions
        self._of_machine = of_machine
        self._driver_of = driver_of
        self._clock = clock
        self._told: WeakKeyDictionary[SessionState, list[Any]] = WeakKeyDictionary()
        self._waiting: set[VMAddress] = set()

    def changed(self, vm: VMAddress) -> None:
        """Tell the pages at a machine soon who is there, if there are pages."""
        if vm not in self._waiting and any(self._with_pages(vm)):
            self._waiting.add(vm)
            self._clock.callLater(DELAY, self._begin, vm)

    async def count(self, session: SessionState) -> int:
        """Return how many others a session sees at its machine."""
        assert session.vm is not None
        return len(self._others(session, await self._of_machine(session.vm)))

    async def note(self, session: SessionState) -> str:
        """Return who else is at a machine, to stand behind the desktop's name; empty for none."""
        assert session.vm is not None
        others = self._others(session, await self._of_machine(session.vm))
        names = ", ".join(each["name"] for each in others if each["name"])
        if not others:
            return ""
        if not names or len(names) > LONGEST_NOTE:
            return f" (with {len(others)} other{'' if len(others) == 1 else 's'})"
        return f" (with {names})"

    def _begin(self, vm: VMAddress) -> None:
        self._waiting.discard(vm)
        telling = Deferred.fromCoroutine(self._tell(vm))
        telling.addErrback(self._failed)

    def _failed(self, failure: Any) -> None:
        if not failure.check(StoreUnavailable):
            self.log.failure("pages were not told who is at their machine", failure)

    async def _tell(self, vm: VMAddress) -> None:
        if not any(self._with_pages(vm)):
            return
        found = await self._of_machine(vm)
        for session in list(self._with_pages(vm)):
            others = self._others(session, found)
            found_them = session not in self._told and _company_at_first(session) > 1
            before, self._told[session] = self._told.get(session, []), others
            if others != before:
                session.tell_page("people", others=others[:MOST_TOLD], found=found_them)

    def _with_pages(self, vm: VMAddress) -> Iterator[SessionState]:
        """Yield the sessions whose pages may be told: not those that wait to be let in."""
        for each in self._sessions.matching(SessionFilter(vm=vm)):
            waits = each.state is SessionPhase.WAITING
            if each.page is not None and not each.ending and not waits:
                yield each

    def _others(self, session: SessionState, found: Sequence[SessionInfo]) -> list[dict[str, Any]]:
        driver = self._driver_of(session)
        return [
            self._person(other, driver)
            for other in found
            if other.id != session.id and _is_seen(other)
        ]

    def _person(self, other: SessionInfo, driver: str) -> dict[str, Any]:
        shows = self._sessions.services.show_users
        person: dict[str, Any] = {"name": other.user if shows else "", "mode": other.mode.value}
        if other.joins is not None and other.joins.kind is JoinKind.SHADOW:
            person["shadow"] = True
        if driver and other.id == driver:
            person["drives"] = True
        return person


def _company_at_first(session: SessionState) -> int:
    return 0 if session.grant is None else session.grant.company


def _is_seen(other: SessionInfo) -> bool:
    """Return whether others see a session: not one that waits, nor one that looks in silence."""
    is_announced = other.joins is None or other.joins.announced
    return is_announced and other.state is not SessionPhase.WAITING
