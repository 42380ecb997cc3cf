"""TLS of listeners: sessions are resumed with tickets, and only authenticated suites are spoken."""

from __future__ import annotations

from typing import Any

from twisted.application.internet import StreamServerEndpointService
from twisted.application.strports import service
from twisted.internet.interfaces import IListeningPort
from twisted.internet.ssl import AcceptableCiphers, CertificateOptions

from .listeners import EndpointText

CIPHERS = AcceptableCiphers.fromOpenSSLCipherString(
    "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20"
)
"""Suites of TLS 1.2 that are authenticated and keep secrets after the key is lost; TLS 1.3 has only
such."""


def listening(endpoint: str, factory: Any, reactor: Any) -> StreamServerEndpointService:
    """Return the service of a listener, whose ``ssl:`` hands out session tickets and has `CIPHERS`.

    Whoever asks for an ``sslmethod`` of their own gets Twisted's settings as they are.

    Raises:
        OSError, OpenSSL.SSL.Error: a file that it names cannot be used.
        ValueError, LookupError: it is no endpoint string.
    """
    text = EndpointText.parse(endpoint)
    if text.kind == "ssl" and "sslmethod" not in text.options:
        reactor = _WithTickets(reactor)
    return service(endpoint, factory, reactor=reactor)


class _WithTickets:
    """A reactor whose TLS listeners hand out tickets, for which endpoint strings have no word.

    A ticket is good at the process that gave it, for as long as that lives (RFC 5077, RFC 8446
    section 4.6.1); anywhere else a whole handshake follows.
    """

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reactor, name)

    def listenSSL(self, port: int, factory: Any, **more: Any) -> IListeningPort:
        """Listen with tickets; called by the endpoint."""
        settings: CertificateOptions = more.pop("contextFactory")
        with_tickets = CertificateOptions(
            privateKey=settings.privateKey,
            certificate=settings.certificate,
            extraCertChain=settings.extraCertChain,
            dhParameters=settings.dhParameters,
            enableSessionTickets=True,
            acceptableCiphers=CIPHERS,
        )
        found: IListeningPort = self._reactor.listenSSL(
            port, factory, contextFactory=with_tickets, **more
        )
        return found
