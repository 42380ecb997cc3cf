"""The plain relay: two legs, each giving what it receives to the other. Nothing clever.

It is the reference for every other relay, and what they fall back to.
"""

from __future__ import annotations

from functools import partial

from twisted.internet.defer import Deferred

from ..errors import VNCProxyError
from .leg import Leg


def join(downstream: Leg, upstream: Leg) -> Deferred[VNCProxyError]:
    """Relay between two legs until one of them is over.

    Memory stays bounded: while the outgoing buffer of one leg is full, the other one is not read.

    Returns:
        Fires with why the relay ended, after all that was received has been sent on; it is then
        the caller's turn to close both legs.
    """
    over: Deferred[VNCProxyError] = Deferred()
    end = partial(_end, over)
    downstream.deliver(upstream.send, upstream.hold)
    upstream.deliver(downstream.send, downstream.hold)
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
