"""How a libvirt console is reached: over TCP, a unix socket, or a passed socket.

A console on another host that listens on a wildcard, loopback or link-local address is never
dialled there: from here, those addresses mean another host, and so another user's screen.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import urlsplit

from ...addresses import is_loopback, is_own, is_wildcard
from ...errors import BackendError, ConsoleUnavailable
from ...model import ConsoleEndpoint, RFBSecurity, TLSTrust, Transport
from ..local_ports import listens_here
from .domain_xml import VNCGraphics

OpenGraphics = Literal["auto", "never", "always"]

_PORTS = (None, 22, 16509, 16514)
"""Ports of ssh and libvirt; any other port on loopback is taken for the end of a tunnel."""

_TRANSPORTS = ("unix", "tcp", "tls", "ssh", "libssh", "libssh2", "ext")
_VSPHERE = (
    "the consoles of vCenter and ESXi need a login of their own: a backend of type vmware shows "
    'them (type = "vmware", host = "…")'
)
_OTHER_DRIVERS = {
    "esx": _VSPHERE,
    "vpx": _VSPHERE,
    "gsx": _VSPHERE,
    "xenapi": (
        "the consoles of XenServer and XCP-ng are asked for by way of XAPI: a backend of type xen "
        'shows them (type = "xen", url = "https://…")'
    ),
    "xen": (
        "this backend reads the consoles of QEMU and KVM; XenServer and XCP-ng have a backend of "
        "type xen, and the console of another Xen, with a fixed VNC port, can be served by one of "
        "type static"
    ),
}
_OUT_OF_REACH = "The console of the virtual machine cannot be reached from here."


@dataclass(frozen=True, slots=True)
class Reach:
    """Where a hypervisor is, seen from here.

    Attributes:
        host: the host in its URI; empty when there is none.
        local: whether it is this machine.
        passes_sockets: whether its connection can carry file descriptors.
        address: where its consoles are dialled when they listen on a wildcard or loopback address;
            empty when that is not configured.
        open_graphics: when to ask it for a connected socket instead of dialling.
        tls: demanded of every console that is dialled.
        username: for consoles that ask for a user (``vnc_sasl``); sent under TLS only.
        password: of that user; without a username, for consoles whose XML has none
            (``vnc_password``).
    """

    host: str
    local: bool
    passes_sockets: bool
    address: str = ""
    open_graphics: OpenGraphics = "auto"
    tls: TLSTrust | None = None
    username: str = ""
    password: str | None = field(default=None, repr=False)

    def security(self, vnc: VNCGraphics) -> RFBSecurity:
        """Return the handshake with a console."""
        if self.username and self.tls:
            return RFBSecurity(self.password, self.username, self.tls)
        password = self.password if vnc.password is None else vnc.password
        hint = ""
        if vnc.valid_to and vnc.valid_to < datetime.now(UTC):
            hint = f"its passwdValidTo, {vnc.valid_to:%Y-%m-%dT%H:%M:%S} UTC, is over"
        return RFBSecurity(password, tls=self.tls, hint=hint)


def parse_uri(uri: str, address: str = "", open_graphics: OpenGraphics = "auto") -> Reach:
    """Read a libvirt URI, ``driver[+transport]://[user@][host][:port]/path[?options]``.

    Raises:
        ValueError: it is no URI of a QEMU or test driver; the message is for the operator.
    """
    parts = urlsplit(uri)
    driver, _, transport = parts.scheme.partition("+")
    if driver in _OTHER_DRIVERS:
        raise ValueError(f"{driver}: {_OTHER_DRIVERS[driver]}")
    if driver not in ("qemu", "test") or (transport and transport not in _TRANSPORTS):
        raise ValueError(
            'must be a URI of libvirt\'s QEMU driver, such as "qemu:///system", '
            '"qemu+ssh://root@hv1.example.com/system" or "qemu+tls://hv1.example.com/system"'
        )
    if parts.password is not None:
        raise ValueError("must hold no password, which libvirt would not use: leave it out")
    host = parts.hostname or ""
    # where a command (ext) or a tunnel leads is not known
    is_here = is_loopback(host) and parts.port in _PORTS
    local = transport != "ext" and (not host or is_here)
    passes_sockets = not host and transport in ("", "unix")
    return Reach(host, local, passes_sockets, address, open_graphics)


def may_connect(path: str) -> bool:
    """Return whether this process may open a unix socket here; blocks for a moment."""
    return os.access(path, os.R_OK | os.W_OK, effective_ids=True)


def route(
    vnc: VNCGraphics, reach: Reach, permitted: Callable[[str], bool] = may_connect
) -> ConsoleEndpoint:
    """Return how a console is reached.

    Returns:
        An endpoint; one of transport ``FD`` has no descriptor yet, libvirt must be asked for it.

    Raises:
        ConsoleUnavailable: the console is locked, or does not listen yet.
        BackendError: it listens where this machine cannot reach it; the detail says what to do.
    """
    if vnc.password == "":
        raise ConsoleUnavailable(
            "without access to its console",
            "the console is locked: its passwd is empty, so QEMU refuses everybody",
            public="The console of the virtual machine is locked: its password is empty.",
        )
    if reach.open_graphics == "always":
        return ConsoleEndpoint(Transport.FD)
    security = (reach.security(vnc),)
    if vnc.socket and reach.local and permitted(vnc.socket):
        return ConsoleEndpoint(Transport.UNIX, path=vnc.socket, handshakes=security)
    if vnc.port > 0:
        host = _host_to_dial(vnc, reach)
        if _is_elsewhere(host, vnc.port, reach):
            return ConsoleEndpoint(Transport.FD)
        return ConsoleEndpoint(
            Transport.TCP,
            host=host,
            port=vnc.port,
            handshakes=security,
            allow_loopback=reach.local or host in (reach.address, reach.host),
        )
    if vnc.port < 0:
        raise ConsoleUnavailable(
            "not showing its console yet", f"the console has port {vnc.port}: it does not listen"
        )
    if reach.passes_sockets and reach.open_graphics == "auto":
        return ConsoleEndpoint(Transport.FD)
    raise BackendError(_why_not(vnc, reach), public=_OUT_OF_REACH)


def _is_elsewhere(host: str, port: int, reach: Reach) -> bool:
    """Return whether a loopback address is libvirt's and not this process's, as in a container."""
    asks = reach.passes_sockets and reach.open_graphics == "auto" and host != reach.address
    return asks and is_loopback(host) and not listens_here(port)


def _host_to_dial(vnc: VNCGraphics, reach: Reach) -> str:
    wildcard = is_wildcard(vnc.address)
    if not is_own(vnc.address):
        return vnc.address
    if reach.address:
        return reach.address
    if reach.local:
        return _own_loopback(vnc.address) if wildcard else vnc.address
    if wildcard and reach.host and not is_loopback(reach.host):
        return reach.host
    raise BackendError(
        f"the console listens on {vnc.address or 'an unknown address'}, port {vnc.port}, of "
        "another machine; let it listen where this machine reaches it (vnc_listen in qemu.conf), "
        "or set address to where it can be dialled",
        public=_OUT_OF_REACH,
    )


def _why_not(vnc: VNCGraphics, reach: Reach) -> str:
    where = f"on the unix socket {vnc.socket}" if vnc.socket else "nowhere (listen type none)"
    if not reach.local:
        return f"the console listens {where}, which cannot be reached on another machine"
    if reach.passes_sockets:
        remedy = 'open_graphics = "auto" lets libvirt pass a connection to it'
    else:
        remedy = "libvirt passes a connection to it only over its own unix socket (qemu:///system)"
    denied = ", which this process may not open" if vnc.socket else ""
    return f"the console listens {where}{denied}; {remedy}"


def _own_loopback(wildcard: str) -> str:
    return "::1" if ":" in wildcard else "127.0.0.1"
