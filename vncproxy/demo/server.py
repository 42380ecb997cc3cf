"""A small RFB server that shows a `Screen` to any number of viewers."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import cast

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.interfaces import (
    IAddress,
    IConsumer,
    IDelayedCall,
    IPushProducer,
    IReactorTime,
    ITCPTransport,
)
from twisted.internet.protocol import Protocol, ServerFactory, connectionDone
from twisted.internet.task import LoopingCall
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import DownstreamViolation, VNCProxyError
from ..handshake.dialogue import Dialogue
from ..painted.canvas import Damage, Rect
from ..painted.encode import Encoder
from ..rfb.client_messages import (
    ClientMessage,
    ClientMessages,
    FramebufferUpdateRequest,
    KeyEvent,
    PointerEvent,
    SetEncodings,
    SetPixelFormat,
)
from ..rfb.pixels import PixelFormat
from ..rfb.server_init import ServerInit
from .login import log_in
from .screen import HEIGHT, TITLE, WIDTH, Screen

LOGIN_TIME = 30.0
"""Seconds that the handshake may take."""


class DemoServer(ServerFactory):
    """Serves one screen, whose clock runs while there are viewers.

    Args:
        clock: for time limits.
        password: the password of viewers; None demands none.
        now: wall-clock time, shown on the screen.
    """

    noisy = False
    log = Logger()

    def __init__(
        self,
        clock: IReactorTime,
        password: str | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.clock = clock
        self.screen = Screen()
        self._password = password
        self._now = now
        self._viewers: set[Viewer] = set()
        self._ticking = LoopingCall(self._tick)
        self._ticking.clock = clock

    def buildProtocol(self, addr: IAddress | None) -> Viewer:
        """Return the protocol of a new connection."""
        init = ServerInit(WIDTH, HEIGHT, PixelFormat(), TITLE).pack()
        return Viewer(self, Dialogue(log_in(init, self._password)))

    def stopFactory(self) -> None:
        """Close all viewers' connections: the listener has been closed."""
        for viewer in tuple(self._viewers):
            viewer.drop()

    def add_viewer(self, viewer: Viewer) -> None:
        """Show the screen to a viewer that has logged in."""
        self._viewers.add(viewer)
        self.screen.watch(viewer)
        if not self._ticking.running:
            self._ticking.start(1.0).addErrback(self._stopped_ticking)

    def remove_viewer(self, viewer: Viewer) -> None:
        """Remove a viewer; does nothing for one that has not logged in."""
        if viewer in self._viewers:
            self._viewers.remove(viewer)
            self.screen.unwatch(viewer)
        if self._ticking.running and not self._viewers:
            self._ticking.stop()

    def _stopped_ticking(self, failure: Failure) -> None:
        self.log.failure("demonstration console: its clock stopped", failure)

    def _tick(self) -> None:
        self.screen.clock(time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(self._now())))


@implementer(IPushProducer)
class Viewer(Protocol):
    """One viewer's connection.

    It gets an update when it has requested one, something has changed, and its connection can take
    more data; the update then holds everything that has changed.
    """

    log = Logger()

    def __init__(self, server: DemoServer, login: Dialogue[bool]) -> None:
        self._server = server
        self._login = login
        self._messages = ClientMessages()
        self._encoder = Encoder()
        self._damage = Damage()
        self._request: Rect | None = None
        self._has_room = True
        self._login_limit: IDelayedCall | None = None

    def connectionMade(self) -> None:
        """Start the handshake."""
        assert self.transport is not None
        tcp = ITCPTransport(self.transport, None)
        if tcp and isinstance(tcp.getPeer(), IPv4Address | IPv6Address):
            tcp.setTcpNoDelay(True)
        self._login_limit = self._server.clock.callLater(LOGIN_TIME, self.drop)
        IConsumer(self.transport).registerProducer(self, True)
        self.transport.write(self._login.outgoing())

    def dataReceived(self, data: bytes) -> None:
        """Receive messages; closes the connection when they are not RFB."""
        try:
            if self._login.done:
                self._listen(data)
            else:
                self._log_in(data)
        except VNCProxyError as e:
            self.log.info("demonstration console: {error}", error=e)
            self.drop()

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Remove the viewer."""
        self._end_login()
        self._server.remove_viewer(self)

    def drop(self) -> None:
        """Close the connection at once."""
        self._end_login()
        self._server.remove_viewer(self)
        cast("ITCPTransport", self.transport).abortConnection()

    def damaged(self, rect: Rect) -> None:
        """Note a change that has not been sent."""
        self._damage.add(rect)

    def changed(self) -> None:
        """Send the changes, if the viewer has requested an update."""
        self._update()

    def pauseProducing(self) -> None:
        """Send no updates while the connection is full."""
        self._has_room = False

    def resumeProducing(self) -> None:
        """Send the changes of the meantime."""
        self._has_room = True
        self._update()

    def stopProducing(self) -> None:
        """Send nothing more: the connection is closed."""
        self._has_room = False

    def _log_in(self, data: bytes) -> None:
        assert self.transport is not None
        self._login.receive(data)
        self.transport.write(self._login.outgoing())
        if not self._login.done:
            return
        self._end_login()
        if self._login.result:
            self._server.add_viewer(self)
            self._listen(self._login.leftover())
        else:
            IConsumer(self.transport).unregisterProducer()
            self.transport.loseConnection()

    def _end_login(self) -> None:
        if self._login_limit is not None and self._login_limit.active():
            self._login_limit.cancel()

    def _listen(self, data: bytes) -> None:
        if not self._login.result:
            return
        for message in self._messages.receive(data):
            self._obey(message)

    def _obey(self, message: ClientMessage) -> None:
        match message:
            case SetPixelFormat(wanted):
                if not wanted.true_colour:
                    raise DownstreamViolation("pixels of a colour map are not served")
                self._encoder.use_format(wanted)
            case SetEncodings(offered):
                self._encoder.use_encodings(offered)
            case FramebufferUpdateRequest(incremental, x, y, width, height):
                self._want(Rect(x, y, width, height), everything=not incremental)
            case KeyEvent(down, keysym):
                self._server.screen.key(down, keysym)
            case PointerEvent(buttons, x, y):
                self._server.screen.pointer(buttons, x, y)

    def _want(self, area: Rect, *, everything: bool) -> None:
        visible = area.common(self._server.screen.canvas.area)
        if visible is None:
            return
        if everything:
            self._damage.add(visible)
        self._request = visible.around(self._request) if self._request else visible
        self._update()

    def _update(self) -> None:
        if self._request is None or not self._has_room:
            return
        if rects := self._damage.take(self._request):
            self._request = None
            assert self.transport is not None
            self.transport.write(self._encoder.update(self._server.screen.canvas, rects))
