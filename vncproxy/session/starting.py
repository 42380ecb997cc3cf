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
from .page_power import journey_of, who_asks
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

    It is started once, and only where the session's policy allows it.

    Raises:
        MachineOff: it is off, and the session's policy lets its user start it.
        VNCProxyError: what ``find`` raises, and `MachinePower.act`.
    """
    try:
        return await find()
    except NoGraphicalConsole:
        raise
    except ConsoleUnavailable as e:
        if not await _may_start(session, services):
            raise
        if not session.user_request.start:
            raise MachineOff(e.state, e.detail, can_start=session.user_request.can_talk) from e
    await _start(session, services)
    return await _wait_for(find, services)


async def _may_start(session: SessionState, services: Services) -> bool:
    assert session.grant is not None and session.vm is not None
    if PowerAction.START not in session.grant.token.policy.power:
        return False
    return await services.power.is_off(session.vm)


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
