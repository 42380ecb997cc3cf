"""OpenSSL's contexts for connections to servers, from the files that a trust names.

They are kept until one of the files changes, so that opening a console stays cheap.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from OpenSSL import SSL

from ..errors import ConfigurationError
from ..files import Version, version_of
from ..model import TLSTrust
from .fingerprints import parse_fingerprint

_CERTIFIED = b"DEFAULT:!aNULL:!eNULL"
_ANONYMOUS = b"aNULL:@SECLEVEL=0"

Versions = tuple[Version, ...]


def context(trust: TLSTrust) -> SSL.Context:
    """Return the context that all connections under one trust share.

    Raises:
        ConfigurationError: a file cannot be used.
    """
    return _context(trust, _versions(trust))


def needs_name(trust: TLSTrust) -> bool:
    """Return whether an authority and a name decide, and not a fingerprint."""
    return trust.verify and not trust.fingerprints


def check_trust(trust: TLSTrust) -> None:
    """Make sure that files and fingerprints can be used.

    Raises:
        ConfigurationError: naming the file, or the fingerprint.
    """
    context(trust)
    for fingerprint in trust.fingerprints:
        try:
            parse_fingerprint(fingerprint)
        except ValueError as e:
            raise ConfigurationError(f"fingerprint {fingerprint!r} {e}") from e


def _versions(trust: TLSTrust) -> Versions:
    return tuple(
        _version(path) for path in (trust.ca_file, trust.certificate_file, trust.key_file) if path
    )


def _version(path: str) -> Version:
    try:
        status = Path(path).stat()
    except (OSError, ValueError) as e:
        raise _unusable(path, e) from e
    return version_of(status)


@lru_cache(maxsize=64)
def _context(trust: TLSTrust, versions: Versions) -> SSL.Context:
    """Return the context for a trust, from the cache while its files are the same.

    Args:
        versions: of the files, as part of the cache's key.
    """
    context = _new_context(_CERTIFIED)
    if needs_name(trust):
        _load_authorities(context, trust.ca_file)
    if trust.certificate_file:
        _load_own_certificate(context, trust.certificate_file, trust.key_file)
    return context


@lru_cache(maxsize=1)
def anonymous_context() -> SSL.Context:
    """Return the context for servers without a certificate."""
    context = _new_context(_ANONYMOUS)
    # TLS 1.3 has no anonymous key exchange
    context.set_max_proto_version(SSL.TLS1_2_VERSION)
    return context


def _new_context(ciphers: bytes) -> SSL.Context:
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_options(SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET)
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_cipher_list(ciphers)
    return context


def _load_authorities(context: SSL.Context, ca_file: str) -> None:
    if not ca_file:
        context.set_default_verify_paths()
        return
    _read(ca_file)
    try:
        context.load_verify_locations(ca_file)
    except SSL.Error as e:
        raise _unusable(ca_file, "it holds no certificate in PEM") from e


def _load_own_certificate(context: SSL.Context, certificate_file: str, key_file: str) -> None:
    key = key_file or certificate_file
    _read(certificate_file)
    _read(key)
    # a key with a passphrase would be asked for on the terminal
    context.set_passwd_cb(lambda *_: b"")
    try:
        context.use_certificate_chain_file(certificate_file)
    except SSL.Error as e:
        raise _unusable(certificate_file, "it holds no certificate in PEM") from e
    try:
        context.use_privatekey_file(key)
        context.check_privatekey()
    except SSL.Error as e:
        raise _unusable(
            key, f"it holds no key in PEM without a passphrase that fits {certificate_file}"
        ) from e


def _read(path: str) -> None:
    try:
        Path(path).read_bytes()
    except OSError as e:
        raise _unusable(path, e) from e


def _unusable(path: str, why: object) -> ConfigurationError:
    return ConfigurationError(f"{path} cannot be used: {getattr(why, 'strerror', None) or why}")
