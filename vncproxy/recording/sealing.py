"""Recordings that only the holder of a key can read.

The bodies of chunks are encrypted with a key of the file (ChaCha20-Poly1305, RFC 8439), and that
key with the public keys of those who may read (age, X25519). The proxy keeps neither.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Sequence
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

KEY_SIZE: Final = 32
TAG_SIZE: Final = 16
"""Bytes by which a sealed body is longer."""

_NONCE_SIZE: Final = 12


class CannotOpen(ValueError):
    """A sealed recording is not for this key, or was changed."""


class Seal:
    """Encrypts and decrypts the bodies of one file's chunks.

    Args:
        key: of the file, `KEY_SIZE` random bytes.
    """

    __slots__ = ("_cipher",)

    def __init__(self, key: bytes) -> None:
        self._cipher = ChaCha20Poly1305(key)

    def close(self, number: int, head: bytes, body: bytes | memoryview) -> bytes:
        """Encrypt the body of a chunk.

        Args:
            number: of the chunk in its file, each of which is used once.
            head: of the chunk, which the body belongs to.
        """
        return self._cipher.encrypt(_nonce(number), body, head)

    def open(self, number: int, head: bytes, body: bytes) -> bytes:
        """Decrypt the body of a chunk.

        Raises:
            CannotOpen: it was changed.
        """
        try:
            return self._cipher.decrypt(_nonce(number), body, head)
        except InvalidTag as e:
            raise CannotOpen(f"chunk {number} does not open with this key") from e


def new_seal(recipients: Sequence[str]) -> tuple[Seal, str]:
    """Return a seal with a new key, and that key as the recipients can open it.

    Args:
        recipients: public keys of age, ``age1…``.

    Raises:
        ValueError: one of them is none.
    """
    import pyrage

    key = os.urandom(KEY_SIZE)
    try:
        keys = [pyrage.x25519.Recipient.from_str(each) for each in recipients]
    except pyrage.RecipientError as e:
        raise ValueError("a recipient is no public key of age, age1…") from e
    return Seal(key), base64.b64encode(pyrage.encrypt(key, keys)).decode()


def open_seal(sealed_key: str, identities: Sequence[str]) -> Seal:
    """Return the seal of a file.

    Args:
        sealed_key: as `new_seal` returns it.
        identities: secret keys of age, ``AGE-SECRET-KEY-1…``.

    Raises:
        CannotOpen: none of them opens it.
    """
    import pyrage

    try:
        keys = [pyrage.x25519.Identity.from_str(each) for each in identities]
        key = pyrage.decrypt(base64.b64decode(sealed_key), keys)
    except (pyrage.IdentityError, pyrage.DecryptError, ValueError) as e:
        raise CannotOpen("the recording is sealed for another key") from e
    if len(key) != KEY_SIZE:
        raise CannotOpen("the key of the recording is damaged")
    return Seal(key)


def _nonce(number: int) -> bytes:
    return number.to_bytes(_NONCE_SIZE, "big")
