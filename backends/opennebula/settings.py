"""The tables ``[backends.NAME]`` of type ``opennebula``, and the settings of each cloud in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Network, IPv6Network
from typing import Annotated, Final
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, SecretStr, model_validator
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


def _no_zone_proxy(text: str) -> str:
    if text:
        raise PydanticCustomError(
            "zone_proxy",
            "another zone's vncproxy cannot be used yet; write in addresses under which address "
            "each of the remote hosts can be dialled from here",
        )
    return text


Endpoint = Annotated[str, AfterValidator(_endpoint)]
VCenter = Annotated[str | dict[str, str], AfterValidator(_vcenter)]


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
        vnc_password: of consoles whose document has none: a default of the hosts' drivers.
        remotes: a hybrid host's name -> the OpenNebula behind it.
    """

    model_config = ConfigDict(
        extra="forbid", frozen=True, allow_inf_nan=False, hide_input_in_errors=True
    )

    servers: tuple[Endpoint, ...] = ()
    ca_file: str = ""
    addresses: dict[str, Host] = {}
    listen_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    tls: TLSSettings | None = None
    vcenter: VCenter = ""
    imported: bool = False
    vnc_password: Secret = SecretStr("")
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
        for host, remote in self.remotes.items():
            yield from (f"behind host {host}: {text}" for text in remote.warnings())

    def other_backends(self) -> Sequence[str]:
        """Return the NAMEs of backends for machines in a vCenter; see ``NamesOtherBackends``."""
        return [*dict.fromkeys(self.vcenters())]

    def vcenters(self) -> Iterator[str]:
        """Yield the NAMEs of backends for machines in a vCenter, here and behind hybrid hosts."""
        if isinstance(self.vcenter, dict):
            yield from self.vcenter.values()
        elif self.vcenter:
            yield self.vcenter
        for remote in self.remotes.values():
            yield from remote.vcenters()


class RemoteSettings(CloudSettings):
    """The OpenNebula behind a hybrid host; what is empty is taken from the host's template.

    Attributes:
        endpoint: instead of ONE_ENDPOINT.
        user: instead of ONE_USER.
        password: instead of ONE_PASSWORD, which OpenNebula gives in clear text only to accounts
            of its group oneadmin.
        zone_proxy: not supported yet; any value is refused.
    """

    endpoint: Endpoint | None = None
    user: Annotated[str, AfterValidator(_user)] = ""
    password: Secret = SecretStr("")
    zone_proxy: Annotated[str, AfterValidator(_no_zone_proxy)] = ""

    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all servers that are configured."""
        return ((self.endpoint,) if self.endpoint else ()) + super().urls()

    @model_validator(mode="after")
    def _user_with_password(self) -> RemoteSettings:
        if bool(self.user) != bool(self.password.get_secret_value()):
            raise PydanticCustomError("user", "needs both user and password, or neither")
        return self


class OpenNebulaSettings(CloudSettings):
    """The table ``[backends.NAME]`` of type ``opennebula``.

    Attributes:
        endpoint: URL of the XML-RPC server, oned.
        session: ``user:password``, or ``user:token``, of an account that may USE the machines.
        timeout: longest time for one question, however many servers and clouds it takes.
        max_hops: how many hybrid hosts may lie on the way to a machine.
    """

    endpoint: Endpoint = "http://localhost:2633/RPC2"
    session: Annotated[Secret, AfterValidator(_session)]
    timeout: Seconds = 5.0
    max_hops: Annotated[int, Field(ge=0, le=10)] = 3

    def urls(self) -> tuple[str, ...]:
        """Return the URLs of all servers that are configured."""
        return (self.endpoint, *super().urls())


CloudSettings.model_rebuild()
