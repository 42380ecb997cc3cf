"""The user's address, as reverse proxies tell it."""

from __future__ import annotations

from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address

from twisted.web.http import Request

from .headers import header_lines

NOWHERE = "0.0.0.0"  # noqa: S104 stands for the address of a unix socket's peer
"""What a client without an IP address is called."""

Network = IPv4Network | IPv6Network


def client_address(request: Request, proxies: tuple[Network, ...]) -> str:
    """Return the user's IP address, as the nearest believed reverse proxy saw it."""
    address = peer_address(request)
    forwarded = ",".join(header_lines(request, "x-forwarded-for")).split(",")
    for hop in reversed([hop.strip() for hop in forwarded if hop.strip()]):
        if not _within(address, proxies) or not _is_address(hop):
            break
        address = _plain_address(hop)
    return address


def is_believed(request: Request, proxies: tuple[Network, ...]) -> bool:
    """Tell whether a request comes from a reverse proxy whose headers are believed."""
    return _within(peer_address(request), proxies)


def peer_address(request: Request) -> str:
    """Return the address of the connection's other end."""
    return _plain_address(getattr(request.getClientAddress(), "host", ""))


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True


def _plain_address(text: str) -> str:
    """Return an address without zone, IPv4 where it is only mapped into IPv6."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return NOWHERE
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)


def _within(address: str, networks: tuple[Network, ...]) -> bool:
    return any(ip_address(address) in network for network in networks)
