"""Consoles of QEMU and KVM machines that libvirt runs, on this machine or another.

Needs the extra ``vncproxy[libvirt]``; this module itself loads without it.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, SecretStr, model_validator
from pydantic_core import PydanticCustomError
from zope.interface import implementer

from vncproxy.backends.libvirt_route import OpenGraphics, Reach, is_dialable, parse_uri
from vncproxy.backends.tls_settings import TLSSettings, warnings_about
from vncproxy.errors import ConfigurationError
from vncproxy.interfaces import IBlockingCalls, IConsoleBackend, IHasWarnings, IVMInventory
from vncproxy.model import ConsoleEndpoint, Seconds, VMSummary
from vncproxy.secret import Secret

if TYPE_CHECKING:
    from vncproxy.backends.libvirt_connection import Connection

T = TypeVar("T")


def _libvirt_uri(uri: str) -> str:
    try:
        parse_uri(uri)
    except ValueError as e:
        raise PydanticCustomError("uri", "{problem}", {"problem": str(e)}) from e
    return uri


def _host(text: str) -> str:
    if text and not is_dialable(text):
        raise PydanticCustomError(
            "host", "must be a host name or an IP address, without a port, that is not a wildcard"
        )
    return text


Host = Annotated[str, AfterValidator(_host)]


class LibvirtSettings(BaseModel):
    """The table ``[backends.NAME]`` of type ``libvirt``.

    Attributes:
        uri: libvirt's URI of the hypervisor.
        address: where its consoles are dialled when they listen on a wildcard or loopback address.
        addresses: the same by the host name that libvirt reports, before ``address``.
        timeout: longest time for one question to libvirt.
        open_graphics: when libvirt is asked to pass a connected socket, which needs no password
            and works for a libvirt on this machine only: ``auto`` where the console cannot be
            dialled, ``never``, or ``always``.
        tls: demands TLS of every console that is dialled (``vnc_tls``); the certificate must be for
            the host in ``uri``, or for the address that is dialled where there is none.
        username: for consoles that ask for a user (``vnc_sasl``), which is told under TLS only.
        password: of that user.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    uri: Annotated[str, AfterValidator(_libvirt_uri)] = "qemu:///system"
    address: Host = ""
    addresses: dict[str, Host] = {}
    timeout: Seconds = 5.0
    open_graphics: OpenGraphics = "auto"
    tls: TLSSettings | None = None
    username: str = ""
    password: Secret = SecretStr("")

    @model_validator(mode="after")
    def _can_open_graphics(self) -> LibvirtSettings:
        if self.open_graphics == "always" and not self.reach().passes_sockets:
            raise PydanticCustomError(
                "open_graphics",
                'open_graphics = "always" needs a libvirt on this machine, such as qemu:///system; '
                'for another machine "auto" or "never" are allowed',
            )
        return self

    def reach(self) -> Reach:
        """Return where the hypervisor stands."""
        reach = parse_uri(self.uri, self.address, self.open_graphics)
        trust = self.tls.trust() if self.tls else None
        return replace(
            reach,
            tls=trust and replace(trust, name=trust.name or reach.host),
            username=self.username,
            password=self.password.get_secret_value(),
        )


@implementer(IConsoleBackend, IHasWarnings, IVMInventory)
class LibvirtBackend:
    """The domains of one libvirt.

    A VM is named by UUID, name or numeric id. The inventory gives UUIDs, with the name beside it:
    a name can be given to another machine while a token is still good, a UUID never is.

    Raises:
        ConfigurationError: libvirt-python is not installed.
    """

    Settings = LibvirtSettings

    def __init__(self, name: str, settings: LibvirtSettings, calls: IBlockingCalls) -> None:
        self._name = name
        self._settings = settings
        self._calls = calls
        self._libvirt = _connection(settings)

    async def locate(self, vm: str) -> ConsoleEndpoint:
        """Ask libvirt where the console is; see ``IConsoleBackend``.

        A descriptor in the endpoint belongs to the caller.
        """
        from vncproxy.backends.libvirt_domains import locate

        settings = self._settings
        return await self._ask(locate, vm, settings.reach(), settings.addresses, late=_close_socket)

    async def list(self) -> Sequence[VMSummary]:
        """Return all domains, running or not, sorted by name."""
        from vncproxy.backends.libvirt_domains import inventory

        return await self._ask(inventory, self._name)

    async def probe(self) -> str:
        """Return versions and the number of machines."""
        from vncproxy.backends.libvirt_domains import describe

        return await self._ask(describe, self._settings.uri)

    def warnings(self) -> Sequence[str]:
        """Return what deserves a look about TLS."""
        return list(warnings_about(self._settings.reach().tls))

    async def close(self) -> None:
        """Let go of the connection."""
        await self._calls.call(self._settings.timeout, self._libvirt.close)

    async def _ask(
        self,
        question: Callable[..., T],
        *args: Any,
        late: Callable[[T], object] | None = None,
    ) -> T:
        answer: T = await self._calls.call(
            self._settings.timeout, self._libvirt, question, *args, late=late
        )
        return answer


def _connection(settings: LibvirtSettings) -> Connection:
    try:
        from vncproxy.backends.libvirt_connection import Connection
    except ImportError as e:
        raise ConfigurationError(
            f"backends of type libvirt need libvirt-python: pip install vncproxy[libvirt] ({e})"
        ) from e
    return Connection(settings.uri, settings.timeout)


def _close_socket(endpoint: ConsoleEndpoint) -> None:
    """Close the socket of an endpoint that nobody waits for any more."""
    if endpoint.fd >= 0:
        os.close(endpoint.fd)
