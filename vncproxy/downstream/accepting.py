"""Pauses the listening sockets while more sessions are waiting to open than can be opened.

A connection that is not accepted costs nothing, while refusing one costs a good part of serving it.
Connections stay in the kernel's backlog meanwhile. Of those, the ones that are still open and have
not waited too long are served: the clients of the others would be gone before their session opens.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol

from ..relay.sockets import drop_unread

_LISTENING = frozenset({"listenTCP", "listenSSL", "listenUNIX", "adoptStreamPort"})

AT_ONCE = 10
"""Connections that each listener accepts in one iteration of the reactor while sessions wait.
Twisted accepts hundreds before it reads from the first of them."""

TOO_LONG = 3.0
"""Seconds in the backlog after which a connection is refused, while sessions wait."""

_CLOSE_WAIT = 8
_LAST_DATA = struct.Struct("B51xI")
"""Of Linux's ``struct tcp_info``: the state, and milliseconds since the last data arrived."""


class Accepting:
    """The listening sockets of the users' side, which are paused together.

    Args:
        busy: returns whether sessions are waiting to open.

    Attributes:
        refused_late: connections that were told to try again because they had waited `TOO_LONG`.
        aborted_late: those that could not be answered, or whose clients were gone.
    """

    def __init__(self, busy: Callable[[], bool], clock: IReactorTime) -> None:
        self.busy = busy
        self.refused_late = self.aborted_late = 0
        self._clock = clock
        self._ports: list[Any] = []
        self._pauses: set[str] = set()
        self._iteration_is_over = False

    def reactor(self, reactor: Any) -> Any:
        """Return a reactor that adds each listening socket it opens; for endpoint strings."""
        return _AddingReactor(reactor, self)

    def pause(self, paused: bool, why: str = "crowded") -> None:
        """Stop or resume accepting connections; they are accepted while no reason is left."""
        before = bool(self._pauses)
        (self._pauses.add if paused else self._pauses.discard)(why)
        if before != bool(self._pauses):
            self._listen(not self._pauses and not self._iteration_is_over)

    def on_accepted(self) -> None:
        """Stop accepting until the reactor's next iteration; called for each new connection."""
        if not self._iteration_is_over:
            self._iteration_is_over = True
            self._listen(False)
            self._clock.callLater(0, self._begin_iteration)

    def add(self, port: Any) -> None:
        """Add a listening socket.

        Its factory's ``late_refusal`` returns what refuses a connection that has waited too long.
        Connections of a factory without one, such as that of TLS, are aborted.
        """
        if hasattr(port, "stopReading"):
            port.factory = _FilteringFactory(port.factory, self)
            self._ports.append(port)
        if self._pauses:
            self._listen(False)

    def _begin_iteration(self) -> None:
        self._iteration_is_over = False
        if not self._pauses:
            self._listen(True)

    def _listen(self, on: bool) -> None:
        self._ports = [p for p in self._ports if p.connected and not p.disconnecting]
        for port in self._ports:
            if on:
                port.numberAccepts = min(port.numberAccepts, AT_ONCE)
                port.startReading()
            else:
                port.stopReading()


class _AddingReactor:
    """A reactor that adds its listening sockets to an `Accepting`."""

    def __init__(self, reactor: Any, accepting: Accepting) -> None:
        self._reactor = reactor
        self._accepting = accepting

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reactor, name)
        if name not in _LISTENING:
            return found

        def listen(*arguments: Any, **options: Any) -> Any:
            port = found(*arguments, **options)
            self._accepting.add(port)
            return port

        return listen


class _FilteringFactory:
    """The factory of a listening socket, which filters connections while sessions wait."""

    def __init__(self, factory: Any, accepting: Accepting) -> None:
        self._factory = factory
        self._accepting = accepting

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factory, name)

    def buildProtocol(self, addr: Any) -> Any:
        """Return the protocol of a connection; called by the listening socket."""
        if not self._accepting.busy():
            return self._factory.buildProtocol(addr)
        self._accepting.on_accepted()
        return _BacklogFilter(self._accepting, self._factory, addr)


class _BacklogFilter(Protocol):
    """Decides on a connection from the backlog: serve it, refuse it or drop it."""

    transport: Any

    def __init__(self, accepting: Accepting, factory: Any, addr: Any) -> None:
        self._accepting = accepting
        self._factory = factory
        self._addr = addr

    def connectionMade(self) -> None:
        state, waited = _waited(self.transport.getHandle())
        if state != _CLOSE_WAIT and waited < TOO_LONG:
            self._serve()
        elif state != _CLOSE_WAIT and hasattr(self._factory, "late_refusal"):
            self._accepting.refused_late += 1
            self._refuse()
        else:
            self._accepting.aborted_late += 1
            self.transport.abortConnection()

    def _serve(self) -> None:
        protocol = self._factory.buildProtocol(self._addr)
        if protocol is None:
            self.transport.abortConnection()
            return
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)

    def _refuse(self) -> None:
        drop_unread(self.transport)
        self.transport.write(self._factory.late_refusal())
        self.transport.loseConnection()


def _waited(connection: Any) -> tuple[int, float]:
    """Return a connection's TCP state, and the seconds since its last data arrived."""
    try:
        info = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size)
        state, milliseconds = _LAST_DATA.unpack(info)
    except (OSError, AttributeError, struct.error):
        return 0, 0.0  # a unix socket, or not Linux
    return state, milliseconds / 1000
