"""Where other processes of this zone pass on tunnels that reached them, and passing them on.

Behind a load balancer, a tunnel may reach any process. It goes on over TLS to the one that expects
it, whose certificate's fingerprint stands in its announcement.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from OpenSSL.crypto import X509, PKey
from twisted.internet.endpoints import HostnameEndpoint
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IDelayedCall, IProtocol
from twisted.internet.protocol import Factory, Protocol, connectionDone
from twisted.internet.ssl import CertificateOptions
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..addresses import bracketed
from ..errors import ConnectionLost, ZoneUnreachable
from ..handshake.steps import ReadUntil, StartTLS, Steps, Write
from ..model import TLSTrust
from ..relay.handshaking import run_handshake
from ..relay.leg import Leg
from ..relay.raw_framing import RawFraming
from ..relay.sockets import set_socket_options
from ..tls.verification import TLSClient
from .dialler import OneProtocol
from .rendezvous import Rendezvous

TIME_LIMIT: Final = 5.0
"""Seconds to pass a tunnel on."""

_LONGEST = 256
_TAKEN = b"taken\n"
_PLACE = re.compile(r"(\[[0-9a-fA-F:.]+\]|[^\[\]:\s]+):(\d{1,5}) (sha256:[0-9a-f]{64})")
_ADDRESS = re.compile(r"(?P<host>\[[^\[\]]+\]|[^:]+)(:(?P<first>\d+)(-(?P<last>\d+))?)?")


class TunnelPort:
    """Listens for tunnels that are passed on.

    Args:
        rendezvous: where they are expected.

    Attributes:
        place: where it listens, and the fingerprint of its certificate; empty before `listen`.
    """

    log = Logger()

    def __init__(self, rendezvous: Rendezvous, network: Any) -> None:
        self.place = ""
        self._rendezvous = rendezvous
        self._network = network
        self._port: Any = None
        self._not_listened_at = ""

    def listen(self, address: str) -> None:
        """Listen; where no port is free, a warning is logged once.

        Args:
            address: ``HOST``, ``HOST:PORT`` or ``HOST:FIRST-LAST``.
        """
        if address == self._not_listened_at:
            return
        found = _ADDRESS.fullmatch(address)
        assert found is not None
        host, first = found["host"].strip("[]"), int(found["first"] or 0)
        options, fingerprint = _own_certificate()
        factory = _Arrivals(self._rendezvous, self._network)
        for port in range(first, int(found["last"] or first) + 1):
            with suppress(CannotListenError):
                self._port = self._network.listenSSL(port, factory, options, interface=host)
                self.place = f"{bracketed(host)}:{self._port.getHost().port} {fingerprint}"
                return
        self._not_listened_at = address
        self.log.warn(
            "tunnels that reach other processes cannot be passed on to this one: no port can be "
            "listened on at {address}, proxy.peer_address",
            address=address,
        )

    def stop(self) -> None:
        """Listen no more."""
        port, self._port, self.place = self._port, None, ""
        if port is not None:
            port.stopListening()


class _Arrivals(Factory["_Arrival"]):
    noisy = False

    def __init__(self, rendezvous: Rendezvous, clock: Any) -> None:
        self.rendezvous = rendezvous
        self.clock = clock

    def buildProtocol(self, addr: object) -> _Arrival:
        return _Arrival(self.rendezvous, self.clock)


class _Arrival(Protocol):
    """A tunnel that another process passes on: one line with its zone and name, then its bytes."""

    transport: Any

    def __init__(self, rendezvous: Rendezvous, clock: Any) -> None:
        self._rendezvous = rendezvous
        self._clock = clock
        self._line = b""
        self._timer: IDelayedCall | None = None
        self._successor: IProtocol | None = None

    def connectionMade(self) -> None:
        """Wait for the line."""
        set_socket_options(self.transport)
        self._timer = self._clock.callLater(TIME_LIMIT, self.transport.abortConnection)

    def dataReceived(self, data: bytes) -> None:
        """Read the line, or pass bytes on."""
        if self._successor is not None:
            self._successor.dataReceived(data)
            return
        self._line += data
        if b"\n" in self._line or len(self._line) > _LONGEST:
            self._arrive(self._line)

    def connectionLost(self, reason: Failure = connectionDone) -> None:
        """Pass the event on."""
        self._stop_timer()
        if self._successor is not None:
            self._successor.connectionLost(reason)

    def hand_over(self, successor: IProtocol) -> None:
        """Give the connection to a protocol for good."""
        self._successor = successor
        successor.makeConnection(self.transport)

    def abort(self) -> None:
        """Close the connection."""
        self.transport.abortConnection()

    def _arrive(self, line: bytes) -> None:
        self._stop_timer()
        zone, _, name = line.decode("ascii", "replace").rstrip("\n").partition(" ")
        expected = self._rendezvous.take(name, zone)
        if expected is None:
            self.transport.abortConnection()
            return
        self.transport.write(_TAKEN)
        expected.arrive(self)

    def _stop_timer(self) -> None:
        timer, self._timer = self._timer, None
        if timer is not None and timer.active():
            timer.cancel()


async def pass_on(place: str, zone: str, name: str, network: Any) -> Leg:
    """Connect to the process that expects a tunnel, and return the connection once it takes it.

    Args:
        place: as it announces it.

    Raises:
        ZoneUnreachable: it does not take it, or cannot be reached.
    """
    found = _PLACE.fullmatch(place)
    if found is None:
        raise ZoneUnreachable(f"the process that expects the tunnel announces no port: {place!r}")
    host, port = found[1].strip("[]"), int(found[2])
    leg = Leg(RawFraming(), network, ConnectionLost)
    try:
        await HostnameEndpoint(network, host, port, timeout=TIME_LIMIT).connect(OneProtocol(leg))
    except Exception as e:
        raise ZoneUnreachable(f"the tunnel cannot be passed on to {found[1]}:{port}: {e}") from e
    set_socket_options(leg.transport)
    trust = TLSTrust(fingerprints=(found[3],))
    try:
        await run_handshake(
            leg, _offer(trust, zone, name), TIME_LIMIT, lambda step: TLSClient(step.trust, host)
        )
    except Exception as e:
        leg.close(ConnectionLost("the tunnel was not taken"), TIME_LIMIT)
        raise ZoneUnreachable(f"{found[1]}:{port} does not take the tunnel: {e}") from e
    return leg


def _offer(trust: TLSTrust, zone: str, name: str) -> Steps[None]:
    yield StartTLS(trust)
    yield Write(f"{zone} {name}\n".encode())
    yield ReadUntil(b"\n", len(_TAKEN), "an answer of the process that expects the tunnel")


def _own_certificate() -> tuple[CertificateOptions, str]:
    """Return TLS with a certificate of this process alone, and its fingerprint."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "vncproxy")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=3650))
        .sign(key, hashes.SHA256())
    )
    options = CertificateOptions(
        privateKey=PKey.from_cryptography_key(key), certificate=X509.from_cryptography(certificate)
    )
    return options, f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"
