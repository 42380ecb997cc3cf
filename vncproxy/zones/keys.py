"""Keys of zones: Ed25519, as one line of text each.

A zone signs what it asks for with its private key, and the other one has the public key: nothing
secret leaves the zone that made it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

PRIVATE: Final = "zone-private:"
PUBLIC: Final = "zone-public:"
_SIZE: Final = 32


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that requests are verified with; equal to another one with the same id.

    Attributes:
        id: 16 hexadecimal digits of its SHA-256, which requests and logs name.
    """

    key: Ed25519PublicKey = field(repr=False, compare=False)
    id: str

    @classmethod
    def parse(cls, text: str) -> PublicKey:
        """Read a key.

        Raises:
            ValueError: it is not one.
        """
        if text.startswith(PRIVATE):
            raise ValueError("is a private key, which belongs to the zone that asks alone")
        raw = _bytes(text, PUBLIC)
        return cls(Ed25519PublicKey.from_public_bytes(raw), _id(raw))

    def __str__(self) -> str:
        return PUBLIC + _text(self.key.public_bytes_raw())


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that requests are signed with; equal to another one with the same id.

    Attributes:
        id: that of its public key.
    """

    key: Ed25519PrivateKey = field(repr=False, compare=False)
    id: str

    @classmethod
    def new(cls) -> PrivateKey:
        """Make a key."""
        return cls._of(Ed25519PrivateKey.generate())

    @classmethod
    def parse(cls, text: str) -> PrivateKey:
        """Read a key.

        Raises:
            ValueError: it is not one; the message does not show it.
        """
        if text.startswith(PUBLIC):
            raise ValueError("is a public key, which the other zone needs")
        return cls._of(Ed25519PrivateKey.from_private_bytes(_bytes(text, PRIVATE)))

    @classmethod
    def _of(cls, key: Ed25519PrivateKey) -> PrivateKey:
        return cls(key, _id(key.public_key().public_bytes_raw()))

    @property
    def public(self) -> PublicKey:
        """The key that the other zone needs."""
        return PublicKey(self.key.public_key(), self.id)

    def secret_text(self) -> str:
        """Return the key as it is stored; a secret."""
        return PRIVATE + _text(self.key.private_bytes_raw())


def _bytes(text: str, begin: str) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(text.removeprefix(begin) + "=")
    except (binascii.Error, ValueError):
        raw = b""
    if not text.startswith(begin) or len(raw) != _SIZE:
        raise ValueError(f"must be {begin} and 43 characters, as `vncproxy key new --zone` prints")
    return raw


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def _id(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:16]
