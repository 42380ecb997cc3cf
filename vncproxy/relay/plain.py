"""The plain relay: each of two legs sends what the other one receives.

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
    """Relay between two legs until one of them closes.

    Memory is bounded: while the outgoing buffer of one leg is full, the other one is not read.

    Args:
        stages: what the bytes of each direction pass, in this order.

    Returns:
        Fires with the reason for the end, after everything received has been sent; the caller
        closes both legs.
    """
    ended: Deferred[VNCProxyError] = Deferred()
    end = partial(_end_relay, ended)
    to_server = through(stages, Direction.TO_SERVER, upstream.send, ended)
    to_client = through(stages, Direction.TO_CLIENT, downstream.send, ended)
    downstream.deliver(to_server, upstream.set_paused)
    upstream.deliver(to_client, downstream.set_paused)
    for leg, source in ((downstream, upstream), (upstream, downstream)):
        if leg.full:
            source.pause()
    downstream.close_reason.addCallback(end)
    upstream.close_reason.addCallback(end)
    return ended


def _end_relay(ended: Deferred[VNCProxyError], why: VNCProxyError) -> VNCProxyError:
    if not ended.called:
        ended.callback(why)
    return why
