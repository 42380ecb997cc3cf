"""The plain relay keeps the contract."""

from __future__ import annotations

from collections.abc import Sequence

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.relay.relay_contract import RelayContract, WebSocketRelayContract
from vncproxy.errors import VNCProxyError
from vncproxy.interfaces import IStage
from vncproxy.relay.leg import Leg
from vncproxy.relay.plain import join


class _Plain:
    def join(
        self, downstream: Leg, upstream: Leg, stages: Sequence[IStage] = ()
    ) -> Deferred[VNCProxyError]:
        return join(downstream, upstream, stages)


class PlainRelayTests(_Plain, RelayContract, SynchronousTestCase):
    websocket = False


class PlainWebSocketRelayTests(_Plain, WebSocketRelayContract, SynchronousTestCase):
    pass
