"""Fingerprints of certificates, in one form."""

from __future__ import annotations

import re

_FINGERPRINT = re.compile(r"(?:(sha256):([0-9a-f]{64})|(sha1):([0-9a-f]{40}))")


def parse_fingerprint(text: str) -> str:
    """Return ``sha256:<hex>`` or ``sha1:<hex>`` in lower case, without the colons of OpenSSL.

    Raises:
        ValueError: it is neither.
    """
    algorithm, _, digits = text.strip().lower().partition(":")
    plain = f"{algorithm}:{digits.replace(':', '')}"
    if not _FINGERPRINT.fullmatch(plain):
        raise ValueError('must be "sha256:" and 64, or "sha1:" and 40 hexadecimal digits')
    return plain
