"""From a WebMKS ticket to the address of the web socket that it opens, once.

vSphere Web Services API, data object VirtualMachineTicket.
"""

from __future__ import annotations

import ssl
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlsplit

from ...errors import BackendError
from ...model import ConsoleEndpoint, TLSTrust, Transport
from ...tls.fingerprints import parse_fingerprint
from ..tls_context import fingerprint_of
from .address import place
from .settings import VMwareSettings

_HTTPS = 443


def endpoint(
    ticket: Any, name: str, settings: VMwareSettings, is_single_host: bool
) -> ConsoleEndpoint:
    """Return where a ticket is redeemed, with the ticket in the path.

    Args:
        ticket: a ``vim.VirtualMachine.Ticket``.
        name: of the machine, for the screen.
        is_single_host: whether the API is that of the ESXi host itself, which often does not know
            under which name it can be reached.

    Raises:
        BackendError: the ticket names no host that can be dialled, or no TLS.
    """
    host, port, path = _target(ticket)
    # where both are given, other machines usually resolve the name in the URL
    found = place(settings, is_single_host, host, ticket.host or "")
    return ConsoleEndpoint(
        Transport.WSS,
        host=found.host,
        port=port,
        path=path,
        tls=_trust(ticket, host or ticket.host or settings.host, settings, is_single_host),
        name=name,
        allow_loopback=found.is_written,
    )


def _target(ticket: Any) -> tuple[str, int, str]:
    """Return host, port and request target; the host may be empty."""
    if not ticket.url:
        return ticket.host or "", ticket.port or _HTTPS, f"/ticket/{quote(ticket.ticket, safe='')}"
    try:
        url = urlsplit(ticket.url)
        host, port = url.hostname or "", url.port or _HTTPS
    except ValueError:
        # not chained: the message could hold the URL
        raise BackendError("the ticket's URL cannot be understood") from None
    if url.scheme != "wss" or not url.path.startswith("/"):
        raise BackendError(f"the ticket's URL is of scheme {url.scheme[:10]!r} and not wss")
    return host, port, url.path + (f"?{url.query}" if url.query else "")


def _trust(ticket: Any, host: str, settings: VMwareSettings, is_single_host: bool) -> TLSTrust:
    """Return what the host's certificate must be, from the ticket: its API has been verified.

    Only fingerprints of the strongest kind count. Where the ticket has none, an authority must
    have signed the certificate.
    """
    if found := _fingerprints(ticket):
        return TLSTrust(fingerprints=found)
    trust = settings.trust()
    return trust if is_single_host else replace(trust, name=host, fingerprints=())


def _fingerprints(ticket: Any) -> tuple[str, ...]:
    told = [f"{each.hashAlgorithm}:{each.thumbprint}" for each in ticket.certThumbprintList or ()]
    strong = tuple(filter(None, map(_sha256, told)))
    if pem := getattr(ticket, "sslCertificate", None):
        strong += (_of_pem(pem),)
    if strong or not ticket.sslThumbprint:
        return strong
    try:
        return (parse_fingerprint(f"sha1:{ticket.sslThumbprint}"),)
    except ValueError as e:
        raise BackendError("the ticket's sslThumbprint is no SHA-1 fingerprint") from e


def _sha256(told: str) -> str:
    algorithm, _, digits = told.partition(":")
    if algorithm.lower().replace("-", "") != "sha256":
        return ""
    try:
        return parse_fingerprint(f"sha256:{digits}")
    except ValueError as e:
        raise BackendError("the ticket's thumbprint is no SHA-256 fingerprint") from e


def _of_pem(pem: str) -> str:
    try:
        return fingerprint_of(ssl.PEM_cert_to_DER_cert(pem.strip()))
    except ValueError as e:
        raise BackendError("the ticket's certificate is not PEM") from e
