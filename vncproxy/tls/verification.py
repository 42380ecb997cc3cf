"""Verifies the servers that the proxy speaks TLS to, as its configuration says.

Parsed files are remembered until one of them changes, so that opening a console stays cheap.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import ip_address
from pathlib import Path
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
from ..files import Version, version_of
from ..model import TLSTrust

_CERTIFIED = b"DEFAULT:!aNULL:!eNULL"
_ANONYMOUS = b"aNULL:@SECLEVEL=0"
_FINGERPRINT = re.compile(r"(?:(sha256):([0-9a-f]{64})|(sha1):([0-9a-f]{40}))")

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

Stamps = tuple[Version, ...]


def parse_fingerprint(text: str) -> str:
    """Return ``sha256:<hex>`` or ``sha1:<hex>`` in lower case, without the colons of OpenSSL.

    Raises:
        ValueError: it is neither.
    """
    algorithm, _, digits = text.strip().lower().partition(":")
    plain = f"{algorithm}:{digits.replace(':', '')}"
    if not _FINGERPRINT.fullmatch(plain):
        raise ValueError('must be "sha256:" and 64, or "sha1:" and 40 hexadecimal digits')
    return plain


def check_trust(trust: TLSTrust) -> None:
    """Make sure that files and fingerprints can be used.

    Raises:
        ConfigurationError: naming the file, or the fingerprint.
    """
    _context(trust, _stamps(trust))
    for fingerprint in trust.fingerprints:
        try:
            parse_fingerprint(fingerprint)
        except ValueError as e:
            raise ConfigurationError(f"fingerprint {fingerprint!r} {e}") from e


@implementer(IOpenSSLClientConnectionCreator)
class TLSClient:
    """One TLS connection to come, as its client; made anew for each.

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
            self._context = _anonymous_context()
            return
        if _needs_name(trust) and not self._name:
            raise ConfigurationError("tls needs a name: the console is not dialled by one")
        check_trust(trust)
        self._context = _context(trust, _stamps(trust))
        self._server_name = _server_name(self._name)

    def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
        """Return the connection; called by Twisted."""
        self._connection = connection = SSL.Connection(self._context, None)
        if self._trust is not None and _needs_name(self._trust):
            connection.set_verify(SSL.VERIFY_PEER, self._judge)
        if self._server_name:
            connection.set_tlsext_host_name(self._server_name)
        return connection

    def verify(self) -> None:
        """Verify the server, once the handshake is over; its authorities are verified by then.

        Raises:
            UpstreamUntrusted: it is another one; with what was presented and what to configure.
        """
        trust, presented = self._trust, self._connection.get_peer_certificate()
        if trust is None:
            return
        if presented is None:
            raise UpstreamUntrusted("server presented no certificate")
        certificate = presented.to_cryptography()
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
        """Take note of what OpenSSL finds wrong with a certificate, the server's at depth 0."""
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
        return "nobody: it has no subjectAltName"
    except (ValueError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return "names that cannot be read"
    return ", ".join(str(name.value) for name in names) or "nobody"


def _describe(certificate: x509.Certificate) -> str:
    try:
        subject = certificate.subject.rfc4514_string()
    except ValueError:
        subject = "subject that cannot be read"
    return f"{subject!r} with sha256:{certificate.fingerprint(hashes.SHA256()).hex()}"


def _needs_name(trust: TLSTrust) -> bool:
    return trust.verify and not trust.fingerprints


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


def _stamps(trust: TLSTrust) -> Stamps:
    """Return what changes whenever a file does."""
    return tuple(
        _stamp(path) for path in (trust.ca_file, trust.certificate_file, trust.key_file) if path
    )


def _stamp(path: str) -> Version:
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as e:
        raise _unusable(path, e) from e
    return version_of(status)


@lru_cache(maxsize=64)
def _context(trust: TLSTrust, stamps: Stamps) -> SSL.Context:
    """Return what the connections under one trust share.

    Args:
        stamps: part of the key under which the result is remembered.
    """
    context = _new_context(_CERTIFIED)
    if _needs_name(trust):
        _load_authorities(context, trust.ca_file)
    if trust.certificate_file:
        _load_own_certificate(context, trust.certificate_file, trust.key_file)
    return context


@lru_cache(maxsize=1)
def _anonymous_context() -> SSL.Context:
    context = _new_context(_ANONYMOUS)
    # TLS 1.3 has no anonymous key exchange
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context


def _new_context(ciphers: bytes) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_cipher_list(ciphers)
    return context


def _load_authorities(context: SSL.Context, ca_file: str) -> None:
    if not ca_file:
        context.set_default_verify_paths()
        return
    _read(ca_file)
    try:
        context.load_verify_locations(ca_file)
    except SSL.Error as e:
        raise _unusable(ca_file, "it holds no certificate in PEM") from e


def _load_own_certificate(context: SSL.Context, certificate_file: str, key_file: str) -> None:
    key = key_file or certificate_file
    _read(certificate_file)
    _read(key)
    # a key with a passphrase would be asked for on the terminal
    context.set_passwd_cb(lambda *_: b"")
    try:
        context.use_certificate_chain_file(certificate_file)
    except SSL.Error as e:
        raise _unusable(certificate_file, "it holds no certificate in PEM") from e
    try:
        context.use_privatekey_file(key)
        context.check_privatekey()
    except SSL.Error as e:
        raise _unusable(
            key, f"it holds no key in PEM without a passphrase that fits {certificate_file}"
        ) from e


def _read(path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as e:
        raise _unusable(path, e) from e


def _unusable(path: str, why: object) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be used: {getattr(why, 'strerror', None) or why}")


def _explain(error: SSL.Error) -> str:
    """Return OpenSSL's words, and what they mean where that is known."""
    entries = error.args[0] if error.args and isinstance(error.args[0], list) else []
    text = ", ".join(entry[-1] for entry in entries) or str(error)
    if "wrong version number" in text or "packet length" in text:
        return f"{text}: the server does not speak TLS here"
    if "certificate required" in text or "bad certificate" in text:
        return f"{text}: it demands a client certificate that it trusts (certificate_file)"
    return text
