"""HTTP connections in memory to a site of a few resources."""

from __future__ import annotations

from twisted.internet.protocol import Protocol, connectionDone
from twisted.internet.task import Clock
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import Request
from twisted.web.resource import Resource
from twisted.web.server import NOT_DONE_YET

from vncproxy.downstream.channel import ConsoleChannel
from vncproxy.downstream.http_site import ConsoleSite
from vncproxy.model import Limits
from vncproxy.testing import MemoryPeer

TOKEN = "a-token-of-24-characters"


class Successor(Protocol):
    """Records its bytes and its end."""

    def __init__(self) -> None:
        self.got = b""
        self.lost = False

    def dataReceived(self, data: bytes) -> None:
        self.got += data

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        self.lost = True


class _Root(Resource):
    isLeaf = True

    def __init__(self) -> None:
        super().__init__()
        self.successor = Successor()
        self.requests: list[Request] = []

    def render(self, request: Request) -> bytes | int:
        self.requests.append(request)
        assert request.content is not None
        self.content = request.content.read()
        channel = request.channel
        assert isinstance(channel, ConsoleChannel)
        if request.method == b"CONNECT":
            channel.hand_over(self.successor)
            return NOT_DONE_YET
        if request.path == b"/later":
            return NOT_DONE_YET
        return b"X" * int(request.path.rpartition(b"/")[2] or b"2")


class ChannelTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.root = _Root()
        limits = Limits(header_bytes=1024, header_time=10)
        self.site = ConsoleSite(self.root, limits, self.clock)

    def connect(self, room: int = 65536) -> MemoryPeer:
        return MemoryPeer(self.site.buildProtocol(None), room)
