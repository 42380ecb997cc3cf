"""Certificates and keys of TLS listeners."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    PublicFormat,
    load_pem_private_key,
)
from cryptography.x509 import Certificate, load_pem_x509_certificates

from ..listeners import EndpointText
from .finding import Finding, failure, good, warning

_SOON: Final = 14
"""Days before its end from which a certificate is warned of."""


class _Unusable(Exception):
    """A file cannot be used; the message says why."""


def check_certificates(endpoint: str, now: float) -> Iterator[Finding]:
    """Check the files of a TLS listener; other listeners have none.

    Args:
        endpoint: an endpoint string.
        now: seconds since 1970.
    """
    parsed = EndpointText.parse(endpoint)
    if parsed.kind != "ssl":
        return
    key_file = parsed.options.get("privateKey", "server.pem")
    certificate_file = parsed.options.get("certKey", key_file)
    what = f"certificate {certificate_file}"
    try:
        certificate, *chain = _certificates(certificate_file)
        chain += _certificates(parsed.options.get("extraCertChain"))
        fits = _spki(certificate.public_key()) == _spki(_public_half(key_file))
    except _Unusable as error:
        yield failure(what, str(error), "name readable PEM files in [listen]")
        return
    if not fits:
        yield failure(what, f"it does not belong to the key {key_file}", "use the key it is for")
    for each in (certificate, *chain):
        yield _validity(what, each, datetime.fromtimestamp(now, UTC))


def _read(path: str) -> bytes:
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise _Unusable(f"{path} cannot be read: {error.strerror}") from None


def _certificates(path: str | None) -> list[Certificate]:
    if path is None:
        return []
    try:
        return load_pem_x509_certificates(_read(path))
    except ValueError:
        raise _Unusable(f"{path} holds no certificate in PEM") from None


def _public_half(path: str) -> PublicKeyTypes:
    try:
        return load_pem_private_key(_read(path), None).public_key()
    except TypeError:
        raise _Unusable(f"the key {path} is encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise _Unusable(f"{path} holds no private key in PEM") from None


def _spki(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _validity(what: str, certificate: Certificate, now: datetime) -> Finding:
    begin, end = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    if now < begin:
        return failure(what, f"it is not valid before {begin:%Y-%m-%d}", "set the clock, or wait")
    if now >= end:
        return failure(what, f"it expired on {end:%Y-%m-%d}", "renew it")
    days = (end - now).days
    if days < _SOON:
        return warning(what, f"it expires on {end:%Y-%m-%d}, in {days} days", "renew it")
    return good(what, f"valid until {end:%Y-%m-%d}")
