"""An HTTP request after which the connection carries something else, as its client."""

from __future__ import annotations

import re
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address
from twisted.internet.defer import Deferred
from twisted.internet.interfaces import IAddress, ISSLTransport
from twisted.internet.protocol import Protocol, connectionDone
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from twisted.python.failure import Failure
from zope.interface import directlyProvides, implementer, providedBy

from ..addresses import bracketed
from ..errors import VNCProxyError
from ..handshake.dialogue import Dialogue
from ..handshake.reasons import clean_reason
from ..handshake.steps import EndOfStream, ReadUntil, StepError, Steps, Write
from ..relay.sockets import IHeaderLayer

PROTOCOL: Final = "vncproxy-zone"
"""What links and tunnels are called in ``Upgrade``."""

WHY_HEADER: Final = "VNCProxy-Refusal"
"""The header that says why a link or tunnel is refused: a code, a colon and words."""

_LONGEST = 8192
_STATUS = re.compile(rb"HTTP/1\.[01] (\d{3})(?: .*)?\r?\n")


class UpgradeRefused(VNCProxyError):
    """The other zone refuses a link or a tunnel.

    Args:
        error_code: of its error, where it is a proxy of ours; else empty.
    """

    def __init__(self, detail: str, status: int, error_code: str = "") -> None:
        super().__init__(detail)
        self.http_status = status
        self.error_code = error_code


def upgrade(host: str, port: int, path: str, signed: str) -> Steps[None]:
    """Ask a server to let the connection become a link or a tunnel.

    Args:
        signed: the request as another zone verifies it.

    Raises:
        UpgradeRefused: it does not, or is no HTTP server.
    """
    lines = (
        f"GET {path} HTTP/1.1",
        f"Host: {bracketed(host)}:{port}",
        "Connection: Upgrade",
        f"Upgrade: {PROTOCOL}",
        f"Authorization: Bearer {signed}",
    )
    yield Write("\r\n".join([*lines, "", ""]).encode())
    line = yield ReadUntil(b"\n", _LONGEST, "the first line of its HTTP reply")
    status = _STATUS.fullmatch(line)
    if not status:
        raise UpgradeRefused(f"not an HTTP reply: {line[:16].decode('latin-1')!r}", 0)
    headers = {}
    left = _LONGEST - len(line)
    while (field := (yield ReadUntil(b"\n", max(1, left), "its HTTP header"))).strip(b"\r\n"):
        left -= len(field)
        name, _, value = field.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    if status[1] != b"101" or headers.get("upgrade", "").lower() != PROTOCOL:
        raise _refused(int(status[1]), line, headers.get(WHY_HEADER.lower(), ""))


def _refused(status: int, line: bytes, why: str) -> UpgradeRefused:
    code, _, words = why.partition(": ")
    if not words:
        return UpgradeRefused(f"answered with {clean_reason(line[:128])}", status)
    return UpgradeRefused(f"{code}: {clean_reason(words.encode())}", status, code[:64])


@implementer(IHeaderLayer)
class Upgraded(ProtocolWrapper):
    """A connection that asks for the upgrade first and then carries the bytes of another protocol.

    Attributes:
        peer_known: whether the upgrade is done.
    """

    factory: UpgradeFactory
    transport: Any
    wrappedProtocol: Any

    def __init__(self, factory: UpgradeFactory, wrapped: Any) -> None:
        super().__init__(factory, wrapped)
        self.peer_known = False
        self._dialogue: Dialogue[None] | None = Dialogue(factory.steps)

    def makeConnection(self, transport: Any) -> None:
        """Send the request.

        The other protocol gets the connection later: what it registers as a producer would be
        paused, and stop reading, until TLS is established.
        """
        # Autobahn would look for TLS in this layer, where it is in the one below
        directlyProvides(self, providedBy(transport) - ISSLTransport)
        Protocol.makeConnection(self, transport)
        self.factory.registerProtocol(self)
        if self._dialogue is not None:
            transport.write(self._dialogue.outgoing())

    def dataReceived(self, data: bytes) -> None:
        """Read the reply, then pass bytes on."""
        if self.peer_known:
            self.wrappedProtocol.dataReceived(data)
        elif self._dialogue is not None:
            self._read(self._dialogue, data)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass the event on."""
        if self.peer_known:
            super().connectionLost(reason)
        else:
            self.factory.unregisterProtocol(self)
            self.wrappedProtocol = None
        self.factory.fail(reason.value or EndOfStream("the connection was lost"))

    def getPeer(self) -> IAddress:
        """Return the user's address where there is one, else that of the other zone."""
        own: IAddress = self.transport.getPeer()
        return self.factory.client or own

    def _read(self, dialogue: Dialogue[None], data: bytes) -> None:
        try:
            dialogue.receive(data)
        except (UpgradeRefused, StepError) as e:
            self._dialogue = None
            self.factory.fail(e)
            self.transport.abortConnection()
            return
        if dialogue.done:
            self._dialogue, self.peer_known = None, True
            self.wrappedProtocol.makeConnection(self)
            self.factory.done.callback(self.wrappedProtocol)
            if (leftover := dialogue.leftover()) and self.wrappedProtocol is not None:
                self.wrappedProtocol.dataReceived(leftover)


class UpgradeFactory(WrappingFactory[Upgraded]):
    """Makes one connection that is upgraded.

    Args:
        factory: of the protocol whose bytes it carries then.
        steps: ask for the upgrade.
        client: the address of the user for whom it is; empty for none.

    Attributes:
        done: fires with the protocol when the upgrade is done, or fails.
    """

    protocol = Upgraded
    noisy = False

    def __init__(self, factory: Any, steps: Steps[None], client: str = "") -> None:
        super().__init__(factory)
        self.steps = steps
        self.client = _address(client)
        self.done: Deferred[Any] = Deferred()

    def fail(self, why: BaseException) -> None:
        """Let `done` fail, unless it has fired."""
        if not self.done.called:
            self.done.errback(why)

    def doStart(self) -> None:  # noqa: N802
        """Do nothing: the factory is started by listeners of its own, if any."""

    def doStop(self) -> None:  # noqa: N802
        """Do nothing."""


def _address(client: str) -> IAddress | None:
    if not client:
        return None
    kind = IPv6Address if ":" in client else IPv4Address
    return kind("TCP", client, 0)
