"""What a request says about its user: the token and its places, the address, the page's origin."""

from __future__ import annotations

from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from ipaddress import IPv4Network, IPv6Address, IPv6Network, ip_address
from urllib.parse import parse_qs

from twisted.web.http import Request

from ..model import ConsoleType, secret_id
from ..session import Visit

NOWHERE = "0.0.0.0"  # noqa: S104 stands for the address of a unix socket's peer
"""What a client without an IP address is called."""

Network = IPv4Network | IPv6Network


@dataclass(frozen=True, slots=True)
class Trust:
    """Whom the site believes.

    Attributes:
        origins: origins of pages that may open consoles, the public URL's own among them.
        proxies: networks of reverse proxies whose ``X-Forwarded-*`` headers are believed.
        secure: whether the public URL is ``https``, so that cookies need not travel without TLS.
        cookie_path: path of the public URL, for cookies.
    """

    origins: frozenset[str]
    proxies: tuple[Network, ...] = ()
    secure: bool = False
    cookie_path: str = "/"


def visit_of(request: Request, type: ConsoleType, trust: Trust) -> Visit:  # noqa: A002
    """Return what a request says about its user.

    The token is taken from the query, from inside noVNC's ``path`` parameter, or, when the page is
    one of ours, from a ``token`` cookie.
    """
    cookies = _cookies(request)
    foreign = _foreign_origin(request, trust)
    token = _query_token(request)
    if not token and foreign is None:
        token = cookies.get("token", "")
    return Visit(
        type=type,
        client=client_address(request, trust.proxies),
        token=token,
        resume=cookies.get(resume_cookie_name(token)),
        foreign_origin=foreign,
    )


def resume_cookie_name(token: str) -> str:
    """Return the name of a token's resume cookie: one per token, so consoles do not mix."""
    return f"vncproxy_resume_{secret_id(token)[:12]}"


def client_address(request: Request, proxies: tuple[Network, ...]) -> str:
    """Return the user's IP address, as the nearest believed reverse proxy saw it."""
    address = _plain_address(getattr(request.getClientAddress(), "host", ""))
    forwarded = ",".join(_header_lines(request, "x-forwarded-for")).split(",")
    for hop in reversed([hop.strip() for hop in forwarded if hop.strip()]):
        if not _within(address, proxies) or not _is_address(hop):
            break
        address = _plain_address(hop)
    return address


def _query_token(request: Request) -> str:
    arguments: dict[bytes, list[bytes]] = request.args or {}
    tokens = [token.decode("latin-1") for token in arguments.get(b"token", []) if token]
    if tokens:
        return tokens[-1]
    path = arguments.get(b"path", [b""])[-1].decode("latin-1")
    return parse_qs(path.partition("?")[2]).get("token", [""])[-1]


def _cookies(request: Request) -> dict[str, str]:
    """Return the cookies, without those that are malformed; a joined header counts as several."""
    found: dict[str, str] = {}
    for line in _header_lines(request, "cookie"):
        for part in line.replace(",", ";").split(";"):
            try:
                morsels = SimpleCookie(part.strip())
            except CookieError:
                continue
            found.update({name: morsel.value for name, morsel in morsels.items()})
    return found


def _foreign_origin(request: Request, trust: Trust) -> str | None:
    """Return the page's origin when it may not open consoles by the configuration alone.

    Without an Origin header it is not a browser that asks.
    """
    lines = _header_lines(request, "origin")
    if not lines:
        return None
    origin = lines[0].lower().rstrip("/")
    allowed = trust.origins | {_own_origin(request, trust)}
    return None if origin in allowed else origin[:256]


def _own_origin(request: Request, trust: Trust) -> str:
    """Return the origin under which the user asked for this very request."""
    scheme = "https" if request.isSecure() else "http"
    host = _first(request, "host", "")
    if _within(_plain_address(getattr(request.getClientAddress(), "host", "")), trust.proxies):
        scheme = _first(request, "x-forwarded-proto", scheme)
        host = _first(request, "x-forwarded-host", host)
    default = {"http": ":80", "https": ":443"}.get(scheme, "")
    return f"{scheme}://{host.removesuffix(default)}".lower()


def _first(request: Request, name: str, otherwise: str) -> str:
    """Return the first element of a header's list: what the proxy nearest to the user said."""
    lines = _header_lines(request, name)
    return lines[0].partition(",")[0].strip() if lines else otherwise


def _header_lines(request: Request, name: str) -> list[str]:
    values = request.requestHeaders.getRawHeaders(name.encode()) or []
    return [value.decode("latin-1") for value in values]


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
