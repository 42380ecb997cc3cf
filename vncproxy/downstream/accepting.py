"""Listeners that leave new connections to the kernel while there are more users than can be served.

A connection that is not accepted costs nothing; one that is refused in words costs a good part of
one that is served, and many of them leave no time for those. Of what has waited in the kernel, only
those are served who are still there and have not waited too long: the others would be gone by the
time that their turn comes.
"""

from __future__ import annotations

import random
import socket
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.protocol import Protocol

from ..errors import Busy

_LISTENING = frozenset({"listenTCP", "listenSSL", "listenUNIX", "adoptStreamPort"})

AT_ONCE = 10
"""Connections that each listener accepts in one round of the reactor while users wait. Twisted
itself takes hundreds, before it looks at what the first of them ask for."""

TOO_LONG = 3.0
"""Seconds in the kernel after which a user is not served any more, while others wait."""

_CLOSE_WAIT = 8
_LAST_DATA = struct.Struct("B51xI")
"""Of Linux's ``struct tcp_info``: state, and milliseconds since data came, or the connection."""


class Accepting:
    """The listening sockets of the users' side, which can be paused all at once.

    Args:
        busy: tells whether users wait.
    """

    def __init__(self, busy: Callable[[], bool], clock: IReactorTime) -> None:
        self.busy = busy
        self._clock = clock
        self._ports: list[Any] = []
        self._paused = False
        self._round_is_over = False

    def reactor(self, reactor: Any) -> Any:
        """Return a reactor whose listening sockets take part; for endpoint strings."""
        return _Watched(reactor, self)

    def pause(self, paused: bool) -> None:
        """Accept no more connections, or accept them again."""
        self._paused = paused
        self._listen(not paused and not self._round_is_over)

    def accepted(self) -> None:
        """Take note that a connection was accepted while users wait."""
        if not self._round_is_over:
            self._round_is_over = True
            self._listen(False)
            self._clock.callLater(0, self._begin_round)

    def add(self, port: Any, words: bool) -> None:
        """Take note of a socket that listens from now on.

        Args:
            words: whether plain HTTP can be answered to what it accepts.
        """
        if hasattr(port, "stopReading"):
            port.factory = _Factory(port.factory, self, words)
            self._ports.append(port)
        if self._paused:
            self._listen(False)

    def _begin_round(self) -> None:
        self._round_is_over = False
        if not self._paused:
            self._listen(True)

    def _listen(self, on: bool) -> None:
        self._ports = [p for p in self._ports if p.connected and not p.disconnecting]
        for port in self._ports:
            if on:
                port.numberAccepts = min(port.numberAccepts, AT_ONCE)
                port.startReading()
            else:
                port.stopReading()


class _Watched:
    """A reactor that tells of its listening sockets."""

    def __init__(self, reactor: Any, accepting: Accepting) -> None:
        self._reactor = reactor
        self._accepting = accepting

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reactor, name)
        if name not in _LISTENING:
            return found

        def listen(*arguments: Any, **options: Any) -> Any:
            port = found(*arguments, **options)
            self._accepting.add(port, words=name != "listenSSL")
            return port

        return listen


class _Factory:
    """A listening socket's factory, which looks at connections first while users wait."""

    def __init__(self, factory: Any, accepting: Accepting, words: bool) -> None:
        self._factory = factory
        self._accepting = accepting
        self._words = words

    def __getattr__(self, name: str) -> Any:
        return getattr(self._factory, name)

    def buildProtocol(self, addr: Any) -> Any:
        """Return the protocol of a connection; called by the listening socket."""
        if not self._accepting.busy():
            return self._factory.buildProtocol(addr)
        self._accepting.accepted()
        return _First(self._factory, addr, self._words)


class _First(Protocol):
    """Stands for a connection's protocol until it is known that the connection is worth one."""

    transport: Any

    def __init__(self, factory: Any, addr: Any, words: bool) -> None:
        self._factory = factory
        self._addr = addr
        self._words = words

    def connectionMade(self) -> None:
        state, waited = _waited(self.transport.getHandle())
        if state != _CLOSE_WAIT and waited < TOO_LONG:
            self._give_way()
        elif state != _CLOSE_WAIT and self._words:
            self._refuse()
        else:
            self.transport.abortConnection()

    def _give_way(self) -> None:
        protocol = self._factory.buildProtocol(self._addr)
        if protocol is None:
            self.transport.abortConnection()
            return
        self.transport.protocol = protocol
        protocol.makeConnection(self.transport)

    def _refuse(self) -> None:
        """Answer without looking at the request, which is read so that the answer arrives."""
        with suppress(OSError):
            self.transport.getHandle().recv(65536)
        words = Busy.public.encode()
        self.transport.write(
            b"HTTP/1.1 503 %s\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n"
            b"Retry-After: %d\r\nConnection: close\r\n\r\n%s\n"
            % (words, len(words) + 1, random.randint(1, Busy.retry_after), words)  # noqa: S311
        )
        self.transport.loseConnection()


def _waited(connection: Any) -> tuple[int, float]:
    """Return a connection's TCP state, and the seconds for which its request has been there."""
    try:
        told = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _LAST_DATA.size)
        state, milliseconds = _LAST_DATA.unpack(told)
    except (OSError, AttributeError, struct.error):
        return 0, 0.0  # a unix socket, or a system that does not tell
    return state, milliseconds / 1000
