"""TLS towards hypervisors' APIs: verified by authority and name, or by a pinned fingerprint.

pyvmomi verifies nothing for ``localhost`` and pins nothing with its ``thumbprint``; this context
does both. Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import hashlib
import ssl
from typing import Any

from ..errors import BackendError
from ..model import TLSTrust

_OTHER_NAME = (62, 64)
_EXPIRED = 10
"""OpenSSL's numbers, X509_V_ERR_…"""


class WrongFingerprint(ssl.SSLCertVerificationError):
    """The server's certificate has none of the pinned fingerprints."""


class Context(ssl.SSLContext):
    """An ``SSLContext`` that also knows the expected name and the pinned fingerprints.

    Attributes:
        trust: what is verified.
    """

    trust = TLSTrust()

    def wrap_socket(self, *args: Any, **kwargs: Any) -> ssl.SSLSocket:
        """Shake hands on a connected socket.

        Raises:
            SSLCertVerificationError: the certificate is not trusted; the socket is closed.
        """
        if self.trust.name:
            kwargs["server_hostname"] = self.trust.name
        connection = super().wrap_socket(*args, **kwargs)
        if self.trust.fingerprints and not self._is_pinned(connection):
            connection.close()
            raise WrongFingerprint("none of the fingerprints")
        return connection

    def _is_pinned(self, connection: ssl.SSLSocket) -> bool:
        certificate = connection.getpeercert(binary_form=True) or b""
        return any(
            pinned == fingerprint_of(certificate, pinned.partition(":")[0])
            for pinned in self.trust.fingerprints
        )


def context(trust: TLSTrust) -> Context:
    """Make a context for one kind of trust.

    Raises:
        BackendError: the file of authorities cannot be used.
    """
    made = Context(ssl.PROTOCOL_TLS_CLIENT)
    made.trust = trust
    if trust.fingerprints or not trust.verify:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    elif trust.ca_file:
        try:
            made.load_verify_locations(trust.ca_file)
        except OSError as e:
            raise BackendError(f"ca_file {trust.ca_file}: {e}; name a readable PEM file") from e
    else:
        made.load_default_certs()
    return made


def fingerprint_of(certificate: bytes, kind: str = "sha256") -> str:
    """Return ``sha256:<hex>`` or ``sha1:<hex>`` of a certificate in DER."""
    return f"{kind}:{hashlib.new(kind, certificate, usedforsecurity=False).hexdigest()}"


def distrust(error: ssl.SSLCertVerificationError, host: str, port: int, seconds: float) -> str:
    """Return why a certificate is refused, what was presented, and what to configure.

    Args:
        seconds: longest time to fetch the certificate once more, since OpenSSL gives none that it
            has refused.
    """
    return f"{_reason(error)}{_presented(host, port, seconds)}; {_advice(error, host)}"


def _reason(error: ssl.SSLCertVerificationError) -> str:
    if isinstance(error, WrongFingerprint):
        return "its certificate is none of those in fingerprints"
    return f"its certificate is refused: {error.verify_message.rstrip('.')}"


def _advice(error: ssl.SSLCertVerificationError, host: str) -> str:
    if isinstance(error, WrongFingerprint):
        return "find out whether it was renewed, and correct fingerprints if so"
    if error.verify_code in _OTHER_NAME:
        return f"write a name that stands in it into server_name, or into host instead of {host}"
    if error.verify_code == _EXPIRED:
        return "renew it"
    return "write its authority into ca_file, or its fingerprint into fingerprints"


def _presented(host: str, port: int, seconds: float) -> str:
    try:
        pem = ssl.get_server_certificate((host, port), timeout=seconds)
    except OSError:
        return ""
    return f" (it has {fingerprint_of(ssl.PEM_cert_to_DER_cert(pem))})"
