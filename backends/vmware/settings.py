"""The table ``[backends.NAME]`` of type ``vmware``."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from ...addresses import Host, Port, bracketed, mapped
from ...config.secret import RequiredSecret
from ...model import Seconds, TLSTrust
from ...tls.settings import Fingerprint

ConsoleKind = Literal["webmks", "vnc", "auto"]
"""Which server shows a screen: ESXi's web socket, its VNC server, or the first of them."""


class VMwareSettings(BaseModel):
    """The table ``[backends.NAME]`` of type ``vmware``.

    Attributes:
        host: name or address of the vCenter server, or of a single ESXi host.
        port: of its API.
        username: an account that may see the machines and interact with their consoles.
        password: of that account.
        ca_file: PEM file of the authorities to trust; empty for those of the system.
        server_name: the name in the server's certificate, when it is not ``host``.
        fingerprints: of the server's certificate; when there are any, one must match, and
            authority and name are not checked.
        verify: False accepts any certificate of the server.
        console: how consoles are reached; ``auto`` uses VNC where there is no web socket.
        addresses: an ESXi host as vCenter names it -> where it is dialled.
        bios_uuids: whether a UUID that is no machine's instance UUID may be a BIOS UUID. Clones
            share it, and an account that may configure a machine can set it to that of another.
        timeout: longest time for one question.
        power: whether machines may be started, stopped and reset.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    host: Host
    port: Port = 443
    username: Annotated[str, Field(min_length=1)]
    password: RequiredSecret
    ca_file: str = ""
    server_name: str = ""
    fingerprints: tuple[Fingerprint, ...] = ()
    verify: bool = True
    console: ConsoleKind = "webmks"
    addresses: dict[str, Host] = {}
    bios_uuids: bool = False
    timeout: Seconds = 8.0
    power: bool = False

    @model_validator(mode="after")
    def _one_kind_of_trust(self) -> VMwareSettings:
        if not self.verify and (self.ca_file or self.server_name or self.fingerprints):
            raise PydanticCustomError(
                "verify",
                "verify = false accepts any certificate: leave it out, or leave out ca_file, "
                "server_name and fingerprints",
            )
        return self

    def __str__(self) -> str:
        host = bracketed(self.host)
        return host if self.port == 443 else f"{host}:{self.port}"

    def trust(self) -> TLSTrust:
        """Return how the API's own certificate is verified."""
        return TLSTrust(
            ca_file=self.ca_file,
            name=self.server_name,
            fingerprints=self.fingerprints,
            verify=self.verify,
        )

    def warnings(self) -> Iterator[str]:
        """Yield what is unsafe."""
        if not self.verify:
            yield (
                f"verify = false, so anybody on the way to {self} can read the password and show "
                "another screen: configure ca_file or fingerprints"
            )

    def mapped(self, host: str) -> str:
        """Return the configured address of a host, from its name in vSphere; empty without one."""
        return mapped(self.addresses, host)
