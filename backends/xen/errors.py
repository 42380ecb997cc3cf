"""XAPI's errors as text without secrets, with what can be done about them."""

from __future__ import annotations

import re
import ssl
from typing import Final
from urllib.parse import urlsplit
from xmlrpc.client import Fault, ProtocolError

from XenAPI import Failure

from ..tls_context import WrongFingerprint, fingerprint_of
from .settings import XenSettings

_LONGEST: Final = 300
_FETCHING: Final = 2.0
"""Seconds to fetch a certificate again: OpenSSL does not hand over one that it has refused."""

_REFERENCE: Final = re.compile(r"OpaqueRef:[\w-]+")
_WRONG_NAME: Final = (62, 64)
"""OpenSSL's numbers, X509_V_ERR_…"""


_EMERGENCY: Final = (
    "HOST_STILL_BOOTING",
    "HOST_MASTER_CANNOT_TALK_BACK",
    "HOST_UNKNOWN_TO_MASTER",
    "HOST_BROKEN",
    "HOST_HAS_NO_MANAGEMENT_IP",
    "HOST_ITS_OWN_SLAVE",
)
"""The answers of a member that cannot reach its master, also to logins."""


def is_of_the_host(code: str) -> bool:
    """Return whether a failure is about the member that was asked, so that another may answer."""
    return code == "HOST_IS_SLAVE" or code in _EMERGENCY or code.startswith("HA_")


def explain(error: BaseException, settings: XenSettings, url: str) -> str:
    """Return an error's text without secrets, with what can be done where that is known.

    Args:
        url: the member that was asked.
    """
    match error:
        case ssl.SSLCertVerificationError():
            return distrust(error, url)
        case ssl.SSLError() if "HANDSHAKE_FAILURE" in (error.reason or ""):
            return (
                f"{clean(error.reason)}: no cipher in common; hosts of version 7 may need "
                "old_ciphers = true"
            )
        case Failure():
            return _failure([str(detail) for detail in error.details], settings)
        case ProtocolError():
            hint = "; is this the address of a pool member?" if error.errcode < 500 else ""
            return f"HTTP status {error.errcode} {clean(error.errmsg)}{hint}"
        case Fault():
            return f"fault {error.faultCode}: {clean(error.faultString)}"
        case TimeoutError():
            return "no answer in time"
        case OSError():
            return clean(error.strerror or str(error) or type(error).__name__)
        case _:
            return f"the answer is not one of XAPI: {type(error).__name__} {clean(str(error))}"


def distrust(error: ssl.SSLCertVerificationError, url: str) -> str:
    """Return why a certificate is refused, what was presented, and what to configure."""
    return f"{_reason(error)}{_presented(url)}; {_advice(error)}"


def clean(text: str) -> str:
    """Return text from outside, shortened and without references: that of a session is a secret."""
    return re.sub(r"[^ -~]", "?", _REFERENCE.sub("OpaqueRef", text)[:_LONGEST])


def _failure(details: list[str], settings: XenSettings) -> str:
    match details:
        case ["SESSION_AUTHENTICATION_FAILED", *_]:
            return (
                f"the account {settings.username!r} is refused: check username and password; "
                "accounts of a directory are written user@domain"
            )
        case ["RBAC_PERMISSION_DENIED", what, *_]:
            return (
                f"the account {settings.username!r} has no role that allows {clean(what)}; it "
                "needs VM Operator"
            )
        case ["HOST_STILL_BOOTING", *_]:
            return "the host is still starting"
        case [code, *_] if code in _EMERGENCY:
            return f"the host has lost its pool ({code}): it is in emergency mode"
        case _:
            return clean(", ".join(details))


def _reason(error: ssl.SSLCertVerificationError) -> str:
    if isinstance(error, WrongFingerprint):
        return "the certificate has none of the fingerprints in tls.fingerprints"
    return f"the certificate is refused: {error.verify_message.rstrip('.')}"


def _presented(url: str) -> str:
    parts = urlsplit(url)
    try:
        address = (parts.hostname or "", parts.port or 443)
        pem = ssl.get_server_certificate(address, timeout=_FETCHING)
    except OSError:
        return ""
    return f"; presented is {fingerprint_of(ssl.PEM_cert_to_DER_cert(pem))}"


def _advice(error: ssl.SSLCertVerificationError) -> str:
    if isinstance(error, WrongFingerprint):
        return "add that one to tls.fingerprints if the host was given a new certificate"
    if error.verify_code in _WRONG_NAME:
        return "write a name that stands in it into tls.name, or dial the host by it"
    return (
        "configure the authority's file as tls.ca_file; or, once it was compared on the host, that "
        "fingerprint in tls.fingerprints, where each member of the pool needs its own"
    )
