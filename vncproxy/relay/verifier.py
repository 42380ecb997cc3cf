"""What a leg that starts TLS needs to know of the check of its server."""

from __future__ import annotations

from typing import Any, Protocol

from twisted.python.failure import Failure

from ..errors import VNCProxyError


class TLSVerifier(Protocol):
    """Makes one TLS connection and verifies its server (`vncproxy.tls.verification.TLSClient`)."""

    def clientConnectionForTLS(self, tlsProtocol: object) -> Any:
        """Return the connection; called by Twisted (``IOpenSSLClientConnectionCreator``)."""

    def verify(self) -> None:
        """Verify the server after the TLS handshake.

        Raises:
            VNCProxyError: the server is not the expected one.
        """

    def failure(self, reason: Failure) -> VNCProxyError:
        """Return the error for a TLS handshake that failed."""
