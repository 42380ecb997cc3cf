"""The listening sockets of a proxy with workers: bound once, by the supervisor.

Workers inherit them, so connections that have not been accepted yet outlive the end of any worker.
With ``SO_REUSEPORT`` each worker would have a queue of its own, and its end would reset the
connections in it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, cast

from twisted.application.internet import StreamServerEndpointService
from twisted.application.service import MultiService
from twisted.application.strports import service
from twisted.internet.protocol import Factory

from ..config.listeners import EndpointText, escaped, with_backlog, without_wrapper
from ..config.settings import Listen
from ..errors import ConfigurationError

_OF_TCP = ("interface", "backlog")
_LISTENING = frozenset({"listenTCP", "listenUNIX", "adoptStreamPort"})


class ListeningSockets(MultiService):
    """The listening sockets of all endpoints; the supervisor accepts nothing from them.

    Args:
        endpoints: endpoint strings in the order in which workers find them.

    Raises:
        ConfigurationError: an endpoint names a socket that systemd has not passed.
    """

    def __init__(self, endpoints: Iterable[str], reactor: Any) -> None:
        super().__init__()
        self._endpoints = list(endpoints)
        self._holders: list[_Holder] = []
        for endpoint in self._endpoints:
            holder = _Holder(reactor)
            self._holders.append(holder)
            self.addService(_listener(endpoint, holder))

    def descriptors(self) -> list[tuple[str, int]]:
        """Return the endpoints with the descriptors of their sockets, once they are bound."""
        found = zip(self._endpoints, self._holders, strict=True)
        return [(text, holder.port.fileno()) for text, holder in found if holder.port]


def endpoints_of(listen: Listen) -> tuple[str, ...]:
    """Return all endpoint strings of a configuration, without ``haproxy:``."""
    return tuple(without_wrapper(each)[0] for each in listen.all_endpoints)


class WaitingConnections(Factory):
    """The factory of a socket that the supervisor holds: it never accepts a connection."""

    noisy = False


class _Holder:
    """A reactor whose listening socket is bound, and not read from."""

    def __init__(self, reactor: Any) -> None:
        self._reactor = reactor
        self.port: Any = None

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._reactor, name)
        if name not in _LISTENING:
            return found

        def listen(*arguments: Any, **options: Any) -> Any:
            self.port = found(*arguments, **options)
            self.port.stopReading()
            return self.port

        return listen


def _listener(endpoint: str, holder: _Holder) -> StreamServerEndpointService:
    try:
        return service(_without_tls(endpoint), WaitingConnections(), reactor=cast(Any, holder))
    except (ValueError, LookupError) as e:
        raise ConfigurationError(f"[listen] {endpoint}: {e}") from e


def _without_tls(endpoint: str) -> str:
    """Return the endpoint string of the same socket without TLS, whose files only workers read."""
    parsed = EndpointText.parse(endpoint)
    if parsed.kind != "ssl":
        return with_backlog(endpoint)
    options = "".join(
        f":{name}={escaped(value)}" for name, value in parsed.options.items() if name in _OF_TCP
    )
    return with_backlog(f"tcp:{parsed.port}{options}")
