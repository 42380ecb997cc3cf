"""Addresses and the name of this machine in settings: ``{address:eth1}`` and ``{hostname}``.

A configuration that is the same on every host can name each host's own address by them.
"""

from __future__ import annotations

import fcntl
import re
import socket
import struct
from collections.abc import Iterator
from ipaddress import IPv6Address
from pathlib import Path
from typing import Final

_PLACEHOLDER: Final = re.compile(r"\{([a-z0-9]+)(?::([^{}]*))?\}")
_GET_ADDRESS: Final = 0x8915
"""``SIOCGIFADDR``, see netdevice(7)."""

_ADDRESS_AT: Final = slice(20, 24)
"""Where the IPv4 address is in a ``struct ifreq`` that the kernel has filled."""

_LONGEST_NAME: Final = 15
_IPV6: Final = Path("/proc/self/net/if_inet6")
_DEVICES: Final = Path("/proc/self/net/dev")
"""Those of this process: a service with ``ProcSubset=pid`` sees no ``/proc/net``, and one that is
kept from netlink cannot ask the kernel otherwise."""

_GLOBAL: Final = "00"


def with_own_addresses(text: str) -> str:
    """Return a URL with the placeholders replaced by what this machine has now.

    ``{address:eth1}`` is the IPv4 address of an interface, or else its first global IPv6 address,
    in brackets; ``{hostname}`` is the machine's name.

    Raises:
        ValueError: the interface does not exist or has no address, or a placeholder is not known.
    """
    found = _PLACEHOLDER.sub(lambda match: _value(match[1], match[2]), text)
    if "{" in found or "}" in found:
        raise ValueError("has a brace, and only {address:INTERFACE} and {hostname} are known")
    return found


def own_interfaces() -> list[str]:
    """Return the names of this machine's interfaces, loopback last."""
    lines = _DEVICES.read_text().splitlines()[2:]
    names = [line.partition(":")[0].strip() for line in lines]
    return sorted(names, key=lambda name: (name == "lo", name))


def interface_address(name: str) -> str:
    """Return an interface's IPv4 address, or else its first global IPv6 address; empty for none."""
    return _ipv4(name) or next(_ipv6(name), "")


def _value(kind: str, argument: str | None) -> str:
    if kind == "hostname" and argument is None:
        return socket.gethostname()
    if kind == "address" and argument:
        return _address(argument)
    raise ValueError("has a placeholder that is none of {address:INTERFACE} and {hostname}")


def _address(interface: str) -> str:
    if interface not in own_interfaces():
        others = ", ".join(own_interfaces())
        raise ValueError(f'names the interface "{interface}", and this machine has {others}')
    address = interface_address(interface)
    if not address:
        raise ValueError(f'names the interface "{interface}", which has no address now')
    return f"[{address}]" if ":" in address else address


def _ipv4(interface: str) -> str:
    name = interface.encode()
    if not 0 < len(name) <= _LONGEST_NAME:
        return ""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        try:
            answer = fcntl.ioctl(any_socket, _GET_ADDRESS, struct.pack("256s", name))
        except OSError:
            return ""
    return socket.inet_ntoa(answer[_ADDRESS_AT])


def _ipv6(interface: str) -> Iterator[str]:
    """Yield global addresses; a line is address, index, prefix length, scope, flags, name."""
    lines = _IPV6.read_text().splitlines() if _IPV6.exists() else []
    for digits, _, _, scope, _, name in (line.split() for line in lines):
        if name == interface and scope == _GLOBAL:
            yield str(IPv6Address(bytes.fromhex(digits)))
