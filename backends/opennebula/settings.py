"""The tables ``[backends.NAME]`` of type ``opennebula``, and the settings of each cloud in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainValidator,
    SecretStr,
    model_validator,
)
from pydantic_core import PydanticCustomError

from ...addresses import Host, is_loopback
from ...config.secret import ERROR_TYPE, Secret
from ...model import Seconds, VMAddress
from ...tls.settings import TLSSettings, warnings_about

_URL: Final = (
    'must be the URL of OpenNebula\'s XML-RPC, such as "https://one.example.com:2633/RPC2"'
)


def is_endpoint(text: str) -> bool:
    """Return whether a text can be the URL of an XML-RPC server, and has no password in it."""
    try:
        url = urlsplit(text)
        return (
            url.scheme in ("http", "https")
            and bool(url.hostname)
            and url.port != 0
            and (url.username is None)
        )
    except ValueError:
        return False


def _endpoint(text: str) -> str:
    if not is_endpoint(text):
        raise PydanticCustomError("url", _URL)
    return text


def _backend(text: str) -> str:
    try:
        well_formed = not text or VMAddress.parse(f"{text}/vm").backend == text
    except ValueError:
        well_formed = False
    if not well_formed:
        raise PydanticCustomError("backend", "must be the NAME of another [backends.NAME]")
    return text


def split_session(session: str) -> tuple[str, str]:
    """Return user and password, or token: the first colon ends the user, as ``oned`` reads it."""
    user, _, password = session.partition(":")
    return user, password


def _session(session: SecretStr) -> SecretStr:
    user, password = split_session(session.get_secret_value())
    if not (user and password):
        raise PydanticCustomError(ERROR_TYPE, 'must be "user:password", as in the file one_auth')
    return session


def _user(text: str) -> str:
    if ":" in text:
        raise PydanticCustomError("user", "must hold no colon, which ends the user in a session")
    return text


def _vcenter(vcenter: str | dict[str, str]) -> str | dict[str, str]:
    for name in vcenter.values() if isinstance(vcenter, dict) else (vcenter,):
        _backend(name)
    if isinstance(vcenter, dict) and "" in vcenter.values():
        raise PydanticCustomError("backend", "must name a backend for each vCenter")
    return vcenter


def _zone_proxy(value: object) -> VMAddress:
    if isinstance(value, VMAddress):
        return value
    try:
        address = VMAddress.parse(str(value))
        VMAddress.parse(f"{address.vm}/vm")
    except ValueError:
        raise PydanticCustomError(
            "zone_proxy", 'must be "NAME/BACKEND": a [zones.NAME], and the backend there'
        ) from None
    return address


def _optional_zone_proxy(value: object) -> VMAddress | None:
    return None if value is None or value == "" else _zone_proxy(value)


def _without_slash(proxies: dict[str, VMAddress]) -> dict[str, VMAddress]:
    return {url.rstrip("/"): address for url, address in proxies.items()}


Endpoint = Annotated[str, AfterValidator(_endpoint)]
VCenter = Annotated[str | dict[str, str], AfterValidator(_vcenter)]
ZoneProxy = Annotated[VMAddress, PlainValidator(_zone_proxy)]
OptionalZoneProxy = Annotated[VMAddress | None, PlainValidator(_optional_zone_proxy)]


class CloudSettings(BaseModel):
    """Settings of any OpenNebula, the one of the table and those behind hybrid hosts.

    Attributes:
        servers: further servers of the same cloud, asked in their order when the endpoint does not
            answer.
        ca_file: PEM file of the authorities to trust for ``https``; empty for the usual ones.
        addresses: a host's name in OpenNebula, or what a machine's GRAPHICS/LISTEN says -> where
            its consoles are dialled; LISTEN is not looked up when it is loopback or a wildcard,
            which mean something else on every host.
        listen_networks: where an address in GRAPHICS/LISTEN is dialled; a machine's owner can
            write anything there, so elsewhere it is not.
        tls: demands TLS of every console (``vnc_tls`` on the hosts); where it gives no name, the
            certificate must be for the host's name in OpenNebula.
        vcenter: the NAME of the backend that shows machines which run in a vCenter; or the instance
            UUID of each vCenter, or the name of a host (which is a cluster of a vCenter), -> the
            NAME.
        imported: whether machines in a vCenter are shown that were imported before release 5.12,
            when owners could choose their DEPLOY_ID unless IMPORT_VM_ID was restricted.
        vnc_password: of consoles whose document has none: a default of the hosts' drivers; with a
            vnc_username, of that user.
        vnc_username: for consoles that ask for a user (``vnc_sasl`` on the hosts); sent under TLS
            only.
        remotes: a hybrid host's name -> the OpenNebula behind it.
    """

    model_config = ConfigDict(
        extra="forbid",
        frozen=True,
        allow_inf_nan=False,
        hide_input_in_errors=True,
        arbitrary_types_allowed=True,
    )

    servers: tuple[Endpoint, ...] = ()
    ca_file: str = ""
    addresses: dict[str, Host] = {}
    listen_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    tls: TLSSettings | None = None
    vcenter: VCenter = ""
    imported: bool = False
    vnc_password: Secret = SecretStr("")
    vnc_username: str = ""
    remotes: dict[str, RemoteSettings] = {}

    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all servers that are configured."""
        return self.servers

    def warnings(self) -> Iterator[str]:
        """Yield what is unsafe, here and behind hybrid hosts."""
        for url in self.urls():
            parts = urlsplit(url)
            if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
                yield f"the password travels unencrypted to {url}: use https"
        yield from warnings_about(self.tls.trust() if self.tls else None)
        if self.vnc_username and self.tls is None:
            yield "vnc_username does nothing without tls, under which alone a user is told"
        for host, remote in self.remotes.items():
            yield from (f"behind host {host}: {text}" for text in remote.warnings())

    def other_backends(self) -> Sequence[str]:
        """Return the NAMEs of backends and zones it points to; see ``NamesOtherBackends``."""
        return [*dict.fromkeys([*self.vcenters(), *self.zones_pointed_to()])]

    def vcenters(self) -> Iterator[str]:
        """Yield the NAMEs of backends for machines in a vCenter, here and behind hybrid hosts."""
        if isinstance(self.vcenter, dict):
            yield from self.vcenter.values()
        elif self.vcenter:
            yield self.vcenter
        for remote in self.remotes.values():
            yield from remote.vcenters()

    def zones_pointed_to(self) -> Iterator[str]:
        """Yield the NAMEs of zones whose proxies show machines, also behind hybrid hosts."""
        for remote in self.remotes.values():
            yield from remote.zones_pointed_to()


class RemoteSettings(CloudSettings):
    """The OpenNebula behind a hybrid host; what is empty is taken from the host's template.

    Attributes:
        endpoint: instead of ONE_ENDPOINT.
        user: instead of ONE_USER.
        password: instead of ONE_PASSWORD, which OpenNebula gives in clear text only to accounts
            of its group oneadmin.
        zone_proxy: ``NAME/BACKEND``: the proxy of ``[zones.NAME]`` shows its consoles, which its
            BACKEND finds; None dials them from here.
    """

    endpoint: Endpoint | None = None
    user: Annotated[str, AfterValidator(_user)] = ""
    password: Secret = SecretStr("")
    zone_proxy: OptionalZoneProxy = None

    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all servers that are configured."""
        return ((self.endpoint,) if self.endpoint else ()) + super().urls()

    def zones_pointed_to(self) -> Iterator[str]:
        """Yield the NAMEs of zones whose proxies show machines, also behind hybrid hosts."""
        yield from (self.zone_proxy.backend,) if self.zone_proxy else ()
        yield from super().zones_pointed_to()

    @model_validator(mode="after")
    def _user_with_password(self) -> RemoteSettings:
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise PydanticCustomError("user", "needs both user and password, or neither")
        return self


class ZoneSettings(CloudSettings):
    """``federation.zones.ZONE``: another zone of the federation, by its id or name in the pool.

    Attributes:
        endpoint: instead of ENDPOINT in the zone pool; gets the session.
        zone_proxy: instead of VNCPROXY_ENDPOINT in the zone pool, as in `RemoteSettings`.
    """

    endpoint: Endpoint | None = None
    zone_proxy: OptionalZoneProxy = None

    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all servers that are configured."""
        return ((self.endpoint,) if self.endpoint else ()) + super().urls()

    def zones_pointed_to(self) -> Iterator[str]:
        """Yield the NAMEs of zones whose proxies show machines, also behind hybrid hosts."""
        yield from (self.zone_proxy.backend,) if self.zone_proxy else ()
        yield from super().zones_pointed_to()


class Federation(BaseModel):
    """``federation``: the zones of the zone pool, whose accounts are those of this one.

    Attributes:
        zone: which of them this OpenNebula is, by its id or name.
        allowed: addresses in the zone pool that get the session.
        zone_proxies: a VNCPROXY_ENDPOINT in the zone pool -> ``NAME/BACKEND``, the ``[zones.NAME]``
            whose consoles that is, and the backend there.
        zones: what is not taken from the zone pool, by a zone's id or name.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, hide_input_in_errors=True, arbitrary_types_allowed=True
    )

    zone: Annotated[str, Field(min_length=1), BeforeValidator(str)]
    allowed: tuple[Endpoint, ...] = ()
    zone_proxies: Annotated[dict[str, ZoneProxy], AfterValidator(_without_slash)] = {}
    zones: dict[str, ZoneSettings] = {}


class OpenNebulaSettings(CloudSettings):
    """The table ``[backends.NAME]`` of type ``opennebula``.

    Attributes:
        endpoint: URL of the XML-RPC server, oned.
        session: ``user:password``, or ``user:token``, of an account that may USE the machines.
        timeout: longest time for one question, however many servers and clouds it takes.
        power: whether machines may be started, stopped and reset.
        max_hops: how many hybrid hosts may lie on the way to a machine.
        federation: where it is one zone of several, those whose machines are shown too.
    """

    endpoint: Endpoint = "http://localhost:2633/RPC2"
    session: Annotated[Secret, AfterValidator(_session)]
    timeout: Seconds = 5.0
    power: bool = False
    max_hops: Annotated[int, Field(ge=0, le=10)] = 3
    federation: Federation | None = None

    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all servers that are configured."""
        return (self.endpoint, *super().urls())

    def warnings(self) -> Iterator[str]:
        """Yield what is unsafe, here, behind hybrid hosts and in the other zones."""
        yield from super().warnings()
        for name, zone in self._zones().items():
            yield from (f"zone {name}: {text}" for text in zone.warnings())

    def vcenters(self) -> Iterator[str]:
        """Yield the NAMEs of backends for machines in a vCenter, in all zones."""
        yield from super().vcenters()
        for zone in self._zones().values():
            yield from zone.vcenters()

    def zones_pointed_to(self) -> Iterator[str]:
        """Yield the NAMEs of zones whose proxies show machines."""
        yield from super().zones_pointed_to()
        if self.federation is not None:
            yield from (each.backend for each in self.federation.zone_proxies.values())
        for zone in self._zones().values():
            yield from zone.zones_pointed_to()

    def _zones(self) -> dict[str, ZoneSettings]:
        return self.federation.zones if self.federation else {}


CloudSettings.model_rebuild()
