"""The things the proxy speaks of, as frozen values: no I/O here, and no secret in any ``repr``.

Read it for the vocabulary: address, policy, token, grant, endpoint and handshake.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import Enum
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final

from annotated_types import Ge, Gt

from .errors import BadRequest
from .text import CONTROL

Seconds = Annotated[float, Gt(0)]
"""A duration that must be positive."""

UnixTime = float
"""Wall-clock time in seconds since 1970, UTC: only for what is stored or shown."""

_BACKEND = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,63}")
_VM = re.compile(f"[^{CONTROL}]{{1,255}}")
_SECRET = re.compile(r"[A-Za-z0-9_.-]{1,4096}")


@dataclass(frozen=True, slots=True, order=True)
class VMAddress:
    """One virtual machine: the name of a configured backend, and the VM's id in that backend."""

    backend: str
    vm: str

    def __str__(self) -> str:
        return f"{self.backend}/{self.vm}"

    @classmethod
    def parse(cls, text: str) -> VMAddress:
        """Read ``<backend>/<id>``; the id may hold further slashes.

        Raises:
            ValueError: a part is missing, too long or holds control characters.
        """
        backend, slash, vm = text.partition("/")
        if not slash or not _BACKEND.fullmatch(backend) or not _VM.fullmatch(vm):
            raise ValueError("a VM is written <backend>/<id>, for example kvm/web-01")
        return cls(backend, vm)


class ConsoleType(Enum):
    """How the user gets to the console; the words are Nova's."""

    NOVNC = "novnc"
    XVPVNC = "xvpvnc"


class Mode(Enum):
    """What the user may do."""

    CONTROL = "control"
    VIEW_ONLY = "view-only"


class Direction(Enum):
    """Which way bytes go: from the user's viewer to the console's server, or back."""

    TO_SERVER = "to server"
    TO_CLIENT = "to client"


class Sharing(Enum):
    """What happens to other viewers of the same VM."""

    SHARED = "shared"
    EXCLUSIVE = "exclusive"
    TAKE_OVER = "take-over"


@dataclass(frozen=True, slots=True)
class Policy:
    """What the issuer decided about a token.

    Attributes:
        mode: whether keys and pointer reach the machine.
        sharing: what happens to other viewers.
        max_duration: longest session in seconds, counted from the first redemption.
        idle_timeout: seconds without a byte in either direction after which the session ends.
        client_networks: where the user may come from; empty means anywhere.
        allowed_origins: origins of pages (``https://portal.example.com``) that may open the
            console besides the proxy's own; empty means no further one.
        record: whether the session is recorded.
        uses: how many times the token can be redeemed; 0 means any number.
        confirm: whether a browser's user presses a button before the token is redeemed; None leaves
            it to the proxy's configuration.
    """

    mode: Mode = Mode.CONTROL
    sharing: Sharing = Sharing.SHARED
    max_duration: Seconds | None = None
    idle_timeout: Seconds | None = None
    client_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    allowed_origins: tuple[str, ...] = ()
    record: bool = False
    uses: Annotated[int, Ge(0)] = 1
    confirm: bool | None = None

    def not_enforced(self) -> tuple[str, str] | None:
        """Return the first field that no session enforces, and its value; None when all are.

        A token with such a policy must be refused: its issuer counts on what would be ignored.
        """
        for name, values in NOT_ENFORCED.items():
            if (value := getattr(self, name)) in values:
                return name, str(getattr(value, "value", value)).lower()
        return None


NOT_ENFORCED: Final[Mapping[str, frozenset[object]]] = {
    "mode": frozenset({Mode.VIEW_ONLY}),
    "sharing": frozenset({Sharing.EXCLUSIVE, Sharing.TAKE_OVER}),
    "record": frozenset({True}),
}
"""The values of a policy's fields that sessions do not enforce; what is not in here is enforced."""


@dataclass(frozen=True, slots=True)
class Token:
    """What is known of a token, apart from its secret.

    Attributes:
        vm: the machine it opens.
        user: who it was issued to; free text of the issuer, for the audit log.
        type: the viewer it was issued for.
        issued_at: when it was made.
        expires_at: when it can be redeemed no more.
    """

    vm: VMAddress
    user: str
    type: ConsoleType
    policy: Policy
    issued_at: UnixTime
    expires_at: UnixTime


@dataclass(frozen=True, slots=True)
class TokenStatus:
    """A token as the API shows it: ``uses_left`` is None when the number is unlimited."""

    id: str
    token: Token
    uses_left: int | None


@dataclass(frozen=True, slots=True)
class Grant:
    """What a redeemed token allows.

    Attributes:
        token_id: the id of the token it came from.
        token: what that token says.
        age: seconds since this use of the token was first taken, by the store's own clock.
        resumed: whether a resume cookie, and not a use of the token, was redeemed.
        resume_secret: the secret of the resume cookie to set; None when there is none to set.
        endpoint: where the console is, for tokens of other issuers which name an address instead
            of a machine that a backend could locate.
        cookie_id: SHA-256 of the resume cookie, the one to set or the one that was redeemed; empty
            for none.
        claim: what the store knows this session by; empty where no store keeps count.
    """

    token_id: str
    token: Token
    age: float = 0.0
    resumed: bool = False
    resume_secret: str | None = field(default=None, repr=False)
    endpoint: ConsoleEndpoint | None = None
    cookie_id: str = ""
    claim: str = ""

    @property
    def use(self) -> str:
        """The name of the use that a new session has taken, while it is opening."""
        return self.cookie_id or self.claim


def new_id() -> str:
    """Return an id for a session or a refusal; it is short, for people read it to each other."""
    return secrets.token_hex(4)


def new_secret() -> str:
    """Return 256 random bits as 43 URL-safe characters."""
    return secrets.token_urlsafe(32)


def new_claim() -> str:
    """Return 64 random bits: what a store knows a session by that holds a use of a token."""
    return secrets.token_hex(8)


def secret_id(secret: str) -> str:
    """Return the SHA-256 of a secret as 64 hexadecimal digits: the only form that is stored."""
    return hashlib.sha256(secret.encode()).hexdigest()


def is_secret(text: str) -> bool:
    """Tell whether a text can be a token's secret."""
    return _SECRET.fullmatch(text) is not None


def check_secret(text: str) -> str:
    """Return a token's secret as it came from outside, if it can be one.

    Foreign issuers may write tokens too (a UUID has 36 characters, a signed token many hundreds and
    dots), so only the alphabet and a sane length are asked for.

    Raises:
        BadRequest: it is empty, too long or holds other characters.
    """
    if not is_secret(text):
        raise BadRequest(f"token of {len(text)} characters is not well formed")
    return text


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
                host = f"[{self.host}]" if ":" in self.host else self.host
                return f"{self.transport.value}:{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class ConsoleElsewhere:
    """Another backend shows this console: a cloud whose machine runs in a hypervisor of its own.

    Attributes:
        vm: the machine as that backend knows it, which asks for it as for any other.
    """

    vm: VMAddress


@dataclass(frozen=True, slots=True)
class VMSummary:
    """One virtual machine in a list: its id, the name people know it by, and its state in words."""

    vm: VMAddress
    name: str
    state: str


@dataclass(frozen=True, slots=True)
class Limits:
    """How much one proxy takes on; each refusal names the limit that was reached.

    Attributes:
        header_bytes: size of a request's header.
        header_time: seconds for a request's header to arrive.
        keep_alive: seconds that a connection waits for its next request.
        connections: open connections of users in all, those of sessions among them.
        connections_per_address: the same per client address; of IPv6, per /64 network.
        refusals: refused requests for consoles per client address, after which further ones get a
            short answer and no line in the log.
        refusals_per_minute: how many of them are forgotten in a minute.
        sessions: open sessions in all.
        sessions_per_address: open sessions per client address.
        sessions_per_vm: open sessions per virtual machine.
        openings: sessions that begin at the same time, until they show a console, or for a second
            after their token is redeemed.
        waiting: users who may wait for their turn to begin.
    """

    header_bytes: Annotated[int, Ge(1024)] = 16384
    header_time: Seconds = 10.0
    keep_alive: Seconds = 10.0
    connections: Annotated[int, Ge(1)] = 2000
    connections_per_address: Annotated[int, Ge(1)] = 150
    refusals: Annotated[int, Ge(1)] = 50
    refusals_per_minute: Annotated[float, Gt(0)] = 30.0
    sessions: Annotated[int, Ge(1)] = 1000
    sessions_per_address: Annotated[int, Ge(1)] = 50
    sessions_per_vm: Annotated[int, Ge(1)] = 10
    openings: Annotated[int, Ge(1)] = 64
    waiting: Annotated[int, Ge(0)] = 256


@dataclass(frozen=True, slots=True)
class Timeouts:
    """How long each step of a session may take, in seconds.

    Attributes:
        waiting: for a turn to begin, while too many users come at once.
        locate: asking the backend where the console is.
        connect: name resolution and connection to the console.
        handshake: the handshakes with the console's server.
        greeting: the RFB greeting with the user's viewer.
        ping_interval: between two WebSocket pings; 0 sends none.
        ping_timeout: silence after a ping that counts as a lost connection.
        linger: how long the last bytes may take to leave when a session ends.
    """

    waiting: Seconds = 5.0
    locate: Seconds = 10.0
    connect: Seconds = 5.0
    handshake: Seconds = 10.0
    greeting: Seconds = 30.0
    ping_interval: Annotated[float, Ge(0)] = 25.0
    ping_timeout: Seconds = 60.0
    linger: Seconds = 5.0


LOCAL = "local"
"""The host of a console that is reached through this machine itself, without a network."""


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """What is known of a session at one moment; what is not known yet is empty.

    Attributes:
        id: shown to the user and in the log.
        client: the user's address, without a port.
        started_at: when the user's request came.
        seconds: since then.
        bytes_down: payload to the user.
        bytes_up: payload from the user.
        host: where the console is, as it is dialled; `LOCAL` on this machine.
        side: of an ended session, which leg ended first: ``downstream`` or ``upstream``; empty
            where the proxy itself ended it.
    """

    id: str
    type: ConsoleType
    client: str
    started_at: UnixTime
    token_id: str = ""
    vm: VMAddress | None = None
    user: str = ""
    seconds: float = 0.0
    bytes_down: int = 0
    bytes_up: int = 0
    host: str = ""
    side: str = ""
