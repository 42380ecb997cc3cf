"""Texts that peers send with a refusal."""

from __future__ import annotations

REASON_LIMIT = 512
"""Longest reason that is read from a server or sent to a viewer, in bytes."""


def clean_reason(raw: bytes) -> str:
    """Return a reason as one printable line, without the NULs that some servers count in."""
    text = raw[:REASON_LIMIT].decode("utf-8", "replace").replace("\ufffd", "?")
    return " ".join("".join(c if c.isprintable() else " " for c in text).split())
