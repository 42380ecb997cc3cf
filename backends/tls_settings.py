"""``tls = { … }``: how a hypervisor's certificate is verified, the same in every backend."""

from __future__ import annotations

from vncproxy.tls_settings import File, TLSSettings, security, warnings_about

__all__ = ["File", "TLSSettings", "security", "warnings_about"]
