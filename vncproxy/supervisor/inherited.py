"""What a worker inherits from its supervisor: descriptors, and the numbers in its environment."""

from __future__ import annotations

import errno
import json
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from twisted.internet.abstract import FileDescriptor
from twisted.internet.address import UNIXAddress
from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IAddress, IListeningPort
from twisted.logger import Logger
from twisted.protocols.tls import TLSMemoryBIOFactory
from zope.interface import implementer

from ..config.listeners import EndpointText
from ..errors import ConfigurationError

VARIABLE = "VNCPROXY_INHERITED"
PROXY_ID, WORKER, GENERATION = "VNCPROXY_ID", "VNCPROXY_WORKER", "VNCPROXY_GENERATION"

_ADOPTED = frozenset({"listenTCP", "listenUNIX", "adoptStreamPort"})


@dataclass(frozen=True, slots=True)
class Inherited:
    """The descriptors of a worker.

    Attributes:
        control: of the channel to the supervisor.
        log: where log events are written to.
        configuration: a file with the text of the configuration.
        listeners: the endpoint strings, each with its listening socket.
        worker: the number of this worker, from 1.
    """

    control: int
    log: int
    configuration: int
    listeners: Sequence[tuple[str, int]]
    worker: int

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> Self:
        """Read what the supervisor has written; each descriptor is closed in further processes."""
        found = json.loads(environment[VARIABLE])
        listeners = [(text, number) for text, number in found.pop("listeners")]
        for number in (*found.values(), *(number for _, number in listeners)):
            os.set_inheritable(number, False)
        return cls(**found, listeners=listeners, worker=int(environment[WORKER]))

    def read_configuration(self) -> bytes:
        """Return the text of the configuration, and close its file."""
        with os.fdopen(self.configuration, "rb") as file:
            file.seek(0)
            return file.read()


class InheritedListeners:
    """Listens on inherited sockets, in the place of those that endpoint strings name.

    Args:
        listeners: the endpoint strings of the supervisor with their sockets.
    """

    def __init__(self, listeners: Sequence[tuple[str, int]]) -> None:
        self._left = list(listeners)

    def check(self, endpoints: Sequence[str]) -> None:
        """Make sure that these endpoints are those of the supervisor.

        Raises:
            ConfigurationError: one is missing, or there is one more.
        """
        if sorted(endpoints) != sorted(text for text, _ in self._left):
            raise ConfigurationError(
                "[listen] has changed, and the supervisor has bound its sockets when it started: "
                "restart the proxy"
            )

    def take(self, endpoint: str, reactor: Any) -> tuple[str, Any]:
        """Return an endpoint string for a listener, and the reactor that adopts its socket."""
        index = next(i for i, (text, _) in enumerate(self._left) if text == endpoint)
        _, descriptor = self._left.pop(index)
        of_systemd = EndpointText.parse(endpoint).kind == "systemd"
        # parsed, it would look for a socket of systemd
        return "tcp:0" if of_systemd else endpoint, _Adopting(reactor, descriptor)


class _Adopting:
    """A reactor that listens on an inherited socket, whatever it is told to listen on."""

    def __init__(self, reactor: Any, descriptor: int) -> None:
        self._reactor = reactor
        self._descriptor = descriptor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenTCP(self, port: int, factory: Any, *_: Any, **more: Any) -> IListeningPort:
        return self._adopt(factory)

    def listenUNIX(self, address: str, factory: Any, *_: Any, **more: Any) -> IListeningPort:
        return self._adopt(factory)

    def listenSSL(
        self, port: int, factory: Any, contextFactory: Any, *_: Any, **more: Any
    ) -> IListeningPort:
        return self._adopt(TLSMemoryBIOFactory(contextFactory, False, factory))

    def _adopt(self, factory: Any) -> IListeningPort:
        os.set_blocking(self._descriptor, False)
        with socket.socket(fileno=os.dup(self._descriptor)) as found:
            family = found.family
        port: IListeningPort
        if family == socket.AF_UNIX:
            return UnixListener(self._descriptor, factory, self._reactor)
        port = self._reactor.adoptStreamPort(self._descriptor, family, factory)
        os.close(self._descriptor)
        return port


@implementer(IListeningPort)
class UnixListener(FileDescriptor):
    """Accepts connections from an inherited unix socket.

    Twisted's own would change the mode of the socket's file, and remove it at the end.

    Args:
        descriptor: of the listening socket, which belongs to the listener from now on.

    Attributes:
        numberAccepts: connections that are accepted in one iteration of the reactor.
    """

    log = Logger()

    def __init__(self, descriptor: int, factory: Any, reactor: Any) -> None:
        super().__init__(reactor)
        self.factory = factory
        self.numberAccepts = 10
        self._socket = socket.socket(fileno=descriptor)
        factory.doStart()
        self.connected = True
        self.startReading()

    def startListening(self) -> None:
        """Do nothing: the socket listens."""

    def fileno(self) -> int:
        """Return the descriptor, for the reactor."""
        return self._socket.fileno()

    def getHost(self) -> IAddress:
        """Return the address of the socket."""
        return UNIXAddress(self._socket.getsockname() or None)

    def doRead(self) -> None:
        """Accept connections; called by the reactor."""
        for _ in range(self.numberAccepts):
            try:
                connection, _address = self._socket.accept()
            except BlockingIOError:
                return
            except OSError as e:
                if e.errno in (errno.EMFILE, errno.ENFILE):
                    self.log.error("no descriptor is left for a connection")
                return
            with connection:
                connection.setblocking(False)
                reactor: Any = self.reactor
                reactor.adoptStreamConnection(connection.fileno(), socket.AF_UNIX, self.factory)

    def stopListening(self) -> Deferred[None]:
        """Stop accepting; the socket goes on listening in other processes."""
        if self.connected:
            self.stopReading()
            self.connected = False
            self._socket.close()
            self.factory.doStop()
        return succeed(None)

    def connectionLost(self, reason: Any) -> None:
        """Close the socket; called by the reactor when it ends."""
        self.stopListening()
