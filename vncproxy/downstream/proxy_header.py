"""The PROXY protocol, in which a load balancer names the client of a forwarded connection.

Versions 1 and 2 of HAProxy's proxy-protocol.txt. Twisted's own parser raises
unhandled errors on some headers, and on headers that arrive in small pieces.
"""

from __future__ import annotations

from ipaddress import IPv4Address as IPv4
from ipaddress import IPv6Address as IPv6
from ipaddress import ip_address
from typing import Any, Final

from twisted.internet.address import IPv4Address, IPv6Address, UNIXAddress
from twisted.internet.interfaces import IAddress, IHandshakeListener
from twisted.protocols.policies import ProtocolWrapper, WrappingFactory
from zope.interface import implementer

from ..errors import DownstreamViolation, VNCProxyError
from ..handshake.dialogue import Dialogue
from ..handshake.steps import Read, ReadUntil, Steps
from ..relay.sockets import IHeaderLayer
from .forwarded import plain_address
from .throttled_warning import ThrottledWarning

LONGEST_LINE: Final = 107
"""Bytes of a version 1 header, its end included (section 2.1)."""

LONGEST_BLOCK: Final = 4096
"""Bytes of a version 2 header after its first 16: addresses, and fields that are ignored."""

_SIGNATURE: Final = b"\r\n\r\n\x00\r\nQUIT\n"
_START: Final = len(_SIGNATURE)
_LOCAL, _PROXY = 0x20, 0x21
_V4, _V6, _UNIX = 0x10, 0x20, 0x30

Peer = IPv4Address | IPv6Address | UNIXAddress | None


def read_proxy_header() -> Steps[Peer]:
    """Read a header.

    Returns:
        The client's address; None for a connection of the balancer's own, or an unknown client.

    Raises:
        DownstreamViolation: the bytes are not a valid header.
        TooLong: a version 1 header has no end within `LONGEST_LINE`.
    """
    start = yield Read(_START)
    if start == _SIGNATURE:
        return (yield from _read_block())
    if start.startswith(b"PROXY "):
        rest = yield ReadUntil(b"\r\n", LONGEST_LINE - _START)
        return _parse_line(start + rest)
    raise DownstreamViolation("neither version of the PROXY protocol")


def _read_block() -> Steps[Peer]:
    head = yield Read(4)
    command, family, size = head[0], head[1] & 0xF0, int.from_bytes(head[2:], "big")
    if command not in (_LOCAL, _PROXY) or size > LONGEST_BLOCK:
        raise DownstreamViolation(f"version and command {command:#x} with {size} bytes")
    block = (yield Read(size)) if size else b""
    if command == _LOCAL or head[1] & 0x0F == 0:
        return None
    if family == _V4 and size >= 12:
        return IPv4Address("TCP", str(IPv4(block[:4])), int.from_bytes(block[8:10], "big"))
    if family == _V6 and size >= 36:
        return IPv6Address("TCP", str(IPv6(block[:16])), int.from_bytes(block[32:34], "big"))
    if family in (_V4, _V6):
        raise DownstreamViolation(f"{size} bytes of addresses of family {family:#x}")
    return UNIXAddress(None) if family == _UNIX else None


def _parse_line(line: bytes) -> Peer:
    fields = line.decode("ascii", "replace").rstrip("\r\n").split(" ")
    if fields[1] == "UNKNOWN":
        return None
    kind = {"TCP4": (IPv4, IPv4Address), "TCP6": (IPv6, IPv6Address)}.get(fields[1])
    if kind is None or len(fields) != 6:
        raise DownstreamViolation(f"{len(fields)} words, expected PROXY TCP4 or TCP6 and 4 more")
    source, port = fields[2], fields[4]
    try:
        address = ip_address(source)
    except ValueError:
        raise DownstreamViolation("no address of the client") from None
    if not isinstance(address, kind[0]) or not _is_port(port):
        raise DownstreamViolation("address and port of the client do not fit")
    peer: Peer = kind[1]("TCP", str(address), int(port))
    return peer


def _is_port(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 5 and int(text) < 65536


@implementer(IHeaderLayer, IHandshakeListener)
class ProxyHeader(ProtocolWrapper):
    """A connection that begins with a PROXY header and then carries the client's bytes.

    Attributes:
        peer_known: whether the header has been read.
    """

    factory: Any
    transport: Any

    def __init__(self, factory: Any, wrapped: Any) -> None:
        super().__init__(factory, wrapped)
        self.peer_known = False
        self._peer: Peer = None
        self._reading: Dialogue[Peer] | None = Dialogue(read_proxy_header())

    def dataReceived(self, data: bytes) -> None:
        """Read the header, then pass bytes on."""
        if self.peer_known:
            self.wrappedProtocol.dataReceived(data)
        elif self._reading is not None:
            self._read(self._reading, data)

    def handshakeCompleted(self) -> None:
        """Pass it on; called by a TLS layer below that was started later."""
        if IHandshakeListener.providedBy(self.wrappedProtocol):
            self.wrappedProtocol.handshakeCompleted()

    def getPeer(self) -> IAddress:
        """Return the client's address, or the balancer's where the header names none."""
        own: IAddress = self.transport.getPeer()
        return own if self._peer is None else self._peer

    def _read(self, reading: Dialogue[Peer], data: bytes) -> None:
        try:
            reading.receive(data)
        except VNCProxyError as e:
            self._reading = None
            self.factory.warning(
                "connection from {client} refused, for it begins with no PROXY header: {why}",
                client=plain_address(self.getPeer()),
                why=e,
            )
            self.transport.abortConnection()
            return
        if reading.done:
            self._reading, self._peer, self.peer_known = None, reading.result, True
            if leftover := reading.leftover():
                self.wrappedProtocol.dataReceived(leftover)


class ProxyHeaderFactory(WrappingFactory):
    """Wraps a site whose connections begin with a PROXY header.

    Attributes:
        warning: logs connections without a valid header.
    """

    protocol = ProxyHeader
    noisy = False

    def __init__(self, site: Any) -> None:
        super().__init__(site)
        self._site = site
        self.warning = ThrottledWarning()

    def late_refusal(self) -> bytes:
        """Return what refuses a connection that has waited too long to be accepted."""
        refusal: bytes = self._site.late_refusal()
        return refusal
