"""Pairs of joined legs on real sockets, and sockets that take little at a time."""

from __future__ import annotations

import socket
from typing import Any, ClassVar

from twisted.internet.defer import Deferred

from tests.doubles.wire import SocketPeer, Way, WireTestCase, forget_certificates
from tests.relay.relay_contract import User
from vncproxy.errors import (
    ClientGone,
    ConsoleEnded,
    VNCProxyError,
)
from vncproxy.relay import fast
from vncproxy.relay.fast.pump import Pump
from vncproxy.relay.framing import Framing
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming

PIXELS = bytes(range(256)) * 2000


class ReluctantSocket:
    """A socket that takes and gives only as many bytes as its plan says; None is EAGAIN."""

    def __init__(self, real: socket.socket, plan: list[int | None]) -> None:
        self._real = real
        self._plan = plan

    def __getattr__(self, name: str) -> Any:
        return getattr(self._real, name)

    def send(self, data: memoryview) -> int:
        return self._real.send(data[: self._allowed()])

    def recv_into(self, window: memoryview) -> int:
        return self._real.recv_into(window[: self._allowed()])

    def _allowed(self) -> int:
        size = self._plan.pop() if self._plan else 1 << 20
        if size is None:
            raise BlockingIOError
        return size


class Pair:
    """Two joined legs and their peers."""

    def __init__(self, test: PumpTestCase, framing: Framing, upstream: Framing | None) -> None:
        self.loop = test.loop
        self.down = Leg(framing, self.loop, ClientGone)
        self.up = Leg(upstream or RawFraming(), self.loop, ConsoleEnded)
        websocket = isinstance(framing, WebSocketFraming)
        self.user = User(test.peer(self.down, test.user_way, accepted=True), websocket)
        self.console = test.peer(self.up, test.console_way, accepted=False)
        self.over: Deferred[VNCProxyError] = fast.join(self.down, self.up, reactor=self.loop)
        self.loop.settle()
        test.assertIsInstance(self.down.transport, Pump)

    @property
    def peer(self) -> SocketPeer:
        assert isinstance(self.user.peer, SocketPeer)
        return self.user.peer

    def hear_all(self) -> bytes:
        heard = b""
        while piece := self.user.receive():
            heard += piece
        return heard

    def end(self, why: VNCProxyError, linger: float = 5.0) -> None:
        """Close both legs, as a session does."""
        self.down.close(why, linger, "7f3a")
        self.up.close(why, linger)
        self.loop.settle()


class CountingLeg(Leg):
    """A leg that counts how often its bytes take the long way."""

    calls = 0

    def dataReceived(self, data: bytes) -> None:
        self.calls += 1
        super().dataReceived(data)


class PumpTestCase(WireTestCase):
    user_way: ClassVar[Way] = Way.TCP
    console_way: ClassVar[Way] = Way.TCP

    @classmethod
    def tearDownClass(cls) -> None:
        forget_certificates()

    def pair(self, framing: Framing | None = None, upstream: Framing | None = None) -> Pair:
        return Pair(self, framing or WebSocketFraming(), upstream)

    def assert_idle(self) -> None:
        """Check that turns find nothing to do; TCP may still have had a few bytes on their way."""
        self.loop.settle()
        before = self.loop.events
        for _ in range(100):
            self.loop.turn()
        self.assertLess(self.loop.events - before, 10)
