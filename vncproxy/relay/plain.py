"""The plain relay: two legs, each giving what it receives to the other. Nothing clever.

It is the reference for every other relay, and what they fall back to.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from twisted.internet.defer import Deferred

from ..errors import VNCProxyError
from ..interfaces import IStage
from ..model import Direction
from .leg import Leg
from .stages import through


def join(downstream: Leg, upstream: Leg, stages: Sequence[IStage] = ()) -> Deferred[VNCProxyError]:
    """Relay between two legs until one of them is over.

    Memory stays bounded: while the outgoing buffer of one leg is full, the other one is not read.

    Args:
        stages: what the bytes of each direction pass, in this order.

    Returns:
        Fires with why the relay ended, after all that was received has been sent on; it is then
        the caller's turn to close both legs.
    """
    over: Deferred[VNCProxyError] = Deferred()
    end = partial(_end, over)
    to_server = through(stages, Direction.TO_SERVER, upstream.send, over)
    to_client = through(stages, Direction.TO_CLIENT, downstream.send, over)
    downstream.deliver(to_server, upstream.hold)
    upstream.deliver(to_client, downstream.hold)
    for leg, source in ((downstream, upstream), (upstream, downstream)):
        if leg.full:
            source.pause()
    downstream.ended.addCallback(end)
    upstream.ended.addCallback(end)
    return over


def _end(over: Deferred[VNCProxyError], why: VNCProxyError) -> VNCProxyError:
    if not over.called:
        over.callback(why)
    return why
