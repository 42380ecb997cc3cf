"""One console that somebody wrote down: its address, its password, the name to show."""

from __future__ import annotations

import re
from dataclasses import dataclass
from ipaddress import IPv6Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, PlainValidator, SecretStr
from pydantic_core import PydanticCustomError

from vncproxy.model import ConsoleEndpoint, RFBSecurity, Transport
from vncproxy.secret import Secret

_TCP = re.compile(r"(?:\[(?P<v6>[^\]\s]+)\]|(?P<host>[^:\[\]/\s]+)):(?P<port>[0-9]{1,5})")
_UNIX = re.compile(r"unix:(?P<path>/.+)")


@dataclass(frozen=True, slots=True)
class Address:
    """Where a console is: a host and a port, or the path of a unix socket."""

    transport: Transport
    host: str = ""
    port: int = 0
    path: str = ""


def _is_ipv6(text: str) -> bool:
    try:
        IPv6Address(text)
    except ValueError:
        return False
    return True


def parse_address(text: object) -> Address:
    """Read ``host:port``, ``[IPv6 address]:port`` or ``unix:/path``.

    Raises:
        PydanticCustomError: it is none of the three.
    """
    if isinstance(text, Address):
        return text
    if isinstance(text, str):
        if unix := _UNIX.fullmatch(text):
            return Address(Transport.UNIX, path=unix["path"])
        tcp = _TCP.fullmatch(text)
        if tcp and 0 < int(tcp["port"]) < 65536 and (tcp["host"] or _is_ipv6(tcp["v6"])):
            return Address(Transport.TCP, host=tcp["host"] or tcp["v6"], port=int(tcp["port"]))
    raise PydanticCustomError(
        "address", 'must be "host:port", "[IPv6 address]:port" or "unix:/path"'
    )


class Console(BaseModel):
    """A table ``NAME = { address = …, password = …, name = … }``.

    Attributes:
        address: ``host:port``, ``[IPv6 address]:port`` or ``unix:/path``.
        password: for VNC authentication; empty for servers that ask for none.
        name: what to call the machine on the screen; empty keeps the server's own name.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    address: Annotated[Address, PlainValidator(parse_address)]
    password: Secret = SecretStr("")
    name: str = ""

    def endpoint(self) -> ConsoleEndpoint:
        """Return what a session dials."""
        return ConsoleEndpoint(
            transport=self.address.transport,
            host=self.address.host,
            port=self.address.port,
            path=self.address.path,
            handshakes=(RFBSecurity(self.password.get_secret_value() or None),),
            name=self.name,
        )
