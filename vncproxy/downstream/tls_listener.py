"""TLS listeners: certificates that a reload replaces, cipher suites, and session tickets.

With session tickets, only the first of a browser's many connections costs a signature.
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
"""TLS 1.2 suites with authenticated encryption and forward secrecy; TLS 1.3 has no others."""

_DEFAULT_FILE = "server.pem"
"""The file of key and certificate where an ``ssl:`` endpoint names none."""


@dataclass(frozen=True, slots=True)
class LoadedCertificate:
    """A certificate with its key.

    Attributes:
        files: SHA-256 of the contents of the endpoint's files.
    """

    files: bytes
    context: SSL.Context


@implementer(IOpenSSLContextFactory)
class ListenerTLS:
    """The TLS of one ``ssl:`` listener: its certificate, suites and session tickets.

    A ticket is valid in the process that issued it, until its certificate is replaced (RFC 5077,
    RFC 8446 section 4.6.1); otherwise a full handshake follows. An endpoint with an ``sslmethod``
    keeps Twisted's settings, without tickets.

    Args:
        endpoint: the endpoint string.

    Raises:
        ConfigurationError: a file that the endpoint names cannot be used.
    """

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self._current = self.read()

    def getContext(self) -> SSL.Context:  # noqa: N802
        """Return the context for a connection; called by Twisted for each."""
        return self._current.context

    def read(self) -> LoadedCertificate:
        """Read the files without using them yet; may run in a thread.

        Raises:
            ConfigurationError: a file cannot be used.
        """
        try:
            files = _content(self.endpoint)
            return LoadedCertificate(files, _options(self.endpoint).getContext())
        except (*FILE_ERRORS, ValueError, LookupError) as e:
            raise ConfigurationError(f"[listen] {self.endpoint}: {_message_of(e)}") from e

    def replace(self, loaded: LoadedCertificate) -> bool:
        """Use a certificate for the connections accepted from now on.

        Unchanged files keep the current one, and its tickets valid; returns whether they changed.
        """
        changed = loaded.files != self._current.files
        if changed:
            self._current = loaded
        return changed


def listener_service(
    endpoint: str, factory: Any, reactor: Any
) -> tuple[StreamServerEndpointService, ListenerTLS | None]:
    """Return the service of a listener, and its TLS if it has any.

    Raises:
        ConfigurationError: not an endpoint string, or a file that it names cannot be used.
    """
    tls = ListenerTLS(endpoint) if EndpointText.parse(endpoint).kind == "ssl" else None
    listener: Any = _TLSReactor(reactor, tls) if tls else reactor
    try:
        return service(with_backlog(endpoint), factory, reactor=listener), tls
    except (*FILE_ERRORS, ValueError, LookupError) as e:
        raise ConfigurationError(f"[listen] {endpoint}: {_message_of(e)}") from e


class _TLSReactor:
    """A reactor that listens with a `ListenerTLS`, which endpoint strings cannot name."""

    def __init__(self, reactor: Any, tls: ListenerTLS) -> None:
        self._reactor = reactor
        self._tls = tls

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenSSL(self, port: int, factory: Any, **more: Any) -> IListeningPort:
        """Listen with the `ListenerTLS`; called by the endpoint."""
        more["contextFactory"] = self._tls
        found: IListeningPort = self._reactor.listenSSL(port, factory, **more)
        return found


class _OptionsReader:
    """A reactor that keeps the TLS options of an endpoint instead of listening."""

    options: CertificateOptions | None = None

    def listenSSL(self, port: int, factory: Any, **more: Any) -> None:
        self.options = more["contextFactory"]


def _options(endpoint: str) -> CertificateOptions:
    reader = _OptionsReader()
    serverFromString(reader, endpoint).listen(Factory())
    found = reader.options
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
    """Return the certificates after the first in its file, as in certbot's ``fullchain.pem``.

    Twisted reads the first one only, and browsers would miss the intermediate authorities.
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
    """Yield the files that an endpoint string names."""
    for value in (_DEFAULT_FILE, *text.arguments, *text.options.values()):
        path = Path(value)
        if path.is_file():
            yield path


def _message_of(error: Exception) -> str:
    """Return an error's message; of OpenSSL's errors, the reasons."""
    entries = error.args[0] if error.args else []
    if isinstance(entries, list) and entries:
        return f"a file is not as it should be: {', '.join(str(entry[-1]) for entry in entries)}"
    return str(error) or type(error).__name__
