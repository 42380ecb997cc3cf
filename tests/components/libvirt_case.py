"""The libvirt backend with real threads, towards a private libvirtd."""

from __future__ import annotations

import socket
from collections.abc import Awaitable
from functools import cache
from typing import TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.components.libvirt_host import VNC_ON_LOOPBACK, Guest, private_libvirtd
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.blocking import BoundedCalls
from vncproxy.errors import (
    VNCProxyError,
)
from vncproxy.model import ConsoleEndpoint, Transport
from vncproxy.testing import backend_context

E = TypeVar("E", bound=VNCProxyError)


ON_A_SOCKET = "<graphics type='vnc'><listen type='socket'/></graphics>"
NOWHERE = "<graphics type='vnc'><listen type='none'/></graphics>"


NONE, VNC_AUTH = 1, 2


def connect(endpoint: ConsoleEndpoint) -> socket.socket:
    """Dial an endpoint, or take over its descriptor."""
    match endpoint.transport:
        case Transport.TCP:
            return socket.create_connection((endpoint.host, endpoint.port), 60)
        case Transport.UNIX:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(endpoint.path)
        case Transport.FD:
            connection = socket.socket(fileno=endpoint.fd)
    connection.settimeout(60)
    return connection


def security_types(endpoint: ConsoleEndpoint) -> list[int]:
    """Send the banner of RFB 3.8 and return the security types the server offers."""
    with connect(endpoint) as connection, connection.makefile("rb") as stream:
        assert stream.read(12) == b"RFB 003.008\n"
        connection.sendall(b"RFB 003.008\n")
        return [*stream.read(stream.read(1)[0])]


@cache
def _shared_guest(graphics: str) -> Guest:
    number = _shared_guest.cache_info().currsize
    return Guest(private_libvirtd(), f"shared{number}", graphics, "s3cret").start()


class LibvirtCase(TestCase):
    """A backend with real threads over a real libvirtd."""

    timeout = 300

    def setUp(self) -> None:
        self.host = private_libvirtd()
        self.backend = self.backend_of()

    def backend_of(self, **table: object) -> LibvirtBackend:
        calls = BoundedCalls(reactor, reactor, threads=2, waiting=2)  # type: ignore[arg-type]
        self.addCleanup(calls.close)
        settings = LibvirtSettings.model_validate({"uri": self.host.uri, "timeout": 60, **table})
        backend = LibvirtBackend(backend_context(settings, calls, "kvm"))
        self.addCleanup(lambda: Deferred.fromCoroutine(backend.close()))
        return backend

    def guest(self, graphics: str = VNC_ON_LOOPBACK, password: str | None = None) -> Guest:
        """Start a machine for a test that changes it."""
        guest = Guest(self.host, "own", graphics, password).start()
        self.addCleanup(guest.destroy)
        return guest

    def shared_guest(self, graphics: str = VNC_ON_LOOPBACK) -> Guest:
        """Return a running machine with a password that several tests share."""
        return _shared_guest(graphics)

    async def failure(self, answer: Awaitable[object], kind: type[E]) -> E:
        try:
            await answer
        except kind as e:
            return e
        raise AssertionError(f"{kind.__name__} not raised")
