"""Where a console is, how its server is verified, and which handshakes it needs, as data."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum

from ..addresses import bracketed
from .address import VMAddress


class Transport(Enum):
    """How a console is reached."""

    TCP = "tcp"
    UNIX = "unix"
    FD = "fd"
    TLS = "tls"
    WSS = "wss"


@dataclass(frozen=True, slots=True)
class TLSTrust:
    """How a server's certificate is verified, and what the proxy shows of itself.

    Attributes:
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        name: the name or address that the certificate must have; empty for the dialled one.
        fingerprints: ``sha256:<hex>`` or ``sha1:<hex>`` of the server's certificate (DER). When
            there are any, one must match, and neither authorities nor name are looked at.
        certificate_file: PEM file of the client certificate to show; empty for none.
        key_file: PEM file of its key.
        verify: False accepts any certificate; only when an operator spelled it out.
    """

    ca_file: str = ""
    name: str = ""
    fingerprints: tuple[str, ...] = ()
    certificate_file: str = ""
    key_file: str = ""
    verify: bool = True


@dataclass(frozen=True, slots=True)
class HTTPConnect:
    """``CONNECT <target> HTTP/1.1`` before the console's own protocol, as XAPI and Nova want it.

    Attributes:
        target: what stands after ``CONNECT``, a path with its query.
        headers: further request headers.
    """

    target: str = field(repr=False)
    headers: tuple[tuple[str, str], ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class RFBSecurity:
    """The RFB security handshake towards the server (RFC 6143 section 7.1.2).

    Attributes:
        password: for VNC authentication, where only its first 8 bytes count, and for VeNCrypt's
            and SASL's login by name.
        username: for VeNCrypt's and SASL's login by name.
        tls: demands VeNCrypt with TLS, so that a server which offers less is refused; None, without
            ``anonymous_tls``, speaks whatever the server offers without TLS.
        anonymous_tls: demands TLS too, and accepts one without a certificate, which stops no
            attacker in the middle; only when an operator spelled it out.
        hint: for the log, where the server refuses the login: what its backend knows of the cause.
    """

    password: str | None = field(default=None, repr=False)
    username: str = ""
    tls: TLSTrust | None = None
    anonymous_tls: bool = False
    hint: str = ""


Handshake = HTTPConnect | RFBSecurity
"""What must be agreed on before a console's bytes flow, as data."""


@dataclass(frozen=True, slots=True)
class ConsoleEndpoint:
    """Where a console is at this moment, and what its server asks for.

    Attributes:
        transport: how to get there.
        host: name or address, for TCP, TLS and WSS; IPv6 without brackets.
        port: TCP port.
        path: file system path of a unix socket; for WSS the request target, which may hold a
            ticket.
        fd: a connected stream socket that the receiver of this value owns and must close.
        tls: for TLS and WSS.
        headers: further headers of the request that opens a web socket, for WSS.
        handshakes: run in this order once connected; the last one ends with ServerInit to come.
        name: what to call the machine on the screen; empty keeps the hypervisor's own name.
        allow_loopback: False where a hypervisor, a cloud or a token named the host and no operator
            did: a host that turns out to be this machine's own loopback is refused then.
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

    def __str__(self) -> str:
        match self.transport:
            case Transport.UNIX:
                return f"unix:{self.path}"
            case Transport.FD:
                return "fd passed by the hypervisor"
            case _:
                host = bracketed(self.host)
                return f"{self.transport.value}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ConsoleElsewhere:
    """Another backend shows this console: a cloud whose machine runs in a hypervisor of its own.

    Attributes:
        vm: the machine as that backend knows it, which asks for it as for any other.
    """

    vm: VMAddress
