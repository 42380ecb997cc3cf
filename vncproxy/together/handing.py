"""Hands the control of a machine over: a user asks for it, and the driver's user consents."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import deferLater
from twisted.logger import Logger

from ..errors import BadRequest, Busy, Forbidden, StoreUnavailable
from ..interfaces import IMachineSessions
from ..model import VMAddress
from ..session.state import SessionState
from .driving import Driving, Seat

CONSENT_TIME: Final = 20.0
"""Seconds within which the driver's user may answer."""

MARKER: Final = "driver"
"""The member of each message about drivers."""

_FORCED_TRIES: Final = 30
_FORCED_WAIT: Final = 0.1

_Key = TypeVar("_Key")

Note = Callable[[str, Mapping[str, object]], object]
"""Writes an audit line: the event, and further members."""


class HandingOver:
    """Answers the requests ``drive`` and ``hand-over`` of pages, and messages of other processes.

    Args:
        driving: the sessions of this process.
        machines: knows the drivers.
        note: writes an audit line.
        clock: for time limits.
        show_users: returns whether users are told the names of others.
    """

    log = Logger()

    def __init__(
        self,
        driving: Driving,
        machines: IMachineSessions,
        note: Note,
        clock: IReactorTime,
        show_users: Callable[[], bool],
    ) -> None:
        self._driving = driving
        self._machines = machines
        self._note = note
        self._clock = clock
        self._show_users = show_users
        self._asked: dict[tuple[str, str], float] = {}
        self._asking: dict[str, float] = {}

    async def ask(self, session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Let a session drive if none does, else ask the driver's user; answers which it was.

        Raises:
            Forbidden: the machine has no single driver, or the user may only watch.
            Busy: the session has asked within `CONSENT_TIME`, whatever the answer was.
        """
        seat = self._seat(session)
        if not seat.may_drive:
            raise Forbidden(public="You may watch this machine, and not control it.")
        await self._driving.read(seat, wants=True)
        if seat.drives:
            self._note("drive", _facts(seat))
            return {"drives": True}
        now = self._clock.seconds()
        if self._asking.get(seat.name, 0.0) > now:
            raise Busy(public="You have asked already. Wait 20 seconds before you ask again.")
        self._asking = _later(self._asking, now)
        self._asking[seat.name] = now + CONSENT_TIME
        await self._tell(seat.driver, "asks", seat, by=seat.name, user=session.user)
        return {"drives": False, "seconds": CONSENT_TIME}

    async def answer(self, session: SessionState, message: Mapping[str, Any]) -> Mapping[str, Any]:
        """Take what the driver's user decides; ``to`` names who has asked, empty to give it up.

        Raises:
            Forbidden: the session does not drive.
            BadRequest: no user of this name has asked within `CONSENT_TIME`.
        """
        seat, to, agrees = self._seat(session), message.get("to", ""), message.get("agrees") is True
        if not isinstance(to, str):
            raise BadRequest("the name of a session is no text")
        if not seat.drives:
            raise Forbidden(public="You do not have the control any more.")
        if to and self._asked.pop((session.id, to), 0.0) < self._clock.seconds():
            raise BadRequest(public="That is too long ago. Let them ask again.")
        if not to:
            await self._driving.give(seat)
            self._note("drive-free", _facts(seat))
            return {"done": True}
        if not agrees:
            await self._tell(to, "refused", seat)
            return {"done": True}
        return {"done": await self._hand_over(seat, to, "")}

    async def _hand_over(self, seat: Seat, to: str, by: str) -> bool:
        own = seat.session.id
        self._asked = {each: until for each, until in self._asked.items() if each[0] != own}
        done = await self._driving.give(seat, to)
        to_id = to.partition("/")[2]
        self._note("drive-handed", {**_facts(seat), "to": to_id, "by": by or None})
        return done

    async def force(self, vm: VMAddress, session_id: str, by: str) -> bool:
        """Let a session drive although another one does, which has to stop first.

        Returns:
            Whether it drives now: not where the machine has no such session, or where the process
            of the driver does not answer within three seconds.
        """
        name = await self._machines.find(vm, session_id, joined=True)
        if not name:
            return False
        for attempt in range(_FORCED_TRIES):
            driver = await self._machines.drive(vm, name, wants=True)
            if driver == name:
                return True
            if attempt % 10 == 0:
                members = {"vm": str(vm), "session": driver, "to": name, "user": by}
                await self._machines.tell(driver, json.dumps({MARKER: "give", **members}))
            await deferLater(self._clock, _FORCED_WAIT)
        return False

    def received(self, message: bytes) -> None:
        """Take a message of another process; one that is malformed is ignored."""
        try:
            members = json.loads(message)
            event, vm = members[MARKER], VMAddress.parse(members["vm"])
            if event == "changed":
                self._driving.changed(vm)
                return
            seat = self._driving.named(members["session"])
            if seat is not None and seat.name == members["session"] and seat.vm == vm:
                self._take(event, seat, members)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as e:
            self.log.warn("a message about a driver cannot be read: {why}", why=repr(e)[:200])

    def _take(self, event: str, seat: Seat, members: Mapping[str, Any]) -> None:
        if event == "asks":
            self._be_asked(seat, str(members["by"]), str(members["user"]))
        elif event == "refused":
            seat.session.tell_page("drive-refused")
        elif event == "give" and seat.drives:
            giving = Deferred.fromCoroutine(
                self._hand_over(seat, str(members["to"]), str(members["user"]))
            )
            giving.addErrback(lambda why: why.trap(StoreUnavailable))

    def _be_asked(self, seat: Seat, by: str, user: str) -> None:
        """Ask the driver's user; a viewer without a page cannot consent."""
        name = user if self._show_users() else ""
        if not seat.drives:
            return
        told = seat.session.tell_page("drive-asked", to=by, name=name, seconds=CONSENT_TIME)
        if told:
            now = self._clock.seconds()
            self._asked = _later(self._asked, now)
            self._asked[seat.session.id, by] = now + CONSENT_TIME
            return
        telling = Deferred.fromCoroutine(self._tell(by, "refused", seat))
        telling.addErrback(lambda why: why.trap(StoreUnavailable))

    async def _tell(self, name: str, event: str, seat: Seat, **members: str) -> None:
        text = json.dumps({MARKER: event, "vm": str(seat.vm), "session": name, **members})
        await self._machines.tell(name, text)

    def _seat(self, session: SessionState) -> Seat:
        seat = self._driving.seat(session)
        if seat is None:
            raise Forbidden(public="At this machine everybody has the control.")
        return seat


def _later(times: Mapping[_Key, float], now: float) -> dict[_Key, float]:
    """Return the entries whose time has not come yet."""
    return {key: time for key, time in times.items() if time > now}


def _facts(seat: Seat) -> Mapping[str, object]:
    """Return who drives, for an audit line."""
    return {"session": seat.session.id, "user": seat.session.user, "vm": str(seat.vm)}
