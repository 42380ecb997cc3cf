"""A leg on a connection in memory, and handshakes to run over it."""

from __future__ import annotations

from twisted.internet.defer import Deferred
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.errors import ClientGone, VNCProxyError
from vncproxy.handshake.steps import Read, Steps, Write
from vncproxy.relay.framing import Framing
from vncproxy.relay.handshaking import run_handshake
from vncproxy.relay.leg import Leg
from vncproxy.relay.raw_framing import RawFraming
from vncproxy.relay.websocket_framing import WebSocketFraming
from vncproxy.testing import MemoryPeer


def ask_name() -> Steps[bytes]:
    yield Write(b"name?")
    name = yield Read(3, "a name")
    yield Write(b"hello " + name)
    return name


def broken() -> Steps[None]:
    yield Read(1)
    yield Write(b"so far")
    raise KeyError("a defect")


class LegTestCase(SynchronousTestCase):
    def connect(self, framing: Framing | None = None, room: int = 65536) -> None:
        self.clock = Clock()
        self.leg = Leg(framing or RawFraming(), self.clock, ClientGone)
        self.peer = MemoryPeer(self.leg, room)

    def websocket(self, room: int = 65536) -> None:
        self.connect(WebSocketFraming(), room)

    def run_handshake(self, steps: Steps[object], timeout: float = 10) -> Deferred[object]:
        return Deferred.fromCoroutine(run_handshake(self.leg, steps, timeout))

    def why(self) -> VNCProxyError:
        why: VNCProxyError = self.successResultOf(self.leg.close_reason)
        return why
