"""Whether the listeners' addresses are free, checked by listening for a moment."""

from __future__ import annotations

import errno
from typing import Any, Final

from OpenSSL import SSL
from twisted.internet.defer import maybeDeferred
from twisted.internet.endpoints import serverFromString
from twisted.internet.error import CannotListenError
from twisted.internet.interfaces import IAddress
from twisted.internet.protocol import Factory

from ..listeners import EndpointText
from .finding import Finding, failure, good, warning

_INHERITED: Final = ("systemd", "stdio")
_ADVICE: Final = {
    errno.EACCES: "ports below 1024 need CAP_NET_BIND_SERVICE; choose a higher one otherwise",
    errno.EADDRNOTAVAIL: "use an address of this machine",
    errno.ENOENT: "make the directory",
}


class _Refusing(Factory):
    """Closes every connection that is made while the check listens."""

    noisy = False

    def buildProtocol(self, addr: IAddress | None) -> None:
        """Refuse the connection."""


async def check_endpoint(endpoint: str, reactor: Any) -> Finding:
    """Listen, and stop at once.

    Args:
        endpoint: an endpoint string that `vncproxy.config.listeners.endpoint_error` accepts.
        reactor: provides what its type needs: ``IReactorTCP``, ``IReactorSSL``, ``IReactorUNIX``.
    """
    what, kind = f"listen {endpoint}", EndpointText.parse(endpoint).kind
    if kind in _INHERITED:
        return good(what, "handed over when the proxy starts")
    try:
        port = await serverFromString(reactor, endpoint).listen(_Refusing())
        await maybeDeferred(port.stopListening)
    except CannotListenError as error:
        return _refusal(what, error.socketError)
    except (OSError, SSL.Error, ValueError) as error:
        if kind == "unix":
            return _refusal(what, error)
        return failure(what, f"it cannot be set up: {error}", "see the certificate's own line")
    return good(what, "the address is free")


def _refusal(what: str, error: Any) -> Finding:
    number = getattr(error, "errno", None)
    if number == errno.EADDRINUSE:
        return warning(
            what,
            "the address is in use",
            "right when this proxy is running already; else stop the other program",
        )
    reason = getattr(error, "strerror", None) or str(error)
    return failure(what, f"cannot listen: {reason}", _ADVICE.get(number or 0, ""))
