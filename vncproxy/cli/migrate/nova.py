"""Files of Nova as the configuration of a proxy that takes the place of its console proxies."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final
from urllib.parse import SplitResult, urlsplit

from ...addresses import bracketed, is_own
from ...config.settings import Tokens
from ..failures import Misconfigured
from .nova_files import NovaFiles
from .nova_notes import notes, others
from .nova_options import ACCOUNTS
from .toml import blocks, endpoint, keys, toml

PathOutside = Callable[[str], str]
"""From a file's path in nova.conf to the one that the proxy opens."""

_PAGES: Final = ("", "vnc_auto.html", "vnc_lite.html", "vnc.html")
_WILDCARDS: Final = ("", "0.0.0.0", "::")  # noqa: S104
_XVP: Final = ("xvpvncproxy_host", "xvpvncproxy_port", "xvpvncproxy_base_url")
_PORTS: Final = {"http": 80, "https": 443}


def convert(files: Sequence[Path], folders: Sequence[Path] = (), outside: PathOutside = str) -> str:
    """Return the configuration as TOML, with comments on options that it leaves out.

    Args:
        files: as nova-novncproxy gets them by ``--config-file``.
        folders: and by ``--config-dir``.

    Raises:
        Misconfigured: a file or a value in one cannot be read.
    """
    nova = NovaFiles(files, folders)
    return blocks(
        (
            notes(nova),
            _public(nova),
            _listen(nova, outside),
            _tokens(nova),
            _log(nova),
            _source(nova, outside),
            others(nova),
        )
    )


def _public(nova: NovaFiles) -> Iterator[str]:
    url = _url(nova, "novncproxy_base_url")
    folder, _, page = url.path.rpartition("/")
    yield "[public]"
    if page not in _PAGES:
        yield f"# Nova's links lead to {page}, WHICH THE PROXY DOES NOT SERVE: let [vnc]"
        yield "# novncproxy_base_url of the compute hosts end with vnc_auto.html."
    if url.query:
        yield "# The query of novncproxy_base_url is left out: Nova's links have it anyway."
    yield f"base_url = {toml(f'{url.scheme}://{url.netloc}{folder}/')}"
    if _has_xvp(nova):
        xvp = _url(nova, "xvpvncproxy_base_url")
        place = f"{bracketed(xvp.hostname or '')}:{xvp.port or _PORTS[xvp.scheme]}"
        yield f"xvp_url = {toml(f'{xvp.scheme}://{place}{xvp.path}')}"
    if hosts := nova.get("console", "allowed_origins"):
        yield "# Nova takes any port of these hosts: add the ports of pages that have one."
        origins = [f"{url.scheme}://{bracketed(host)}" for host in hosts]
        yield f"allowed_origins = {toml(origins)}"


def _url(nova: NovaFiles, name: str) -> SplitResult:
    text: str = nova.get("vnc", name)
    try:
        url = urlsplit(text)
        usable = url.scheme in _PORTS and url.hostname and (url.port or True)
    except ValueError:
        usable = False
    if not usable:
        raise Misconfigured(f"[vnc] {name} is no URL of http or https")
    return url


def _has_xvp(nova: NovaFiles) -> bool:
    return any(nova.has("vnc", name) for name in _XVP)


def _listen(nova: NovaFiles, outside: PathOutside) -> Iterator[str]:
    tls = nova.get("DEFAULT", "ssl_only")
    files = [outside(nova.get("DEFAULT", name)) for name in ("cert", "key")] if tls else []
    yield "[listen]"
    if nova.has("DEFAULT", "cert") and not tls:
        yield "# [DEFAULT] cert without ssl_only: nova-novncproxy takes TLS beside plain HTTP on"
        yield "# one port, WHICH HAS NO COUNTERPART. With TLS instead:"
        names = [outside(nova.get("DEFAULT", name)) for name in ("cert", "key")]
        yield f"#web = {toml([_place(nova, 'novncproxy', names)])}"
    yield f"web = {toml([_place(nova, 'novncproxy', files)])}"
    if _has_xvp(nova):
        yield f"xvp = {toml([_place(nova, 'xvpvncproxy', [])])}"
    else:
        yield "# These files name no port for TCP viewers alone; they find the same one."
        yield "xvp = []"


def _place(nova: NovaFiles, proxy: str, tls: Sequence[str]) -> str:
    host = nova.get("vnc", f"{proxy}_host")
    port = nova.get("vnc", f"{proxy}_port")
    everywhere = "::" if nova.get("DEFAULT", "source_is_ipv6") else ""
    host = everywhere if host in _WILDCARDS and host != "::" else host
    absolute = [str(Path(path).absolute()) if path else "" for path in tls]
    return endpoint(host, port, *absolute)


def _tokens(nova: NovaFiles) -> Iterator[str]:
    if not nova.has("consoleauth", "token_ttl"):
        return
    seconds = nova.get("consoleauth", "token_ttl")
    yield "# For links that the proxy issues itself; Nova's own end when Nova says so."
    if seconds < 1:
        yield f"# [consoleauth] token_ttl = {seconds} HAS NO COUNTERPART: at least a second."
        return
    yield "[tokens]"
    yield f"ttl = {seconds}"
    if seconds > Tokens().max_ttl:
        yield f"max_ttl = {seconds}"


def _log(nova: NovaFiles) -> Iterator[str]:
    if nova.get("DEFAULT", "debug"):
        yield "[log]"
        yield 'level = "debug"'


def _source(nova: NovaFiles, outside: PathOutside) -> Iterator[str]:
    yield "# Nova is asked about each token, as an administrator or with the policy"
    yield "# os_compute_api:os-console-auth-tokens."
    yield "[token_sources.nova]"
    yield 'type = "nova"'
    yield from _account(nova, outside)
    if "vencrypt" in nova.get("vnc", "auth_schemes"):
        yield from _vencrypt(nova, outside)
    if is_own(nova.get("vnc", "server_proxyclient_address") or "elsewhere"):
        yield "# Consoles on this machine: an all-in-one cloud. Tokens open any port of it."
        host = nova.get("vnc", "server_proxyclient_address")
        yield f'addresses = {{ {toml(host)} = "127.0.0.1" }}'


def _account(nova: NovaFiles, outside: PathOutside) -> Iterator[str]:
    group = next((name for name in ACCOUNTS if nova.get(name, "username")), "")
    if not group:
        yield '# THESE FILES HAVE NO ACCOUNT at Keystone: write one, or cloud = "…" of clouds.yaml.'
        yield '#auth_url = "https://keystone.example.com/v3"'
        yield '#username = "nova"'
        yield '#password = { file = "/etc/vncproxy/nova.pw" }'
        yield '#project_name = "service"'
        return
    yield f"# As in [{group}]. The password is better in a file of its own:"
    yield '# password = { file = "/etc/vncproxy/nova.pw" }'
    taken = ("auth_url", "username", "password", "project_name")
    yield from keys({name: nova.get(group, name) for name in taken})
    for whose in ("user", "project"):
        yield from _domain(nova, group, f"{whose}_domain")
    ca_file = outside(nova.get(group, "cafile"))
    yield from keys({"region_name": nova.get(group, "region_name"), "ca_file": ca_file})


def _domain(nova: NovaFiles, group: str, key: str) -> Iterator[str]:
    name, number = nova.get(group, f"{key}_name"), nova.get(group, f"{key}_id")
    if name:
        yield f"{key}_name = {toml(name)}"
    elif number and number != "default":
        yield f"# [{group}] {key}_id = {number}: WRITE THE DOMAIN'S NAME."
        yield f'#{key}_name = "…"'


def _vencrypt(nova: NovaFiles, outside: PathOutside) -> Iterator[str]:
    if "none" in nova.get("vnc", "auth_schemes"):
        yield "# [vnc] auth_schemes has none as well: HERE, HOSTS WITHOUT TLS ARE REFUSED."
    files = {
        "ca_file": "vencrypt_ca_certs",
        "certificate_file": "vencrypt_client_cert",
        "key_file": "vencrypt_client_key",
    }
    found = {key: outside(nova.get("vnc", name)) for key, name in files.items()}
    yield "# Unlike Nova, the proxy compares the certificate's name with the host that it dials."
    yield f"tls = {{ {', '.join(keys(found))} }}"
