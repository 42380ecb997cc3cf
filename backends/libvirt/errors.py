"""What libvirt's errors mean, and what can be done about them."""

from __future__ import annotations

import libvirt

WIPED = None
"""The code of an error that was overwritten before it was read, because Python freed another of
libvirt's objects."""

LOST = (
    WIPED,
    libvirt.VIR_ERR_SYSTEM_ERROR,
    libvirt.VIR_ERR_RPC,
    libvirt.VIR_ERR_NO_CONNECT,
    libvirt.VIR_ERR_INVALID_CONN,
)
"""Codes of errors after which another connection may work."""

_DENIED = (libvirt.VIR_ERR_OPERATION_DENIED, libvirt.VIR_ERR_ACCESS_DENIED)
_NO_ACCESS = ("Permission denied", "authentication unavailable", "authentication failed")


def explain(error: libvirt.libvirtError) -> str:
    """Return libvirt's message, with what can be done where that is known."""
    text = str(error)
    if error.get_error_code() in _DENIED:
        return f"{text}; secure XML needs a read-write connection, not libvirt-sock-ro"
    if any(words in text for words in _NO_ACCESS):
        return f"{text}; may the proxy's user connect to libvirt (group libvirt)?"
    if "No such file" in text or "Connection refused" in text:
        return f"{text}; is libvirtd (or virtqemud) running there?"
    return text
