"""The key that signed tokens are verified with; what it is decides which algorithms are accepted.

What a token's own header says about algorithms can only fit or not.
"""

from __future__ import annotations

import base64
import binascii
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key

from ...errors import ConfigurationError

Key = RSAPublicKey | EllipticCurvePublicKey | Ed25519PublicKey | bytes

_RSA: Final = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512")
_CURVES: Final = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
_HMAC: Final = ("HS256", "HS384", "HS512")
_LEAST_SECRET: Final = 32
_LEAST_RSA: Final = 2048
_BASE64URL: Final = re.compile(rb"[A-Za-z0-9_-]+={0,2}")


@dataclass(frozen=True, slots=True)
class VerifyingKey:
    """A key with the algorithms that fit it; ``str`` says what it is."""

    key: Key = field(repr=False)
    kind: str
    algorithms: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.kind} ({', '.join(self.algorithms)})"


def read_key(path: Path) -> VerifyingKey:
    """Read a public key or certificate as PEM, or a secret in base64url.

    Raises:
        ConfigurationError: it cannot be read or used.
    """
    try:
        data = path.read_bytes()
    except OSError as e:
        raise ConfigurationError(f"{path} cannot be read: {e.strerror or e}") from e
    try:
        return _asymmetric(data) if b"-----BEGIN" in data else _secret(data)
    except (ValueError, UnsupportedAlgorithm) as e:
        raise ConfigurationError(f"{path} {e}") from None


def _asymmetric(data: bytes) -> VerifyingKey:
    match _load(data):
        case RSAPublicKey() as key:
            if key.key_size < _LEAST_RSA:
                raise ValueError(f"has {key.key_size} bits of RSA; at least {_LEAST_RSA} are safe")
            return VerifyingKey(key, f"RSA of {key.key_size} bits", _RSA)
        case EllipticCurvePublicKey() as key if key.curve.name in _CURVES:
            return VerifyingKey(key, f"EC {key.curve.name}", (_CURVES[key.curve.name],))
        case Ed25519PublicKey() as key:
            return VerifyingKey(key, "Ed25519", ("EdDSA",))
        case _:
            raise ValueError("holds a key that is not RSA, EC (P-256, P-384, P-521) or Ed25519")


def _load(data: bytes) -> object:
    if b"PRIVATE KEY-----" in data:
        raise ValueError(
            "holds a private key, which belongs to the issuer alone: openssl pkey -pubout makes the"
            " public one"
        )
    try:
        if b"-----BEGIN CERTIFICATE-----" in data:
            return x509.load_pem_x509_certificate(data).public_key()
        return load_pem_public_key(data)
    except ValueError:
        raise ValueError("is no public key in PEM") from None


def _secret(data: bytes) -> VerifyingKey:
    text = data.strip()
    if not _BASE64URL.fullmatch(text):
        raise ValueError("is neither PEM nor a secret in base64url")
    try:
        secret = base64.urlsafe_b64decode(text.rstrip(b"=") + b"=" * (-len(text.rstrip(b"=")) % 4))
    except binascii.Error:
        raise ValueError("is no base64url") from None
    if len(secret) < _LEAST_SECRET:
        raise ValueError(
            f"holds a secret of {len(secret)} bytes; at least {_LEAST_SECRET} are safe (RFC 7518)"
        )
    return VerifyingKey(secret, f"a secret of {len(secret)} bytes", _HMAC)
