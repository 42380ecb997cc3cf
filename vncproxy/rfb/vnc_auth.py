"""VNC authentication: a challenge answered with the password as DES key (RFC 6143, 7.2.2)."""

from __future__ import annotations

from cryptography.hazmat.decrepit.ciphers.algorithms import TripleDES
from cryptography.hazmat.primitives.ciphers import Cipher, modes

from ..handshake.steps import Read, Steps, Write

_REVERSED = bytes(int(f"{byte:08b}"[::-1], 2) for byte in range(256))


def vnc_response(password: str, challenge: bytes) -> bytes:
    """Return the answer to a VNC authentication challenge.

    DES in ECB mode, keyed with the first 8 bytes of the password, the bits of each byte reversed;
    computed as triple DES with three equal keys.
    """
    key = password.encode()[:8].ljust(8, b"\0").translate(_REVERSED)
    encryptor = Cipher(TripleDES(key * 3), modes.ECB()).encryptor()  # noqa: S305 the protocol's own
    return encryptor.update(challenge) + encryptor.finalize()


def authenticate(password: str) -> Steps[None]:
    """Answer a server's challenge; its SecurityResult comes next."""
    challenge = yield Read(16, "its challenge for VNC authentication")
    yield Write(vnc_response(password, challenge))
