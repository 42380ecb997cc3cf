"""Where a console is, how its server is verified, and which handshakes it needs, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from ..addresses import bracketed
from .address import VMAddress


class Transport(Enum):
    """How a console is reached.

    Attributes:
        WS: by a web socket without TLS of its own, on a connection that `ConsoleEndpoint.dialled`
            makes.
    """

    TCP = "tcp"
    UNIX = "unix"
    FD = "fd"
    TLS = "tls"
    WSS = "wss"
    WS = "ws"


@dataclass(frozen=True, slots=True)
class TLSTrust:
    """How a server's certificate is verified, and which certificate the proxy presents.

    Attributes:
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        name: the name or address that the certificate must have; empty for the dialled one.
        fingerprints: ``sha256:<hex>`` or ``sha1:<hex>`` of the server's certificate (DER). When
            there are any, one must match, and neither authorities nor name are checked.
        certificate_file: PEM file of the client certificate to present; empty for none.
        key_file: PEM file of its key.
        verify: False accepts any certificate; only where an operator configured it.
    """

    ca_file: str = ""
    name: str = ""
    fingerprints: tuple[str, ...] = ()
    certificate_file: str = ""
    key_file: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class HTTPConnect:
    """``CONNECT <target> HTTP/1.1`` before the console's own protocol, as XAPI and Nova require.

    Attributes:
        target: the request target, a path with its query.
        headers: further request headers.
    """

    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RFBSecurity:
    """The RFB security handshake towards the server (RFC 6143 section 7.1.2).

    Attributes:
        password: for VNC authentication, which uses its first 8 bytes, and for the login by name
            of VeNCrypt and SASL.
        username: for the login by name of VeNCrypt and SASL.
        tls: requires VeNCrypt with TLS, and refuses a server that does not offer it; None, without
            ``anonymous_tls``, accepts security types without TLS.
        anonymous_tls: requires TLS and accepts it without a certificate, which does not protect
            from an attacker in the middle; only where an operator configured it.
        hint: for the log when the server refuses the login: a likely cause that the backend knows.
    """

    password: str | None = field(default=None, repr=False)
    username: str = ""
    tls: TLSTrust | None = None
    anonymous_tls: bool = False
    hint: str = ""


Handshake = HTTPConnect | RFBSecurity
"""A handshake to run before a console's bytes flow, as data."""


@dataclass(frozen=True, slots=True)
class ConsoleEndpoint:
    """Where a console is now, and which handshakes its server requires.

    Attributes:
        transport: how the server is reached.
        host: name or address, for TCP, TLS and WSS; IPv6 without brackets. For WS, the zone.
        port: TCP port.
        path: file system path of a unix socket; for WSS and WS the request target, which
            may hold a ticket.
        fd: a connected stream socket, owned by the receiver of this value, which must close it.
        tls: for TLS and WSS.
        headers: further headers of the request that opens a web socket, for WSS and WS.
        handshakes: run in this order once connected; the last one ends with ServerInit to come.
        name: the desktop name that viewers show; empty keeps the hypervisor's.
        allow_loopback: False where the host was named by a hypervisor, a cloud or a token and not
            by an operator: a host that resolves to a loopback address is refused then.
        dialled: for WS, the endpoint of Twisted (``IStreamClientEndpoint``) that makes connections.
    """

    transport: Transport
    host: str = ""
    port: int = 0
    path: str = field(default="", repr=False)
    fd: int = -1
    tls: TLSTrust | None = None
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    handshakes: tuple[Handshake, ...] = (RFBSecurity(),)
    name: str = ""
    allow_loopback: bool = True
    dialled: Any = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        match self.transport:
            case Transport.UNIX:
                return f"unix:{self.path}"
            case Transport.FD:
                return "fd passed by the hypervisor"
            case Transport.WS:
                return f"zone {self.host}, which dials us"
            case _:
                host = bracketed(self.host)
                return f"{self.transport.value}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ConsoleElsewhere:
    """A console that another backend locates, as when a cloud's machine runs in a vCenter.

    Attributes:
        vm: the machine's address in that backend.
    """

    vm: VMAddress
