"""Joins two legs: with the plain relay at once, and by pumps from the next turn of the reactor."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred

from ...errors import VNCProxyError
from ...interfaces import IGuard, IStage, ITap, IViewerStage
from ...model import Direction
from .. import plain
from ..leg import Leg
from ..raw_framing import RawFraming
from ..websocket_framing import WebSocketFraming
from .detach import detach, detachable
from .dispatcher import Dispatcher, dispatcher_of
from .pump import FramingType, Pump
from .tapped import SendsPayload, Tapped
from .tls_pump import TLSPump


def join(
    downstream: Leg, upstream: Leg, stages: Sequence[IStage] = (), *, reactor: Any
) -> Deferred[VNCProxyError]:
    """Relay between two legs until one of them closes, as `vncproxy.relay.plain.join` does.

    The pumps take over at the reactor's next turn, outside the transports' own callbacks; a pair
    with a socket that cannot be detached stays with the plain relay. A direction with stages goes
    through the legs, but for what a viewer's stage has a guard for; the other one from socket to
    socket, and so does one that is only copied.
    """
    ended = plain.join(downstream, upstream, stages)
    ways = _Way.of(stages, Direction.TO_SERVER), _Way.of(stages, Direction.TO_CLIENT)
    reactor.callLater(0, _replace_transports, downstream, upstream, ways, reactor)
    return ended


class _Way(NamedTuple):
    """What the bytes of one direction pass.

    Attributes:
        is_direct: whether they, or what the guard lets pass, go from socket to socket.
        guard: lets a viewer's messages pass beside the only stage of their direction.
        tap: copies what goes from socket to socket.
    """

    is_direct: bool
    guard: IGuard | None = None
    tap: ITap | None = None

    @classmethod
    def of(cls, stages: Sequence[IStage], direction: Direction) -> _Way:
        own = [stage for stage in stages if stage.direction is direction]
        taps = [stage for stage in own if ITap.providedBy(stage)]
        others = [stage for stage in own if not ITap.providedBy(stage)]
        tap: ITap | None = ITap(taps[0]) if taps else None
        if len(taps) > 1 or len(others) > 1:
            return cls(is_direct=False)
        if not others:
            return cls(is_direct=True, tap=tap)
        if IViewerStage.providedBy(others[0]):
            return cls(True, IViewerStage(others[0]).guard, tap)
        return cls(is_direct=False)


def _replace_transports(
    downstream: Leg, upstream: Leg, ways: tuple[_Way, _Way], reactor: Any
) -> None:
    legs = (downstream, upstream)
    if any(leg.is_closing or not detachable(leg.transport) for leg in legs):
        return
    dispatcher = dispatcher_of(reactor)
    try:
        _join_pumps(legs, ways, dispatcher, reactor)
    except Exception:  # noqa: BLE001 a session with one pump would never end
        dispatcher.log.failure("a relay could not begin")
        for leg in legs:
            leg.transport.abortConnection()


def _join_pumps(
    legs: tuple[Leg, Leg], ways: tuple[_Way, _Way], dispatcher: Dispatcher, reactor: Any
) -> None:
    pumps = [_pump(leg, dispatcher, reactor) for leg in legs]
    for leg, own, other, way in zip(legs, pumps, reversed(pumps), ways, strict=True):
        sends: SendsPayload | None = other if way.is_direct else None
        if sends is not None and way.tap is not None:
            sends = Tapped(sends, way.tap, leg, dispatcher)
        own.join(sends, way.guard)
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
