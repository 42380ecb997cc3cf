"""Settings that are well formed and unlikely to work."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Address, IPv6Address, ip_address
from pathlib import Path
from time import time
from urllib.parse import urlsplit

from ...web import novnc_installed
from ..listeners import EndpointText
from ..login import Login
from ..settings import APIKey, Public, Settings
from .finding import Finding, failure, good, warning

_WITH_PORT = ("tcp", "tcp6", "ssl")
_SOON = 14.0


def check_values(settings: Settings) -> Iterator[Finding]:
    """Check what needs no network."""
    public, listen = settings.public, settings.listen
    yield _public_url("public.base_url", public.base_url)
    yield _public_url("public.xvp_url", public.xvp_url)
    if not public.trusted_proxies:
        yield from _served("listen for public.base_url", public.base_url, listen.web)
        yield from _served("listen for public.xvp_url", public.xvp_url, (*listen.web, *listen.xvp))
    yield from _native_viewers(public.rfb_address, bool(listen.rfb))
    yield from _frames(public)
    yield _keys(len(settings.api.keys))
    yield from _ending_keys(settings.api.keys, time())
    yield from _peers(settings)
    yield from _login(settings.login)
    yield _page()
    yield _audit(settings.log.audit)


def _public_url(what: str, url: str) -> Finding:
    parts = urlsplit(url)
    host = parts.hostname or ""
    address = _address(host)
    if address is not None and address.is_unspecified:
        return warning(
            what, f"{host} is where one listens, not where one connects to", "use a public name"
        )
    loopback = host == "localhost" or (address is not None and address.is_loopback)
    if parts.scheme == "http" and not loopback:
        return warning(
            what, f"{url} sends tokens and screens unencrypted", "use https, here or in front"
        )
    return good(what, f"{url}, for this machine only" if loopback else url)


def _served(what: str, url: str, endpoints: tuple[str, ...]) -> Iterator[Finding]:
    """Warn of a URL that no listener serves, where no balancer is configured."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    if any(_may_serve(endpoint, parts.scheme == "https", port) for endpoint in endpoints):
        return
    with_tls = " with TLS (ssl:)" if parts.scheme == "https" else ""
    yield warning(
        what,
        f"{url} leads to port {port}, and nothing in [listen] serves that port{with_tls}",
        "listen there, or correct it; if a balancer stands in front, name it in trusted_proxies, "
        "and if ports are translated on the way, all is well",
    )


def _native_viewers(address: str, listens: bool) -> Iterator[Finding]:
    """Warn of an address for native viewers without a listener, and the reverse."""
    what = "public.rfb_address"
    if address and not listens:
        yield warning(what, f"{address}, and [listen] rfb is empty", "listen there, or remove it")
    elif listens:
        advice = "name where viewers connect, so that issued tokens tell it"
        yield good(what, address) if address else warning(what, "empty", advice)


def _may_serve(endpoint: str, tls: bool, port: int) -> bool:
    """Return whether a listener may answer there, by its endpoint string."""
    text = EndpointText.parse(endpoint)
    if text.kind not in _WITH_PORT or endpoint.startswith("haproxy:"):
        return True
    return (text.kind == "ssl") == tls and text.port in (port, 0)


def _frames(public: Public) -> Iterator[Finding]:
    """Warn of settings that keep allowed pages from framing consoles."""
    what = "public.allowed_origins"
    for origin in public.allowed_origins:
        if origin.endswith("]") or "]:" in origin:
            yield warning(
                what, f"{origin}: browsers know no IPv6 address there for frames", "use a name"
            )
        elif public.base_url.startswith("http:") and _other_site(origin, public.origin):
            yield warning(
                what,
                f"{origin} is another site, and base_url is http: in its frames a reload or a "
                "reconnect finds no cookie",
                "use https, see docs/embedding.md",
            )


def _other_site(origin: str, own: str) -> bool:
    """Return whether two origins are of different sites, by their last two labels."""
    return urlsplit(origin).scheme != urlsplit(own).scheme or _site(origin) != _site(own)


def _site(origin: str) -> str:
    host = urlsplit(origin).hostname or ""
    return host if _address(host) else ".".join(host.split(".")[-2:])


def _address(host: str) -> IPv4Address | IPv6Address | None:
    try:
        return ip_address(host)
    except ValueError:
        return None


def _keys(count: int) -> Finding:
    if not count:
        return warning(
            "api.keys",
            "none, so no token can be issued by the API",
            "make one with `vncproxy key new`",
        )
    return good("api.keys", f"{count} configured")


def _ending_keys(keys: Mapping[str, APIKey], now: float) -> Iterator[Finding]:
    for name, key in keys.items():
        left = _SOON if key.expires is None else (key.expires - now) / 86400
        if left < _SOON:
            when = f"in {left:.0f} days" if left > 0 else "already"
            advice = "add the hash of a new key to hash, and set another expires"
            yield warning(f"api.keys.{name}", f"expires {when}", advice)


def _peers(settings: Settings) -> Iterator[Finding]:
    """Warn where another process than that which had a link issued may be asked to revoke it."""
    workers = settings.proxy.worker_count()
    if settings.peers and (workers > 1 or settings.tokens.store == "redis"):
        others = f"{workers} workers" if workers > 1 else "the proxies that share a Redis"
        yield warning(
            "peers",
            f"links at peers are shown and revoked only by the process, of {others}, that had "
            "them issued",
            "ask peers in one process that has its tokens in memory, see docs/zones.md",
        )


def _login(login: Login) -> Iterator[Finding]:
    """Warn of logins that lead to nothing, and of users that could take the name of another."""
    if login.issuer and not login.policies and not login.required:
        text = "users can log in, and neither see machines nor need the login"
        yield warning("login", text, "write [[login.policies]], or set required")
    if login.policies and not login.issuer:
        yield warning("login.policies", "no user can log in", "write issuer and client_id")
    if login.issuer and login.user_claim in ("name", "nickname", "preferred_username"):
        text = f"{login.user_claim}: many providers let users change it, to that of another"
        yield warning("login.user_claim", text, 'take "sub", or make sure that they cannot')


def _page() -> Finding:
    if not novnc_installed():
        return failure(
            "page",
            "noVNC is not installed, so browsers get no console page",
            "install npm and install the package again",
        )
    return good("page", "noVNC is installed")


def _audit(path: str) -> Finding:
    if not path:
        return good("log.audit", "audit lines go to the ordinary log")
    file = Path(path)
    if file.is_dir():
        return failure("log.audit", f"{path} is a directory", "name a file")
    # Not opened: a file made here could belong to another user than the proxy's.
    target, mode = (file, os.W_OK) if file.exists() else (file.parent, os.W_OK | os.X_OK)
    if not os.access(target, mode):
        return failure("log.audit", f"{path} cannot be written", f"let the proxy write to {target}")
    return good("log.audit", f"{path} can be written")
