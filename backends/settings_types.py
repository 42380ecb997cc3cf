"""``tls = { … }``: how a hypervisor's certificate is verified, the same in every backend."""

from __future__ import annotations

from ..tls.settings import File, Fingerprint, TLSSettings, security, warnings_about
from ..tls.verification import parse_fingerprint

__all__ = [
    "File",
    "Fingerprint",
    "TLSSettings",
    "parse_fingerprint",
    "security",
    "warnings_about",
]
