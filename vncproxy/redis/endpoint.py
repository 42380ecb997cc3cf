"""The way to a Redis: its address, and its certificate verified where there is TLS."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.x509 import load_pem_x509_certificates
from OpenSSL.crypto import X509
from twisted.internet import ssl
from twisted.internet.abstract import isIPAddress, isIPv6Address
from twisted.internet.defer import Deferred, succeed
from twisted.internet.endpoints import (
    HostnameEndpoint,
    TCP4ClientEndpoint,
    TCP6ClientEndpoint,
    UNIXClientEndpoint,
    wrapClientTLS,
)
from twisted.internet.interfaces import IStreamClientEndpoint
from zope.interface import Interface, implementer

from ..config.redis import RedisSettings
from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class Server:
    """A server that may be the primary.

    Attributes:
        address: for messages.
        time_limit: seconds for connecting and logging in.
        announced: whether a sentinel named it, so that it has to say itself that it is a primary.
    """

    address: str
    endpoint: IStreamClientEndpoint
    time_limit: float
    announced: bool = False


class IPrimary(Interface):
    """Knows which server is the primary."""

    def servers() -> AsyncIterator[Server]:
        """Yield the server that is the primary now; each further one is another opinion.

        The caller takes the next one where a server cannot be used.

        Raises:
            StoreUnavailable: it is not known.
        """

    def reports() -> Awaitable[Sequence[tuple[str, str, str]]]:
        """Return what each sentinel says: its address, a text, and advice where it needs some.

        Empty where there are no sentinels.
        """

    def follow(moved: Callable[[], None]) -> Callable[[], Deferred[object]]:  # noqa: N805
        """Call a function, which must not fail, whenever another server has become the primary.

        Returns:
            A function that ends this; its Deferred fires, and never fails, when that is done.
        """


@implementer(IPrimary)
class FixedPrimary:
    """A primary that is always at one address, which may lead to another server meanwhile.

    Args:
        reactor: connects and resolves names.
        settings: where it is.
        trust: what `trusted` returned; it is read from the settings when it is not given.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """

    def __init__(self, reactor: Any, settings: RedisSettings, trust: Any = None) -> None:
        endpoint = redis_endpoint(reactor, settings, trust)
        self._server = Server(settings.address, endpoint, settings.timeout)

    async def servers(self) -> AsyncIterator[Server]:
        """Yield the one server."""
        yield self._server

    async def reports(self) -> Sequence[tuple[str, str, str]]:
        """Return nothing: there are no sentinels."""
        return ()

    def follow(self, moved: Callable[[], None]) -> Callable[[], Deferred[object]]:
        """Never call it."""
        return lambda: succeed(None)


def redis_endpoint(
    reactor: Any, settings: RedisSettings, trust: Any = None
) -> IStreamClientEndpoint:
    """Return the way to the Redis whose address is in the settings.

    Args:
        trust: what `trusted` returned; it is read from the settings when it is not given.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """
    if settings.path:
        return UNIXClientEndpoint(reactor, settings.path, timeout=settings.timeout)
    kind = _kind_of_endpoint(settings.host)
    server: IStreamClientEndpoint = kind(
        reactor, settings.host, settings.port, timeout=settings.timeout
    )
    if not settings.tls:
        return server
    name = settings.server_name or settings.host
    trust = trust or trusted(settings.ca_file)
    return wrapClientTLS(ssl.optionsForClientTLS(name, trustRoot=trust), server)


def _kind_of_endpoint(host: str) -> Any:
    """Return the endpoint class for a host: an address needs no resolver, whose thread may hang."""
    if isIPAddress(host):
        return TCP4ClientEndpoint
    return TCP6ClientEndpoint if isIPv6Address(host) else HostnameEndpoint


def trusted(ca_file: str, key: str = "redis.ca_file") -> Any:
    """Return the authorities that may certify a server.

    Args:
        ca_file: empty for the authorities of the system.
        key: what the setting is called.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """
    if not ca_file:
        return ssl.platformTrust()
    try:
        found = load_pem_x509_certificates(Path(ca_file).read_bytes())
    except (OSError, ValueError) as e:
        raise ConfigurationError(f"{key} {ca_file} cannot be used: {e}") from e
    return ssl.trustRootFromCertificates(
        [ssl.Certificate(X509.from_cryptography(certificate)) for certificate in found]
    )
