"""A machine that is off: its page is told that it may be started, and starts it when asked to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

from twisted.internet.task import deferLater

from ..errors import (
    ConsoleUnavailable,
    MachineOff,
    NoGraphicalConsole,
    PowerStateUnfit,
    UpstreamUnreachable,
)
from ..model import PowerAction
from .awaited import START, noting
from .page_power import journey_of, refusal, who_asks
from .services import Services
from .state import SessionState

T = TypeVar("T")

START_TIME: Final = 45.0
"""Seconds within which the console of a machine that was started must show; pages wait for 60."""

PAUSE: Final = 0.5
"""Seconds between two looks for the console."""


async def open_or_start(
    session: SessionState, services: Services, find: Callable[[], Awaitable[T]]
) -> T:
    """Return what ``find`` returns; a machine that is off is started first if its user asks for it.

    It is started once, and only where the session may do it to the machine now; a request to start
    it that is refused is recorded.

    Raises:
        MachineOff: it is off, and the session lets its user start it, or the zone of its user.
        VNCProxyError: what ``find`` raises, and `MachinePower.act`.
    """
    try:
        return await find()
    except NoGraphicalConsole:
        raise
    except ConsoleUnavailable as e:
        visits = session.border is not None and session.border.from_zone != ""
        if not (visits or _may_start(session, services)):
            raise
        assert session.vm is not None
        if not await services.power.is_off(session.vm, e):
            raise
        if visits or not session.user_request.start:
            can_start = visits or session.user_request.can_talk
            raise MachineOff(e.state, e.detail, can_start=can_start) from e
    noting(session, services.reactor.seconds)(START)
    await _start(session, services)
    return await _wait_for(find, services)


def _may_start(session: SessionState, services: Services) -> bool:
    """Return whether a session may start its machine, and record a request that is refused."""
    assert session.vm is not None
    refused = refusal(session, PowerAction.START)
    if refused is not None and session.user_request.start:
        services.power.refused(session.vm, PowerAction.START, refused, who_asks(session))
    return refused is None


async def _start(session: SessionState, services: Services) -> None:
    assert session.vm is not None
    services.power.allowance.take(session.token_id)
    try:
        await services.power.act(
            session.vm, PowerAction.START, journey_of(session), who_asks(session)
        )
    except PowerStateUnfit as e:
        session.log.info(
            "session {session}: not started, it is {state}", session=session.id, state=e.state
        )


async def _wait_for(find: Callable[[], Awaitable[T]], services: Services) -> T:
    """Look for the console until it is there."""
    clock = services.reactor
    give_up = clock.seconds() + START_TIME
    while True:
        try:
            return await find()
        except NoGraphicalConsole:
            raise
        except (ConsoleUnavailable, UpstreamUnreachable):
            if clock.seconds() + PAUSE >= give_up:
                raise
        await deferLater(clock, PAUSE)
