"""What kind of address a hypervisor tells: one to dial, a wildcard, or somebody's loopback."""

from __future__ import annotations

import re
from ipaddress import IPv4Address, IPv6Address, ip_address

_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,252}")
_LOOPBACK_NAMES = ("localhost", "localhost.localdomain", "ip6-localhost")


def parse_ip(text: str) -> IPv4Address | IPv6Address | None:
    """Return an IP address, of IPv4 where IPv6 only wraps it; None for anything else."""
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return getattr(address, "ipv4_mapped", None) or address


def is_loopback(text: str) -> bool:
    """Return whether a name or address means the machine on which it is used."""
    address = parse_ip(text)
    return address.is_loopback if address else text.lower().rstrip(".") in _LOOPBACK_NAMES


def is_wildcard(text: str) -> bool:
    """Return whether an address means all of a machine's, or is not told."""
    address = parse_ip(text)
    return address.is_unspecified if address else not text


def is_dialable(text: str) -> bool:
    """Return whether a host name or IP address, without a port, can be dialled at all."""
    return not is_wildcard(text) and (parse_ip(text) is not None or bool(_NAME.fullmatch(text)))
