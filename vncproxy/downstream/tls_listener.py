"""TLS listeners: certificates that can be exchanged while they listen, and sessions to resume.

Only authenticated suites are spoken. Browsers resume TLS with tickets: of a page's many
connections, only the first costs a signature.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.x509 import load_pem_x509_certificates
from OpenSSL import SSL
from OpenSSL.crypto import X509
from twisted.application.internet import StreamServerEndpointService
from twisted.application.strports import service
from twisted.internet.endpoints import serverFromString
from twisted.internet.interfaces import IListeningPort, IOpenSSLContextFactory
from twisted.internet.protocol import Factory
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions
from zope.interface import implementer

from ..config.listeners import FILE_ERRORS, EndpointText, with_backlog
from ..errors import ConfigurationError

CIPHERS = AcceptableCiphers.fromOpenSSLCipherString(
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"
)
"""Suites of TLS 1.2 that are authenticated and keep secrets after the key is lost; TLS 1.3 has only
such."""

_DEFAULT_FILE = "server.pem"
"""The file of the key, and of the certificate, where an ``ssl:`` endpoint names none."""


@dataclass(frozen=True, slots=True)
class Shown:
    """A certificate with its key, ready to be used.

    Attributes:
        files: SHA-256 of what the endpoint's files held.
    """

    files: bytes
    context: SSL.Context


@implementer(IOpenSSLContextFactory)
class ListenerTLS:
    """What an ``ssl:`` listener shows of itself.

    A ticket is good with the certificate of its time, at the process that gave it (RFC 5077,
    RFC 8446 section 4.6.1); anywhere else a whole handshake follows. An endpoint with an
    ``sslmethod`` of its own has Twisted's settings as they are, without tickets.

    Args:
        endpoint: the endpoint string.

    Raises:
        ConfigurationError: a file that it names cannot be used.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._shown = self.read()

    def getContext(self) -> SSL.Context:  # noqa: N802
        """Return the context for a connection; called by Twisted for each."""
        return self._shown.context

    def read(self) -> Shown:
        """Read the files, without showing them yet; may run in a thread.

        Raises:
            ConfigurationError: a file cannot be used.
        """
        try:
            files = _content(self.endpoint)
            return Shown(files, _options(self.endpoint).getContext())
        except (*FILE_ERRORS, ValueError, LookupError) as e:
            raise ConfigurationError(f"[listen] {self.endpoint}: {_in_words(e)}") from e

    def show(self, shown: Shown) -> bool:
        """Show what was read to the connections that come from now on.

        What is the same stays in use, and so do its tickets; returns whether it is something else.
        """
        changed = shown.files != self._shown.files
        if changed:
            self._shown = shown
        return changed


def listening(
    endpoint: str, factory: Any, reactor: Any
) -> tuple[StreamServerEndpointService, ListenerTLS | None]:
    """Return the service of a listener, and what it shows of itself if it speaks TLS.

    Raises:
        ConfigurationError: a file that it names cannot be used, or it is no endpoint string.
    """
    tls = ListenerTLS(endpoint) if EndpointText.parse(endpoint).kind == "ssl" else None
    listener: Any = _Listening(reactor, tls) if tls else reactor
    try:
        return service(with_backlog(endpoint), factory, reactor=listener), tls
    except (*FILE_ERRORS, ValueError, LookupError) as e:
        raise ConfigurationError(f"[listen] {endpoint}: {_in_words(e)}") from e


class _Listening:
    """A reactor whose TLS listeners show what is exchanged later on.

    Endpoint strings have a word neither for that nor for tickets.
    """

    def __init__(self, reactor: Any, tls: ListenerTLS) -> None:
        self._reactor = reactor
        self._tls = tls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenSSL(self, port: int, factory: Any, **more: Any) -> IListeningPort:
        """Listen; called by the endpoint."""
        more["contextFactory"] = self._tls
        found: IListeningPort = self._reactor.listenSSL(port, factory, **more)
        return found


class _Reading:
    """A reactor that does not listen, but keeps what it was to listen with."""

    options: CertificateOptions | None = None

    def listenSSL(self, port: int, factory: Any, **more: Any) -> None:
        self.options = more["contextFactory"]


def _options(endpoint: str) -> CertificateOptions:
    reading = _Reading()
    serverFromString(reading, endpoint).listen(Factory())
    found = reading.options
    assert found is not None
    text = EndpointText.parse(endpoint)
    if "sslmethod" in text.options:
        return found
    return CertificateOptions(
        privateKey=found.privateKey,
        certificate=found.certificate,
        extraCertChain=[*_further_certificates(text), *(found.extraCertChain or ())],
        dhParameters=found.dhParameters,
        enableSessionTickets=True,
        acceptableCiphers=CIPHERS,
    )


def _further_certificates(text: EndpointText) -> list[X509]:
    """Return what stands behind the certificate in its file, as in certbot's ``fullchain.pem``.

    Twisted reads the first one only; browsers would not find its authority.
    """
    named = dict(zip(("privateKey", "certKey"), text.arguments[1:], strict=False)) | text.options
    path = named.get("certKey") or named.get("privateKey") or _DEFAULT_FILE
    found = load_pem_x509_certificates(Path(path).read_bytes())
    return [X509.from_cryptography(certificate) for certificate in found[1:]]


def _content(endpoint: str) -> bytes:
    digest = hashlib.sha256()
    for path in _files(EndpointText.parse(endpoint)):
        digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.digest()


def _files(text: EndpointText) -> Iterator[Path]:
    """Yield whatever an endpoint string names that is a file."""
    for value in (_DEFAULT_FILE, *text.arguments, *text.options.values()):
        path = Path(value)
        if path.is_file():
            yield path


def _in_words(error: Exception) -> str:
    """Return what is wrong, in OpenSSL's words where it is OpenSSL's."""
    entries = error.args[0] if error.args else []
    if isinstance(entries, list) and entries:
        return f"a file is not as it should be: {', '.join(str(entry[-1]) for entry in entries)}"
    return str(error) or type(error).__name__
