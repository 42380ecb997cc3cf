"""Names and addresses of hosts: which can be dialled, and which mean the dialling machine itself.

Loopback, wildcard and link-local addresses mean another machine wherever they are used. Where a
hypervisor, a cloud or a token names one, it is dialled only if an operator has configured it.
"""

from __future__ import annotations

import re
import socket
from collections.abc import Mapping
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address
from typing import Annotated, Final

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

NOT_DIALLED: Final = "The console of the virtual machine cannot be reached from here."
"""The sentence for a user when a console's address means this machine."""

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_NUMBER = r"(?:0[xX][0-9a-fA-F]{1,8}|[0-9]{1,16})"
_OLD_FORM = re.compile(rf"{_NUMBER}(?:\.{_NUMBER}){{0,3}}")
_LOOPBACK_NAMES = re.compile(
    r"(?:.+\.)?localhost|localhost[46]?(?:\.localdomain[46]?)?|ip6-(?:localhost|loopback)|loopback"
)


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return an IP address, None for anything else; IPv4 for an IPv4-mapped IPv6 address.

    Short and hexadecimal IPv4 such as ``127.1`` and ``0x7f000001`` is read as resolvers read it
    (inet_aton).
    """
    try:
        address = ip_address(text)
    except ValueError:
        return _of_old_form(text)
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(text: str) -> bool:
    """Return whether a name or address means the machine on which it is used."""
    address = parse_ip(text)
    if address:
        return address.is_loopback
    return bool(_LOOPBACK_NAMES.fullmatch(text.lower().rstrip(".")))


def is_wildcard(text: str) -> bool:
    """Return whether an address means all of a machine's, or is empty."""
    address = parse_ip(text)
    return address.is_unspecified if address else not text


def is_own(text: str) -> bool:
    """Return whether a name or address means another machine wherever it is dialled.

    Loopback and wildcards lead to the machine that dials, link-local ones to the link it is on.
    """
    address = parse_ip(text)
    return is_loopback(text) or is_wildcard(text) or bool(address and address.is_link_local)


def meaning(text: str) -> str:
    """Return a phrase for what a name or address means for which ``is_own`` is true."""
    here = is_loopback(text) or is_wildcard(text)
    return "this machine itself" if here else "another machine on every link"


def is_dialable(text: str) -> bool:
    """Return whether a host name or IP address, without a port, can be dialled at all."""
    return not is_wildcard(text) and (parse_ip(text) is not None or bool(_NAME.fullmatch(text)))


def check_host(text: str) -> str:
    """Refuse what cannot be dialled; a validator for settings."""
    if not is_dialable(text):
        raise PydanticCustomError(
            "host", "must be a host name or an IP address, without a port, that is not a wildcard"
        )
    return text


Host = Annotated[str, AfterValidator(check_host)]
"""A setting that `check_host` has checked."""

Port = Annotated[int, Field(ge=1, le=65535)]
"""A TCP port as a setting."""


def mapped(addresses: Mapping[str, str], host: str) -> str:
    """Return the address that an operator wrote for a host, in any case; empty without one."""
    names = {name.lower(): address for name, address in addresses.items()}
    return names.get(host.lower(), "")


def bracketed(host: str) -> str:
    """Return a host as it stands before a port, in a URL or a Host header: IPv6 in brackets."""
    return f"[{host}]" if ":" in host else host


def counted_as(address: str) -> str:
    """Return the key under which an address is counted: itself, or its /64 network for IPv6.

    A host may use any address of its /64 network (RFC 4291 section 2.5.1).
    """
    return _network_of(address) if ":" in address else address


@lru_cache(maxsize=4096)  # it is asked for several times for each connection
def _network_of(address: str) -> str:
    return str(IPv6Network((address, 64), strict=False))


def _of_old_form(text: str) -> IPv4Address | None:
    if not _OLD_FORM.fullmatch(text):
        return None
    try:
        return IPv4Address(socket.inet_aton(text))
    except OSError:
        return None
