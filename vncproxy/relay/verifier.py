"""What a leg that starts TLS needs to know of its connection."""

from __future__ import annotations

from typing import Protocol

from twisted.python.failure import Failure

from ..errors import VNCProxyError


class TLSVerifier(Protocol):
    """Makes one TLS connection, for Twisted, and verifies its peer.

    As the client it provides ``IOpenSSLClientConnectionCreator``
    (`vncproxy.tls.verification.TLSClient`), as the server ``IOpenSSLServerConnectionCreator``.
    """

    def verify(self) -> None:
        """Verify the peer after the TLS handshake.

        Raises:
            VNCProxyError: it is not the expected one.
        """

    def failure(self, reason: Failure) -> VNCProxyError:
        """Return the error for a TLS handshake that failed."""
