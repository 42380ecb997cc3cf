"""The way to Redis: where the primary is, its certificate verified where there is TLS."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from cryptography.x509 import load_pem_x509_certificates
from OpenSSL.crypto import X509
from twisted.internet import ssl
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint

from ..config.redis import RedisSettings
from ..errors import ConfigurationError

LocatePrimary = Callable[[], Awaitable[IStreamClientEndpoint]]
"""Finds the way to the Redis that is the primary now; it is called for each connection.

It raises ``StoreUnavailable`` when there is none.
"""


def configured_primary(reactor: Any, settings: RedisSettings) -> LocatePrimary:
    """Return the finder of a primary that is always at the configured address.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """
    endpoint = redis_endpoint(reactor, settings)

    async def locate() -> IStreamClientEndpoint:
        return endpoint

    return locate


def redis_endpoint(reactor: Any, settings: RedisSettings) -> IStreamClientEndpoint:
    """Return the way to the Redis that settings name.

    Raises:
        ConfigurationError: the file of authorities cannot be used.
    """
    if settings.path:
        return UNIXClientEndpoint(reactor, settings.path, timeout=settings.timeout)
    endpoint = HostnameEndpoint(reactor, settings.host, settings.port, timeout=settings.timeout)
    if not settings.tls:
        return endpoint
    name = settings.server_name or settings.host
    trusted = _authorities(settings.ca_file) if settings.ca_file else ssl.platformTrust()
    return wrapClientTLS(ssl.optionsForClientTLS(name, trustRoot=trusted), endpoint)


def _authorities(ca_file: str) -> Any:
    try:
        found = load_pem_x509_certificates(Path(ca_file).read_bytes())
    except (OSError, ValueError) as e:
        raise ConfigurationError(f"redis.ca_file {ca_file} cannot be used: {e}") from e
    return ssl.trustRootFromCertificates(
        [ssl.Certificate(X509.from_cryptography(certificate)) for certificate in found]
    )
