"""``tls = { … }``: how a server's certificate is verified, the same wherever it can stand."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, model_validator
from pydantic_core import PydanticCustomError

from ..errors import ConfigurationError
from ..files import absolute
from ..model import RFBSecurity, TLSTrust
from .contexts import check_trust
from .fingerprints import parse_fingerprint


def _fingerprint(text: str) -> str:
    try:
        return parse_fingerprint(text)
    except ValueError as e:
        raise PydanticCustomError("fingerprint", "{problem}", {"problem": str(e)}) from e


File = Annotated[str, AfterValidator(absolute("/etc/vncproxy/ca.pem"))]
Fingerprint = Annotated[str, AfterValidator(_fingerprint)]


class TLSSettings(BaseModel):
    """A table ``tls = { … }``; an empty one trusts the system's authorities.

    Attributes:
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        name: the name or address that the certificate must have; empty for the dialled one.
        certificate_file: PEM file of the certificate that the proxy shows of itself.
        key_file: PEM file of its key; empty when it is in the same file.
        fingerprints: ``sha256:<hex>`` or ``sha1:<hex>``; when there are any, the certificate must
            have one of them, and its authority and name are not checked.
        verify: false accepts every certificate.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    ca_file: File = ""
    name: str = ""
    certificate_file: File = ""
    key_file: File = ""
    fingerprints: tuple[Fingerprint, ...] = ()
    verify: bool = True

    @model_validator(mode="after")
    def _makes_sense(self) -> TLSSettings:
        if self.key_file and not self.certificate_file:
            raise PydanticCustomError("key_file", "key_file needs certificate_file")
        if not self.verify and (self.fingerprints or self.ca_file):
            raise PydanticCustomError(
                "verify", "verify = false makes ca_file and fingerprints pointless: leave it out"
            )
        return self

    def trust(self) -> TLSTrust:
        """Return the settings as the endpoint of a console has them."""
        return TLSTrust(**self.model_dump())


def warnings_about(trust: TLSTrust | None, *, anonymous: bool = False) -> Iterator[str]:
    """Yield warnings: servers that are not verified, and files that cannot be used."""
    if anonymous:
        yield (
            "anonymous_tls accepts a server without a certificate, and anybody in the middle: give "
            "the server one"
        )
    if trust is None:
        return
    if trust.fingerprints and (trust.ca_file or trust.name):
        given = " and ".join(f"tls.{name}" for name in ("ca_file", "name") if getattr(trust, name))
        yield f"{given}: not looked at beside tls.fingerprints, which decide alone"
    if not trust.verify:
        yield (
            "tls.verify = false accepts any certificate, and anybody in the middle: configure "
            "ca_file or fingerprints"
        )
    try:
        check_trust(trust)
    except ConfigurationError as e:
        yield str(e)


def security(
    password: str | None,
    username: str = "",
    tls: TLSSettings | None = None,
    *,
    anonymous: bool = False,
) -> RFBSecurity:
    """Return the RFB security handshake that settings like these ask for."""
    return RFBSecurity(password, username, tls.trust() if tls else None, anonymous)
