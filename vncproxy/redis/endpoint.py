"""Where Redis is, how to get there, and whom to trust on the way."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cryptography.x509 import load_pem_x509_certificates
from OpenSSL.crypto import X509
from twisted.internet import ssl
from twisted.internet.endpoints import HostnameEndpoint, UNIXClientEndpoint, wrapClientTLS
from twisted.internet.interfaces import IStreamClientEndpoint

from ..errors import ConfigurationError


@dataclass(frozen=True, slots=True)
class RedisSettings:
    """Where Redis is and how to log in.

    Attributes:
        path: a unix socket, which wins over host and port; empty for none.
        username: an ACL user; empty for the default user.
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        server_name: the name in Redis's certificate, when it is not ``host``.
        timeout: seconds within which every operation ends.
        prefix: what all keys begin with.
    """

    host: str = "127.0.0.1"
    port: int = 6379
    path: str = ""
    db: int = 0
    username: str = ""
    password: str = field(default="", repr=False)
    tls: bool = False
    ca_file: str = ""
    server_name: str = ""
    timeout: float = 1.5
    prefix: str = "vncproxy:"

    def __str__(self) -> str:
        if self.path:
            return self.path
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def redis_endpoint(reactor: Any, settings: RedisSettings) -> IStreamClientEndpoint:
    """Return the way to Redis, its certificate verified where there is TLS.

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
