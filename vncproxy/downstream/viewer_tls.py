"""TLS that a TCP viewer starts within RFB; the proxy is its server."""

from __future__ import annotations

from typing import Any

from OpenSSL import SSL
from twisted.internet.interfaces import IOpenSSLContextFactory, IOpenSSLServerConnectionCreator
from twisted.python.failure import Failure
from zope.interface import implementer

from ..errors import DownstreamViolation, VNCProxyError
from .tls_listener import ListenerTLS, LoadedCertificate


class ViewersTLS(ListenerTLS):
    """The certificate for TCP viewers, with TLS 1.2.

    In TLS 1.3, OpenSSL sends session tickets after the handshake. TigerVNC 1.12 stops reading
    there until more data comes, and would never see a result that has come together with them.
    """

    def read(self) -> LoadedCertificate:
        """Read the files without using them yet; may run in a thread.

        Raises:
            ConfigurationError: a file cannot be used.
        """
        loaded = super().read()
        loaded.context.set_max_proto_version(SSL.TLS1_2_VERSION)
        return loaded


@implementer(IOpenSSLServerConnectionCreator)
class ViewerTLS:
    """The server's side of one TLS connection; the viewer verifies, and shows no certificate.

    Args:
        contexts: has the certificate that is in force now.
    """

    def __init__(self, contexts: IOpenSSLContextFactory) -> None:
        self._contexts = contexts

    def serverConnectionForTLS(self, tlsProtocol: object) -> Any:  # noqa: N802
        """Return the connection; called by Twisted."""
        return SSL.Connection(self._contexts.getContext(), None)

    def verify(self) -> None:
        """Do nothing: the token authorises the user."""

    def failure(self, reason: Failure) -> VNCProxyError:
        """Return the error for a TLS handshake that failed."""
        error = reason.value
        if isinstance(error, SSL.Error) and error.args and error.args[0]:
            words = ", ".join(str(entry[-1]) for entry in error.args[0])
            return DownstreamViolation(f"TLS with the viewer failed: {words}")
        return DownstreamViolation(
            "closed during the TLS handshake: the certificate may not be trusted"
        )
