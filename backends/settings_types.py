"""``tls = { … }``: how a hypervisor's certificate is verified, the same in every backend."""

from __future__ import annotations

from vncproxy.tls import parse_fingerprint
from vncproxy.tls_settings import File, Fingerprint, TLSSettings, security, warnings_about

__all__ = [
    "File",
    "Fingerprint",
    "TLSSettings",
    "parse_fingerprint",
    "security",
    "warnings_about",
]
