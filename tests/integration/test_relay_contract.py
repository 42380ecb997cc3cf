"""Every relay keeps the contract on every kind of connection."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, ClassVar

from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IReactorTime

from tests.doubles.viewer_messages import FENCE
from tests.doubles.wire import SocketPeer, Way, WireTestCase, forget_certificates
from tests.filters.test_guard import SHORT
from tests.relay.relay_contract import (
    RelayContract,
    WebSocketRelayContract,
    segmentation_test,
)
from tests.relay.tap_contract import Copied
from vncproxy.errors import VNCProxyError
from vncproxy.filters.rules import rules_for
from vncproxy.filters.to_server import ViewerFilter
from vncproxy.interfaces import IStage
from vncproxy.model import Direction, Policy
from vncproxy.relay import fast, plain
from vncproxy.relay.fast.pump import Pump
from vncproxy.relay.leg import Leg


class _OnSockets(WireTestCase):
    much = 500_000
    bound = 150_000
    user_way: ClassVar[Way]
    console_way: ClassVar[Way]

    @classmethod
    def tearDownClass(cls) -> None:
        forget_certificates()

    def make_clock(self) -> IReactorTime:
        self.hang_up_all()
        return self.loop

    def connect(self, leg: Leg, of_user: bool) -> SocketPeer:
        return self.peer(leg, self.user_way if of_user else self.console_way, accepted=of_user)


class _Fast(_OnSockets):
    bound = 40_000
    """What is read at once is bounded by the kernel's small buffers."""

    def join(
        self, downstream: Leg, upstream: Leg, stages: Sequence[IStage] = ()
    ) -> Deferred[VNCProxyError]:
        over = fast.join(downstream, upstream, stages, reactor=self.loop)
        whole = not (downstream.is_closing or upstream.is_closing)
        self.loop.settle()
        if whole:
            self.assertIsInstance(downstream.transport, Pump)
            self.assertIsInstance(upstream.transport, Pump)
        return over


class _Plain(_OnSockets):
    def join(
        self, downstream: Leg, upstream: Leg, stages: Sequence[IStage] = ()
    ) -> Deferred[VNCProxyError]:
        return plain.join(downstream, upstream, stages)


class _FewerExamples:
    """What is the same for all connections; memory is where many examples are tried."""

    test_any_segmentation_gives_the_same_bytes = segmentation_test(examples=15)


class _TCP(_FewerExamples):
    user_way = console_way = Way.TCP


class _UNIX(_FewerExamples):
    user_way = console_way = Way.UNIX


class _PROXY(_FewerExamples):
    user_way, console_way = Way.PROXY, Way.TCP


class _TLS(_FewerExamples):
    user_way = console_way = Way.TLS
    half_closes = False


class _TLSOverOpenConnections(_FewerExamples):
    user_way = console_way = Way.START_TLS
    half_closes = False


class _Counting(ViewerFilter):
    """A filter that counts what it is asked to process."""

    processed = 0

    def process(self, data: bytes) -> bytes:
        self.processed += 1
        return super().process(data)


if TYPE_CHECKING:

    class _Contract(_Fast, RelayContract):
        """What a guarded relay is mixed into."""
else:
    _Contract = object


class _Guarded(_Contract):
    """Further tests of a relay with a guard; no test case by itself."""

    def test_common_messages_do_not_go_through_the_filter(self) -> None:
        stage = _Counting(rules_for(Policy()))
        self.connected(stage)
        for message in (*SHORT, FENCE, *SHORT):
            self.user.send(message)
            self.settle()
            self.assertEqual(self.console.receive(), message)

        self.assertEqual(stage.processed, 1)


class _Unprocessed(Copied):
    """A tap that may only be given copies."""

    def process(self, data: bytes) -> bytes:
        raise AssertionError("a tap without stages was called as a stage")


class _Tapped(_Contract):
    """Further tests of a relay with taps; no test case by itself."""

    def test_bytes_that_are_only_copied_go_from_socket_to_socket(self) -> None:
        stage = _Counting(rules_for(Policy()))
        taps = _Unprocessed(Direction.TO_CLIENT), _Unprocessed(Direction.TO_SERVER)
        self.legs()
        self.begin(taps[0], stage, taps[1])
        self.settle()
        self.console.send(b"pixels")
        for message in SHORT:
            self.user.send(message)
            self.settle()

        self.assertEqual((self.user.receive(), taps[0].data), (b"pixels", b"pixels"))
        self.assertEqual(self.console.receive(), b"".join(SHORT))
        self.assertEqual(taps[1].data, b"".join(SHORT))
        self.assertEqual(stage.processed, 0)


class FastTests(_TCP, _Guarded, _Tapped, _Fast, RelayContract):
    websocket = False


class FastWebSocketTests(_TCP, _Guarded, _Tapped, _Fast, WebSocketRelayContract):
    pass


class FastUNIXTests(_UNIX, _Fast, RelayContract):
    websocket = False


class FastWebSocketUNIXTests(_UNIX, _Fast, WebSocketRelayContract):
    pass


class FastProxyTests(_PROXY, _Fast, RelayContract):
    websocket = False


class FastWebSocketProxyTests(_PROXY, _Fast, WebSocketRelayContract):
    pass


class FastTLSTests(_TLS, _Fast, RelayContract):
    websocket = False


class FastWebSocketTLSTests(_TLS, _Tapped, _Fast, WebSocketRelayContract):
    pass


class FastStartTLSTests(_TLSOverOpenConnections, _Fast, RelayContract):
    websocket = False


class FastWebSocketStartTLSTests(_TLSOverOpenConnections, _Fast, WebSocketRelayContract):
    pass


class PlainWebSocketTests(_TCP, _Plain, WebSocketRelayContract):
    pass


class PlainWebSocketTLSTests(_TLS, _Plain, WebSocketRelayContract):
    pass
