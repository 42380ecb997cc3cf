"""The user's address, scheme and host, from ``X-Forwarded-For`` and the like or ``Forwarded``.

``X-Forwarded-For`` has no standard; ``Forwarded`` is RFC 7239. Elements are split at every comma,
inside quotation marks too: no address holds one, and a quotation mark left open by a user must not
hide the element that the proxy appended.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from typing import Literal

from twisted.web.http import Request

from .headers import first_element, header_lines
from .throttled_warning import ThrottledWarning

NOWHERE = "0.0.0.0"  # noqa: S104 stands for the address of a unix socket's peer
"""Stands for the address of a client without a known one; no policy's network contains it."""

Network = IPv4Network | IPv6Network
Header = Literal["auto", "x-forwarded-for", "forwarded"]
Reader = Callable[[Request], Iterator[str]]

MOST_HOPS = 32
"""Hops of a chain that are read."""

LONGEST_HOP = 100
"""Characters of a hop; an IPv6 address with zone and port has fewer."""

MOST_PARSED = 4096
"""Addresses whose parsed form is kept; requests of the same few addresses come again and again."""

_SCHEMES = {"http": "http", "https": "https", "ws": "http", "wss": "https"}


@dataclass(frozen=True, slots=True)
class Forwarding:
    """Which reverse proxies are trusted, and which of their headers is read.

    Attributes:
        proxies: networks of the proxies.
        header: the one that they write. With ``auto`` both are read; a proxy passes on unchanged
            the one that it does not write, so where the two differ neither counts.
        warning: logs headers that cannot be read.
    """

    proxies: tuple[Network, ...] = ()
    header: Header = "auto"
    warning: ThrottledWarning = field(default_factory=ThrottledWarning)

    def client_address(self, request: Request) -> str:
        """Return the user's IP address, as the trusted proxy nearest to the user saw it.

        A hop that cannot be read ends the chain: the address of the proxy that wrote it counts.
        """
        peer = peer_address(request)
        if not self._is_trusted(peer):
            return peer
        chains = {name: list(read(request)) for name, read in self._readers().items()}
        found = {n: self._follow(peer, chain, n) for n, chain in chains.items() if chain}
        if len(set(found.values())) > 1:
            self.warning(
                "{peer} sends X-Forwarded-For and Forwarded that differ, so the user's address is"
                " not known; name the one that it writes in public.forwarded_header",
                peer=peer,
            )
            return NOWHERE
        return next(iter(found.values()), peer)

    def is_forwarded(self, request: Request) -> bool:
        """Return whether a request comes from a trusted proxy."""
        return self._is_trusted(peer_address(request))

    def scheme(self, request: Request) -> str:
        """Return the scheme by which the user asked: ``http`` or ``https``."""
        named = self._forwarded_value(request, "x-forwarded-proto", "proto").lower()
        return _SCHEMES.get(named) or ("https" if request.isSecure() else "http")

    def host(self, request: Request) -> str:
        """Return the host, perhaps with a port, that the user asked for."""
        forwarded = self._forwarded_value(request, "x-forwarded-host", "host")
        return forwarded or first_element(request, "host", "")

    def _forwarded_value(self, request: Request, name: str, parameter: str) -> str:
        """Return the value that the proxy nearest to the user wrote; empty when none is trusted.

        Args:
            name: of the ``X-Forwarded-`` header.
            parameter: of ``Forwarded``.
        """
        if not self._is_trusted(peer_address(request)):
            return ""
        value = "" if self.header == "forwarded" else first_element(request, name, "")
        if not value and self.header != "x-forwarded-for":
            first = first_element(request, "forwarded", "")
            value = _parameters(first).get(parameter, "")
        return _unquoted(value) or ""

    def _readers(self) -> dict[str, Reader]:
        readers: dict[str, Reader] = {"x-forwarded-for": _x_forwarded_for, "forwarded": _forwarded}
        return readers if self.header == "auto" else {self.header: readers[self.header]}

    def _follow(self, address: str, hops: list[str], name: str) -> str:
        """Follow the hops towards the user; returns the first address that is not trusted."""
        for hop in hops[:MOST_HOPS]:
            if not self._is_trusted(address):
                break
            read = read_hop(hop)
            if read is None:
                self.warning(
                    "{peer} names no address in {header}: {hop}; its own counts as the user's",
                    peer=address,
                    header=name,
                    hop=ascii(hop[:LONGEST_HOP]),
                )
                break
            address = read
        return address

    def _is_trusted(self, address: str) -> bool:
        if not self.proxies:
            return False
        found = ip_address(address)
        return any(found in network for network in self.proxies)


def peer_address(request: Request) -> str:
    """Return the IP address of a connection's peer, or `NOWHERE`."""
    return plain_address(request.getClientAddress())


def plain_address(address: object) -> str:
    """Return the IP address in an ``IAddress``, or `NOWHERE` where it has none."""
    return _plain(getattr(address, "host", "")) or NOWHERE


def read_hop(text: str) -> str | None:
    """Return the address in one hop, without zone and port; None when there is none.

    Forms: ``192.0.2.1``, ``192.0.2.1:80``, ``2001:db8::1``, ``[2001:db8::1]``,
    ``[2001:db8::1]:80``, each with or without quotation marks; ``unknown`` and ``_hidden``
    (RFC 7239 section 6) are no addresses.
    """
    text = _unquoted(text.strip()) or ""
    if len(text) > LONGEST_HOP:
        return None
    if text[:1] == "[":
        host, bracket, port = text[1:].partition("]")
        return _plain(host) if bracket and (not port or _is_port(port)) else None
    host, colon, port = text.partition(":")
    if colon and _is_port(colon + port):
        return _plain(host)
    return _plain(text)


def _x_forwarded_for(request: Request) -> Iterator[str]:
    """Yield the hops of ``X-Forwarded-For``, the one nearest to this proxy first."""
    for element in _elements(request, "x-forwarded-for"):
        if element:
            yield element


def _forwarded(request: Request) -> Iterator[str]:
    """Yield the hops of ``Forwarded`` in the same order; empty for an element without ``for``."""
    for element in _elements(request, "forwarded"):
        yield _parameters(element).get("for", "")


def _elements(request: Request, name: str) -> list[str]:
    lines = header_lines(request, name)
    elements = ",".join(lines).split(",") if lines else []
    return [element.strip() for element in reversed(elements[-MOST_HOPS:])]


def _parameters(element: str) -> dict[str, str]:
    """Return the parameters of a ``Forwarded`` element (RFC 7239 section 4) by lower-case name."""
    pairs = (pair.partition("=") for pair in element[: 4 * LONGEST_HOP].split(";"))
    return {name.strip().lower(): value.strip() for name, equals, value in pairs if equals}


def _unquoted(text: str) -> str | None:
    """Return a text without quotation marks around it; None when they are unpaired or inside."""
    inner = text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
    return None if '"' in inner else inner


def _is_port(text: str) -> bool:
    """Tell whether a text is a colon and a port, or an obfuscated one (RFC 7239 section 6.3)."""
    name = text[1:]
    digits = name.isascii() and name.isdigit() and len(name) <= 5
    return text[:1] == ":" and (digits or name[:1] == "_")


@lru_cache(MOST_PARSED)
def _plain(text: str) -> str | None:
    """Return an address without its zone, an IPv4-mapped one as IPv4; None when it is none."""
    try:
        address = ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, IPv6Address) else None
    return str(mapped or address)
