"""The endpoint of a node's console, from what Ironic keeps of a console that runs.

A container with a browser shows the console of the node's management controller; its VNC server has
neither a password nor TLS. Ironic writes its address into the node's ``driver_internal_info``,
which no user of Ironic can change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...addresses import NOT_DIALLED, is_dialable, is_own, meaning
from ...errors import BackendError
from ...model import ConsoleEndpoint, RFBSecurity, Transport
from .errors import REDACTED


def endpoint(info: object, addresses: Mapping[str, str], name: str) -> ConsoleEndpoint:
    """Return what a session dials.

    Args:
        info: ``driver_internal_info`` of the node, whose console runs.
        addresses: where hosts are dialled, by what Ironic calls them.
        name: of the node, for the page.

    Raises:
        BackendError: it is not there, or cannot be dialled.
    """
    host, port = _address(info)
    dialled = addresses.get(host, host)
    if host not in addresses and is_own(host):
        raise BackendError(
            f"{host}:{port} means {meaning(host)} and is not dialled blindly: let the container "
            f'listen on an address of its host, or write addresses = {{ "{host}" = "…" }}',
            public=NOT_DIALLED,
        )
    return ConsoleEndpoint(
        Transport.TCP,
        dialled,
        port,
        handshakes=(RFBSecurity(),),
        allow_loopback=host in addresses,
        name=name,
    )


def _address(info: object) -> tuple[str, int]:
    found: Mapping[str, Any] = info if isinstance(info, Mapping) else {}
    host, port = found.get("vnc_host"), found.get("vnc_port")
    if host is None and port is None:
        raise BackendError(f"ironic {REDACTED}")
    if not (isinstance(host, str) and type(port) is int and 0 < port < 65536):
        raise BackendError(f"ironic names no console that can be dialled: {host!r}, port {port!r}")
    host = host.removeprefix("[").removesuffix("]")
    if not (is_dialable(host) or is_own(host)):
        raise BackendError(f"ironic names no host that can be dialled: {host!r}")
    return host, port
