"""SASL inside TLS, as QEMU requires it: PLAIN, or SCRAM (RFC 5802) through a library.

The messages are those of QEMU's ``ui/vnc-auth-sasl.c``: data ends with a NUL that is counted in its
length; length 0 means no data.
"""

from __future__ import annotations

from ..errors import UpstreamRefused, UpstreamUntrusted, UpstreamViolation
from ..handshake.reasons import clean_reason
from ..handshake.steps import EndOfStream, Read, Steps, Write
from ..model import RFBSecurity
from .security_types import is_verified

LIMIT = 4096
"""Longest message of a server, in bytes; real ones have a few hundred."""

_SCRAM = ("SCRAM-SHA-512", "SCRAM-SHA-256", "SCRAM-SHA-1")
_NO_MECHANISM = (
    "its SASL library may lack the plug-in of the mechanisms in its configuration (mech_list; "
    "libsasl2-modules and cyrus-sasl-scram have them)"
)
_ANSWER = "its answer to the SASL login"


def log_in(spec: RFBSecurity) -> Steps[None]:
    """Authenticate by user name and password; the SecurityResult comes next.

    Raises:
        UpstreamViolation: the server violates the protocol.
        UpstreamRefused: it refuses the user or the password, or offers no supported mechanism.
        UpstreamUntrusted: it requires the password in plain, and is not verified.
    """
    mechanisms = yield from _mechanisms()
    offered = mechanisms.decode("ascii", "replace").upper().split(",")
    scram = [mechanism for mechanism in _SCRAM if mechanism in offered]
    try:
        if scram:
            yield from _scram(scram[0], spec)
        elif "PLAIN" in offered:
            yield from _plain(spec)
        else:
            names = clean_reason(",".join(offered).encode())
            raise UpstreamRefused(f"server offers SASL mechanisms {names!r}, none is spoken here")
    except EndOfStream as e:
        raise UpstreamRefused(
            "server closed during the SASL login: the user or the password may be wrong (QEMU "
            "wants the realm in the name, user@realm)"
        ) from e


def _mechanisms() -> Steps[bytes]:
    try:
        mechanisms = yield from _read_sized("its SASL mechanisms")
    except EndOfStream as e:
        raise UpstreamRefused(
            f"server closed before it offered SASL mechanisms: {_NO_MECHANISM}, or it demands a "
            "client certificate (certificate_file, key_file)"
        ) from e
    if not mechanisms:
        raise UpstreamRefused(
            f"server offers no SASL mechanism, none is spoken here: {_NO_MECHANISM}"
        )
    return mechanisms


def _plain(spec: RFBSecurity) -> Steps[None]:
    if not is_verified(spec):
        raise UpstreamUntrusted(
            "server offers SASL mechanism PLAIN only, and a password is sent to a verified server "
            "only: configure ca_file or fingerprints, or SCRAM on the server"
        )
    yield from _start("PLAIN", f"\0{spec.username}\0{spec.password or ''}")
    _, complete = yield from _answer()
    if not complete:
        raise UpstreamViolation("SASL PLAIN is not over after the server's first message")


def _scram(mechanism: str, spec: RFBSecurity) -> Steps[None]:
    from .scram import ScramLogin  # few servers want it, and its library is slow to import

    login = ScramLogin(mechanism, spec.username, spec.password or "")
    yield from _start(mechanism, login.first())
    challenge, complete = yield from _answer()
    if complete:
        raise UpstreamViolation(f"SASL {mechanism} is over before the password was asked for")
    yield Write(_sized(login.prove(challenge)))
    proof, complete = yield from _answer()
    login.check(proof)
    if not complete:
        yield Write(_sized(""))
        _, complete = yield from _answer()
        if not complete:
            raise UpstreamViolation(f"SASL {mechanism} is not over after its last message")


def _start(mechanism: str, data: str) -> Steps[None]:
    name = mechanism.encode()
    yield Write(len(name).to_bytes(4, "big") + name + _sized(data))


def _answer() -> Steps[tuple[str, bool]]:
    data = yield from _read_sized(_ANSWER)
    complete = (yield Read(1, _ANSWER)) != b"\0"
    return data.removesuffix(b"\0").decode("utf-8", "replace"), complete


def _sized(text: str) -> bytes:
    data = text.encode() + b"\0" if text else b""
    return len(data).to_bytes(4, "big") + data


def _read_sized(what: str) -> Steps[bytes]:
    size = int.from_bytes((yield Read(4, what)), "big")
    if size > LIMIT:
        raise UpstreamViolation(f"SASL message of {size} bytes, at most {LIMIT}")
    return (yield Read(size, what))
