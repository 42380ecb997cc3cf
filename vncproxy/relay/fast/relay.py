"""Joins two legs: with the plain relay at once, and by pumps from the next turn of the reactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from twisted.internet.defer import Deferred

from ...errors import VNCProxyError
from ...interfaces import IGuard, IStage, IViewerStage
from ...model import Direction
from .. import plain
from ..leg import Leg
from ..raw_framing import RawFraming
from ..websocket_framing import WebSocketFraming
from .detach import detach, detachable
from .dispatcher import Dispatcher, dispatcher_of
from .pump import FramingType, Pump
from .tls_pump import TLSPump

Staged = frozenset[Direction]
"""The directions that have stages."""


def join(
    downstream: Leg, upstream: Leg, stages: Sequence[IStage] = (), *, reactor: Any
) -> Deferred[VNCProxyError]:
    """Relay between two legs until one of them closes, as `vncproxy.relay.plain.join` does.

    The pumps take over at the reactor's next turn, outside the transports' own callbacks; a pair
    with a socket that cannot be detached stays with the plain relay. A direction with stages goes
    through the legs, but for what a viewer's stage has a guard for; the other one from socket to
    socket.
    """
    ended = plain.join(downstream, upstream, stages)
    staged, guard = frozenset(stage.direction for stage in stages), _guard_of(stages)
    reactor.callLater(0, _replace_transports, downstream, upstream, staged, guard, reactor)
    return ended


def _guard_of(stages: Sequence[IStage]) -> IGuard | None:
    """Return what lets a viewer's messages pass beside the only stage of their direction."""
    own = [stage for stage in stages if stage.direction is Direction.TO_SERVER]
    if len(own) != 1 or not IViewerStage.providedBy(own[0]):
        return None
    guard: IGuard = IViewerStage(own[0]).guard
    return guard


def _replace_transports(
    downstream: Leg, upstream: Leg, staged: Staged, guard: IGuard | None, reactor: Any
) -> None:
    legs = (downstream, upstream)
    if any(leg.is_closing or not detachable(leg.transport) for leg in legs):
        return
    dispatcher = dispatcher_of(reactor)
    try:
        _join_pumps(legs, staged, guard, dispatcher, reactor)
    except Exception:  # noqa: BLE001 a session with one pump would never end
        dispatcher.log.failure("a relay could not begin")
        for leg in legs:
            leg.transport.abortConnection()


def _join_pumps(
    legs: tuple[Leg, Leg],
    staged: Staged,
    guard: IGuard | None,
    dispatcher: Dispatcher,
    reactor: Any,
) -> None:
    user, console = (_pump(leg, dispatcher, reactor) for leg in legs)
    parsed = Direction.TO_SERVER in staged and guard is None
    user.join(None if parsed else console, guard)
    console.join(None if Direction.TO_CLIENT in staged else user)
    for leg in legs:
        if leg.paused:
            leg.transport.pauseProducing()


def _pump(leg: Leg, dispatcher: Dispatcher, reactor: Any) -> Pump:
    detached = detach(leg.transport)
    make = Pump if detached.tls is None else TLSPump
    leg.transport = pump = make(leg, _framing_type(leg), detached, dispatcher, reactor.seconds)
    return pump


def _framing_type(leg: Leg) -> FramingType:
    match leg.framing:
        case RawFraming():
            return FramingType.RAW
        case WebSocketFraming(client=False):
            return FramingType.WEBSOCKET
        case WebSocketFraming():
            return FramingType.WEBSOCKET_CLIENT
        case _:
            return FramingType.OTHER
