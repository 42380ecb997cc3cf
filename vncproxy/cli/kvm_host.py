"""The configuration of a proxy on a KVM host, as text."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

WEB_PORT, XVP_PORT, API_PORT, PEER_PORT = 6080, 6081, 6082, 6443

PEER: Final = "issuer"
"""The name of the table by which the issuer is asked for machines that have moved."""


@dataclass(frozen=True, slots=True)
class KVMHost:
    """What is chosen for a host.

    Attributes:
        address: where users reach it, as it stands in a URL; may be a placeholder.
        announced: where they reach it from outside of an address translation, a host or an address;
            empty where there is none.
        backend: the name of the backend, the same on all hosts and at the issuer.
        certificate: files of the certificate and the key for browsers; None for http.
        api_certificate: the same for the API, which the issuer asks; None where Redis is shared.
        key_hash: of the key that the issuer has for the API; empty likewise.
        origins: of portals that show consoles in frames.
        redis: host and port; None where tokens are in memory.
        redis_password: the file of its password; None for none.
        issuer: the URL of the issuer's API; empty for none.
        issuer_key: the file of the key for it; None for none.
        issuer_ca: the file of the authorities to trust for it; None for those of the system.
    """

    address: str
    announced: str = ""
    backend: str = "kvm"
    certificate: tuple[Path, Path] | None = None
    api_certificate: tuple[Path, Path] | None = None
    key_hash: str = ""
    origins: Sequence[str] = ()
    redis: tuple[str, int] | None = None
    redis_password: Path | None = None
    issuer: str = ""
    issuer_key: Path | None = None
    issuer_ca: Path | None = None

    @property
    def scheme(self) -> str:
        """The scheme of the URLs for browsers."""
        return "https" if self.certificate else "http"


def configuration(host: KVMHost) -> str:
    """Return the TOML of a host's proxy."""
    blocks = (_proxy(), _public(host), _listen(host), _tokens(host), _keys(host), _backend(host))
    parts = [*blocks, _issuer(host)]
    return "\n\n".join("\n".join(lines) for part in parts if (lines := list(part))) + "\n"


def table_for_issuer(host: KVMHost, name: str, key_file: str, ca_file: str) -> str:
    """Return the table by which an issuer without a common Redis asks this host.

    Args:
        name: of the host, as libvirt reports it.
        key_file: where the issuer keeps its key.
        ca_file: where it keeps the certificate of this host.
    """
    address = host.announced or host.address
    table = _quoted(name) if "." in name else name
    return "\n".join(
        (
            f"[peers.{table}]",
            f'api = "https://{address}:{PEER_PORT}"',
            f"key = {{ file = {_quoted(key_file)} }}",
            f"ca_file = {_quoted(ca_file)}",
        )
    )


def _proxy() -> Iterator[str]:
    yield "[proxy]"
    yield "# The machines of this host, by the name that libvirt reports."
    yield 'serves = "auto"'


def _public(host: KVMHost) -> Iterator[str]:
    yield "[public]"
    yield f"base_url = {_quoted(f'{host.scheme}://{host.address}:{WEB_PORT}/')}"
    yield f"xvp_url = {_quoted(f'http://{host.address}:{XVP_PORT}/console')}"
    if host.announced:
        yield f"announced_url = {_quoted(f'{host.scheme}://{host.announced}:{WEB_PORT}/')}"
        yield f"announced_xvp_url = {_quoted(f'http://{host.announced}:{XVP_PORT}/console')}"
    if host.origins:
        yield f"allowed_origins = {json.dumps(list(host.origins))}"


def _listen(host: KVMHost) -> Iterator[str]:
    yield "[listen]"
    yield f"web = [{_quoted(_endpoint(WEB_PORT, host.certificate))}]"
    yield f'xvp = ["tcp:{XVP_PORT}"]'
    api = [f"tcp:{API_PORT}:interface=127.0.0.1"]
    if host.api_certificate:
        api.append(_endpoint(PEER_PORT, host.api_certificate))
    yield f"api = {json.dumps(api)}"


def _endpoint(port: int, certificate: tuple[Path, Path] | None) -> str:
    if certificate is None:
        return f"tcp:{port}"
    chain, key = (str(each).replace("\\", "\\\\").replace(":", "\\:") for each in certificate)
    return f"ssl:{port}:privateKey={key}:certKey={chain}"


def _tokens(host: KVMHost) -> Iterator[str]:
    if host.redis is None:
        return
    yield "[tokens]"
    yield 'store = "redis"'
    yield ""
    yield "[redis]"
    yield f"host = {_quoted(host.redis[0])}"
    yield f"port = {host.redis[1]}"
    if host.redis_password is not None:
        yield f"password = {{ file = {_quoted(str(host.redis_password))} }}"


def _keys(host: KVMHost) -> Iterator[str]:
    if host.key_hash:
        yield "[api.keys.issuer]"
        yield f"hash = {_quoted(host.key_hash)}"
        yield 'scopes = ["issue", "read", "screenshot"]'
        yield f"backends = [{_quoted(host.backend)}]"


def _backend(host: KVMHost) -> Iterator[str]:
    yield f"[backends.{host.backend}]"
    yield 'type = "libvirt"'
    yield "# libvirt passes a connection to each console, wherever that listens."
    yield 'open_graphics = "always"'


def _issuer(host: KVMHost) -> Iterator[str]:
    if not host.issuer:
        return
    yield "# Asked for machines that have moved to another host."
    yield f"[peers.{PEER}]"
    yield f"api = {_quoted(host.issuer)}"
    yield f"key = {{ file = {_quoted(str(host.issuer_key))} }}"
    if host.issuer_ca is not None:
        yield f"ca_file = {_quoted(str(host.issuer_ca))}"
    yield 'hosts = ["*"]'


def _quoted(text: str) -> str:
    """JSON's strings are TOML as well."""
    return json.dumps(text, ensure_ascii=False)
