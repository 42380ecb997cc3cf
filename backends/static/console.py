"""One console of a table: its address, how it is secured, the name to show."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr, model_validator
from pydantic_core import PydanticCustomError

from ...config.secret import Secret
from ...model import ConsoleEndpoint, Transport
from ...tls.settings import TLSSettings, security, warnings_about

_TCP = re.compile(
    r"(?:(?P<scheme>tls|wss)://)?"
    r"(?:\[(?P<v6>[^\]\s]+)\]|(?P<host>[^:\[\]/\s]+)):(?P<port>[0-9]{1,5})(?P<path>/[!-~]*)?"
)
_UNIX = re.compile(r"unix:(?P<path>/.+)")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a console is: a host and a port, or the path of a unix socket or web socket."""

    transport: Transport
    host: str = ""
    port: int = 0
    path: str = field(default="", repr=False)

    @property
    def is_tls(self) -> bool:
        """Whether TLS comes before everything else."""
        return self.transport in (Transport.TLS, Transport.WSS)


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def parse_address(text: object) -> Address:
    """Read ``host:port``, ``tls://host:port``, ``wss://host:port/path`` or ``unix:/path``.

    An IPv6 address stands in brackets.

    Raises:
        PydanticCustomError: it is none of them.
    """
    if isinstance(text, Address):
        return text
    if isinstance(text, str):
        if unix := _UNIX.fullmatch(text):
            return Address(Transport.UNIX, path=unix["path"])
        tcp = _TCP.fullmatch(text)
        if tcp and 0 < int(tcp["port"]) < 65536 and (tcp["host"] or _is_ipv6(tcp["v6"])):
            transport = Transport(tcp["scheme"] or "tcp")
            path = tcp["path"] or ""
            if not path or transport is Transport.WSS:
                return Address(transport, tcp["host"] or tcp["v6"], int(tcp["port"]), path)
    raise PydanticCustomError(
        "address",
        'must be "host:port", "[IPv6 address]:port", "tls://host:port", "wss://host:port/path" or '
        '"unix:/path"',
    )


class Console(BaseModel):
    """A table ``NAME = { address = …, password = …, … }``.

    Attributes:
        address: ``host:port``, ``[IPv6 address]:port``, ``unix:/path``, ``tls://host:port`` or
            ``wss://host:port/path``.
        password: for VNC authentication, or of the user; empty for servers that ask for none.
        username: for servers that ask for a user's name, which is sent under TLS only.
        tls: demands TLS (VeNCrypt, or the TLS of the address), and says how the server is verified.
        anonymous_tls: demands VeNCrypt, and accepts a server without a certificate.
        name: the machine's name on the page; empty for the server's own.
        one_viewer: whether the server disconnects a viewer when another one connects, or admits no
            second one.
        project: id of the Keystone project whose machine it is; empty for none.
        tags: which policies for Keystone's users can name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: Annotated[Address, PlainValidator(parse_address)]
    password: Secret = SecretStr("")
    username: str = ""
    tls: TLSSettings | None = None
    anonymous_tls: bool = False
    name: str = ""
    one_viewer: bool = False
    project: str = ""
    tags: frozenset[str] = frozenset()

    @model_validator(mode="after")
    def _has_certificates_where_needed(self) -> Console:
        if self.anonymous_tls and self.address.is_tls:
            raise PydanticCustomError(
                "anonymous_tls", "anonymous_tls is of VeNCrypt: the address must be host:port"
            )
        return self

    def endpoint(self) -> ConsoleEndpoint:
        """Return what a session dials."""
        outside = self.address.is_tls
        tls = self.tls or (TLSSettings() if outside else None)
        return ConsoleEndpoint(
            transport=self.address.transport,
            host=self.address.host,
            port=self.address.port,
            path=self.address.path,
            tls=tls.trust() if tls and outside else None,
            handshakes=(
                security(
                    self.password.get_secret_value() or None,
                    self.username,
                    None if outside else tls,
                    anonymous=self.anonymous_tls,
                ),
            ),
            name=self.name,
        )

    def warnings(self) -> Iterator[str]:
        """Yield what is unsafe or without effect."""
        trust = self.tls.trust() if self.tls else None
        yield from warnings_about(trust, anonymous=self.anonymous_tls)
        if self.username and (self.address.is_tls or not (self.tls or self.anonymous_tls)):
            yield "username does nothing without VeNCrypt, tls at host:port, under which it is told"
