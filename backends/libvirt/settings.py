"""What can be configured of a backend of type ``libvirt``."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from ...addresses import check_host
from ...config.secret import Secret
from ...model import Seconds
from ...tls.settings import TLSSettings
from .console import OpenGraphics, Reach, parse_uri


def _libvirt_uri(uri: str) -> str:
    try:
        parse_uri(uri)
    except ValueError as e:
        raise PydanticCustomError("uri", "{problem}", {"problem": str(e)}) from e
    return uri


def _host(text: str) -> str:
    return text and check_host(text)


URI = Annotated[str, AfterValidator(_libvirt_uri)]
Host = Annotated[str, AfterValidator(_host)]


class LibvirtSettings(BaseModel):
    """The table ``[backends.NAME]`` of type ``libvirt``.

    Attributes:
        uri: libvirt's URI of the hypervisor; when only ``uris`` is given, the default is not used.
        uris: further hypervisors among which machines are migrated.
        address: where its consoles are dialled when they listen on a wildcard or loopback address;
            for one hypervisor only.
        addresses: the same by the host in the URI, else by the host name that libvirt reports;
            takes precedence over ``address``.
        timeout: longest time for one question to libvirt.
        open_graphics: when libvirt is asked to pass a connected socket, which needs no password
            and works for a libvirt on this machine only: ``auto`` where the console cannot be
            dialled, ``never``, or ``always``.
        tls: demands TLS of every console that is dialled (``vnc_tls``); the certificate must be for
            the host in the URI, or for the address that is dialled where there is none.
        username: for consoles that ask for a user (``vnc_sasl``); sent under TLS only.
        password: of that user; without a username, for consoles that have none in their XML
            (``vnc_password`` in ``qemu.conf``).
        power: whether machines may be started, stopped and reset.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    uri: URI = "qemu:///system"
    uris: tuple[URI, ...] = ()
    address: Host = ""
    addresses: dict[str, Host] = {}
    timeout: Seconds = 5.0
    open_graphics: OpenGraphics = "auto"
    tls: TLSSettings | None = None
    username: str = ""
    password: Secret = SecretStr("")
    power: bool = False

    @model_validator(mode="after")
    def _can_open_graphics(self) -> LibvirtSettings:
        remote = not all(self.reach(uri).passes_sockets for uri in self.hypervisors())
        if self.open_graphics == "always" and remote:
            raise PydanticCustomError(
                "open_graphics",
                'open_graphics = "always" needs a libvirt on this machine, such as qemu:///system; '
                'for another machine "auto" or "never" are allowed',
            )
        return self

    @model_validator(mode="after")
    def _has_an_address_for_each(self) -> LibvirtSettings:
        if self.address and len(self.hypervisors()) > 1:
            raise PydanticCustomError(
                "address", "address is for one hypervisor; with several, addresses names each"
            )
        return self

    def hypervisors(self) -> Sequence[str]:
        """Return the URIs of all hypervisors."""
        own = () if self.uris and "uri" not in self.model_fields_set else (self.uri,)
        return list(dict.fromkeys((*own, *self.uris)))

    def reach(self, uri: str) -> Reach:
        """Return where one of the hypervisors stands."""
        reach = parse_uri(uri, self.address, self.open_graphics)
        trust = self.tls.trust() if self.tls else None
        return replace(
            reach,
            tls=trust and replace(trust, name=trust.name or reach.host),
            username=self.username,
            password=self.password.get_secret_value() or None,
        )

    def ineffective(self) -> Iterator[str]:
        """Yield settings that do nothing, beside others in the table."""
        if self.open_graphics == "always":
            for name in ("address", "addresses", "tls", "username", "password"):
                if name in self.model_fields_set:
                    yield (
                        f'{name} does nothing with open_graphics = "always": no console is dialled'
                    )
        elif self.username and self.tls is None:
            yield (
                "username does nothing without tls, under which alone a user is told; password is "
                "that of consoles then (vnc_password)"
            )
        elif self.username and not self.password.get_secret_value():
            yield "username has no password, and SASL asks for one"
