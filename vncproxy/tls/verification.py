"""Verifies the servers that the proxy speaks TLS to, as its configuration says."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

import idna
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from OpenSSL import SSL
from OpenSSL.crypto import X509
from service_identity import CertificateError, VerificationError
from service_identity.cryptography import (
    verify_certificate_hostname,
    verify_certificate_ip_address,
)
from twisted.internet.interfaces import IOpenSSLClientConnectionCreator
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import ConfigurationError, UpstreamUntrusted, UpstreamViolation, VNCProxyError
from ..model import TLSTrust
from .contexts import anonymous_context, check_trust, context, needs_name
from .fingerprints import parse_fingerprint

_WORDS = {
    7: "it is not signed by the trusted authority, but by another one of the same name",
    9: "it is not valid yet",
    10: "it has expired",
    18: "it is signed by itself",
    19: "its chain ends with an authority that is not trusted",
    20: "its authority is not trusted",
    21: "its authority is not trusted",
    24: "it is signed by what is no authority",
    26: "it is not made for servers",
}
"""OpenSSL's numbers of what is wrong with a certificate, where they are common."""


@implementer(IOpenSSLClientConnectionCreator)
class TLSClient:
    """The client's side of one TLS connection.

    Args:
        trust: how the server is verified; None for TLS without certificates.
        host: what was dialled: the name that is expected unless ``trust`` has another one.

    Raises:
        ConfigurationError: a file cannot be used, or there is no name to expect.
    """

    def __init__(self, trust: TLSTrust | None, host: str) -> None:
        self._trust = trust
        self._name = ((trust.name if trust else "") or host).removesuffix(".")
        self._server_name = b""
        self._problem = ""
        self._connection: Any = None
        if trust is None:
            self._context = anonymous_context()
            return
        if needs_name(trust) and not self._name:
            raise ConfigurationError("tls needs a name: the console is not dialled by one")
        check_trust(trust)
        self._context = context(trust)
        self._server_name = _server_name(self._name)

    def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
        """Return the connection; called by Twisted."""
        self._connection = connection = SSL.Connection(self._context, None)
        if self._trust is not None and needs_name(self._trust):
            connection.set_verify(SSL.VERIFY_PEER, self._judge)
        if self._server_name:
            connection.set_tlsext_host_name(self._server_name)
        return connection

    def verify(self) -> None:
        """Verify the server's name or fingerprint; the handshake has verified its authority.

        Raises:
            UpstreamUntrusted: neither fits; with what was presented and what to configure.
        """
        trust, presented = self._trust, self._connection.get_peer_certificate()
        if trust is None:
            return
        if presented is None:
            raise UpstreamUntrusted("server presented no certificate")
        self._verify(presented.to_cryptography(), trust)

    def _verify(self, certificate: x509.Certificate, trust: TLSTrust) -> None:
        if trust.fingerprints:
            _verify_fingerprint(certificate, trust.fingerprints)
        elif trust.verify:
            _verify_name(certificate, self._name)

    def failure(self, reason: Failure) -> VNCProxyError:
        """Return why the handshake failed, from the reason the connection was lost for."""
        if self._problem:
            return UpstreamUntrusted(self._problem)
        if isinstance(reason.value, SSL.Error):
            return UpstreamViolation(f"TLS handshake failed: {_explain(reason.value)}")
        return UpstreamViolation(f"closed during the TLS handshake: {reason.getErrorMessage()}")

    def _judge(self, _: object, certificate: X509, number: int, depth: int, good: int) -> bool:
        """Keep the first fault that OpenSSL finds in a certificate; the server's is at depth 0."""
        if not good and not self._problem:
            self._problem = self._distrust(certificate, number, depth)
        return bool(good)

    def _distrust(self, certificate: X509, number: int, depth: int) -> str:
        assert self._trust is not None
        whose = "certificate" if depth == 0 else "an authority's certificate"
        trusted = self._trust.ca_file or "the system's authorities"
        return (
            f"{whose} is not trusted: {_WORDS.get(number, f'OpenSSL error {number}')}; presented "
            f"{_describe(certificate.to_cryptography())}; trusted is {trusted}: configure ca_file, "
            "or fingerprints with the server's once it was compared there"
        )


class VerifyingTLSClient(TLSClient):
    """A client that verifies everything within the handshake, and fails it where that fails.

    For protocols that are not called when the handshake is done.

    Attributes:
        problem: why the server was not trusted; empty where it was, or was not asked yet.
    """

    @property
    def problem(self) -> str:
        """Why the server was not trusted."""
        return self._problem

    def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
        """Return the connection; called by Twisted."""
        connection = super().clientConnectionForTLS(tlsProtocol)
        connection.set_verify(SSL.VERIFY_PEER, self._judge_all)
        return connection

    def _judge_all(self, _: object, certificate: X509, number: int, depth: int, good: int) -> bool:
        assert self._trust is not None
        if needs_name(self._trust) and not self._judge(_, certificate, number, depth, good):
            return False
        if depth == 0 and not self._problem:
            try:
                self._verify(certificate.to_cryptography(), self._trust)
            except UpstreamUntrusted as e:
                self._problem = e.detail
        return not self._problem


def _verify_fingerprint(certificate: x509.Certificate, allowed: tuple[str, ...]) -> None:
    presented = (
        f"sha256:{certificate.fingerprint(hashes.SHA256()).hex()}",
        f"sha1:{certificate.fingerprint(hashes.SHA1()).hex()}",  # noqa: S303 vSphere has only this
    )
    if not any(parse_fingerprint(one) in presented for one in allowed):
        raise UpstreamUntrusted(
            f"certificate has none of the {len(allowed)} configured fingerprints; presented "
            f"{_describe(certificate)}: configure that one if the server has been given a new one"
        )


def _verify_name(certificate: x509.Certificate, name: str) -> None:
    try:
        if _is_address(name):
            verify_certificate_ip_address(certificate, name)
        else:
            verify_certificate_hostname(certificate, name)
    except _NOT_FOR_THIS_NAME as e:
        raise UpstreamUntrusted(
            f"certificate is not for {name!r} but for {_names(certificate)}; presented "
            f"{_describe(certificate)}: configure name, or fingerprints"
        ) from e


_NOT_FOR_THIS_NAME = (
    VerificationError,
    CertificateError,
    ValueError,
    x509.DuplicateExtension,
    x509.UnsupportedGeneralNameType,
)
"""What checking a name raises, the last three for certificates that cannot be read."""


def _names(certificate: x509.Certificate) -> str:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return "no name: it has no subjectAltName"
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "names that cannot be read"
    return ", ".join(str(name.value) for name in names) or "no name"


def _describe(certificate: x509.Certificate) -> str:
    try:
        subject = certificate.subject.rfc4514_string()
    except ValueError:
        subject = "subject that cannot be read"
    return f"{subject!r} with sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


def _server_name(name: str) -> bytes:
    """Return what the server is asked for (RFC 6066 section 3): a name, never an address."""
    if not name or _is_address(name):
        return b""
    try:
        return name.encode() if name.isascii() else idna.encode(name)
    except ValueError as e:
        raise ConfigurationError(f"tls: {name!r} cannot be a name: {e}") from e


def _explain(error: SSL.Error) -> str:
    """Return OpenSSL's message, with its meaning where that is known."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    text = ", ".join(entry[-1] for entry in entries) or str(error)
    if "wrong version number" in text or "packet length" in text:
        return f"{text}: the server does not speak TLS here"
    if "certificate required" in text or "bad certificate" in text:
        return f"{text}: it demands a client certificate that it trusts (certificate_file)"
    return text
