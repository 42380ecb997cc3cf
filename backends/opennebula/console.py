"""The endpoint of a machine on a host of its own cloud.

A loopback address is dialled only where it means this machine, and an address that the machine's
owner can choose only where the operator allows it: either could be another user's console.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from ipaddress import IPv4Network, IPv6Network

from ...addresses import NOT_DIALLED, is_dialable, is_loopback, is_own, is_wildcard, parse_ip
from ...errors import BackendError, ConsoleUnavailable, NoGraphicalConsole, VMNotFound
from ...model import ConsoleEndpoint, RFBSecurity, TLSTrust, Transport
from .machines import Graphics, Machine, Placement
from .states import DONE, has_screen, state_text


@dataclass(frozen=True, slots=True)
class Network:
    """Where the hosts of a cloud are, seen from here.

    Attributes:
        is_here: whether the cloud's front end is this machine, so that both have one loopback.
        addresses: a host's name, or an address in GRAPHICS/LISTEN -> where to dial.
        listen_networks: where an address in GRAPHICS/LISTEN may be dialled.
        password: of consoles whose document has none; of the user, where there is one.
        username: for consoles that ask for a user; sent under TLS only.
        tls: demanded of every console; without a name the certificate must be for the host, by its
            name in OpenNebula.
    """

    is_here: bool = False
    addresses: Mapping[str, str] = field(default_factory=dict)
    listen_networks: tuple[IPv4Network | IPv6Network, ...] = ()
    password: str = field(default="", repr=False)
    username: str = ""
    tls: TLSTrust | None = None

    def security(self, password: str, host: str) -> RFBSecurity:
        """Return the handshake with a console on a host."""
        trust = self.tls and replace(self.tls, name=self.tls.name or host)
        if self.username and trust:
            return RFBSecurity(self.password or None, self.username, trust)
        return RFBSecurity(password or self.password or None, tls=trust)


def placed(machine: Machine) -> Placement:
    """Return where a machine runs.

    Raises:
        VMNotFound: it was terminated.
        ConsoleUnavailable: it does not run.
    """
    what = f"VM {machine.id}: STATE {machine.state}, LCM_STATE {machine.lcm_state}"
    if machine.state == DONE:
        raise VMNotFound(what, public="The virtual machine was terminated.")
    if not has_screen(machine.state, machine.lcm_state):
        raise ConsoleUnavailable(state_text(machine.state, machine.lcm_state), what)
    if machine.placement is None:
        raise ConsoleUnavailable("not on any host yet", f"{what}, and no history record")
    return machine.placement


def console(machine: Machine, placement: Placement, network: Network) -> ConsoleEndpoint:
    """Return the endpoint of a machine that runs.

    Raises:
        NoGraphicalConsole: it has no VNC console, or no port for it.
        BackendError: its console cannot be dialled from here; the detail says what to do.
    """
    vnc = _vnc(machine)
    host = _host_to_dial(machine, vnc.listen, placement.host, network)
    return ConsoleEndpoint(
        Transport.TCP,
        host=host,
        port=_port(machine, vnc),
        handshakes=(network.security(vnc.password, placement.host),),
        name=machine.name,
        # an address was checked above; the address behind a name is checked when it is dialled
        allow_loopback=is_own(host) or host in network.addresses.values(),
    )


def _vnc(machine: Machine) -> Graphics:
    for each in machine.graphics:
        # without a type the driver's default decides, VNC as a rule, and the document shows none
        if each.type == "vnc" or (not each.type and each.port):
            return each
    others = [each.type or "unknown" for each in machine.graphics]
    if "spice" in others:
        raise NoGraphicalConsole(
            f"VM {machine.id}: GRAPHICS/TYPE is SPICE",
            public="The virtual machine has a SPICE console, and only VNC can be shown here.",
        )
    raise NoGraphicalConsole(f"VM {machine.id}: GRAPHICS has {', '.join(others) or 'nothing'}")


def _port(machine: Machine, vnc: Graphics) -> int:
    port = int(vnc.port) if vnc.port.isascii() and vnc.port.isdigit() else 0
    if not 0 < port < 65536:
        raise NoGraphicalConsole(
            f"VM {machine.id}: GRAPHICS/PORT is {vnc.port or 'missing'!r}, although it runs; "
            "OpenNebula writes it when it deploys a machine with GRAPHICS/TYPE",
            public="The virtual machine was started without a port for its console.",
        )
    return port


def _host_to_dial(machine: Machine, listen: str, host: str, network: Network) -> str:
    by_listen = None if is_own(listen) else network.addresses.get(listen)
    if mapped := network.addresses.get(host) or by_listen:
        return mapped
    if is_loopback(listen) or is_loopback(host):
        return _own_loopback(machine, listen, host, network)
    if not is_wildcard(listen) and listen != host:
        return _chosen_by_owner(machine, listen, host, network)
    if not is_dialable(host):
        raise BackendError(f"VM {machine.id}: its host {host!r} is no name or address to dial")
    return host


def _own_loopback(machine: Machine, listen: str, host: str, network: Network) -> str:
    if is_loopback(host) and network.is_here:
        return listen if parse_ip(listen) and is_loopback(listen) else "127.0.0.1"
    where = f"{listen} of its host {host}" if is_loopback(listen) else f"its host {host}"
    raise BackendError(
        f"VM {machine.id}: its console listens on {where}, which is not this machine; let it "
        f'listen where this machine reaches it (GRAPHICS/LISTEN="0.0.0.0"), or write in addresses '
        f'where it can be dialled: "{host}" = "…"',
        public=NOT_DIALLED,
    )


def _chosen_by_owner(machine: Machine, listen: str, host: str, network: Network) -> str:
    address = parse_ip(listen)
    if address and any(address in each for each in network.listen_networks):
        return str(address)
    way = f'listen_networks = ["{listen}"], or in addresses "{host}" = "{listen}", allows it'
    if not address:
        way = f'addresses with "{listen}" = "…" says where that is'
    raise BackendError(
        f"VM {machine.id}: its console listens on {listen!r} of its host {host}; a machine's owner "
        f"can choose that (GRAPHICS/LISTEN), so it is not dialled unless it is allowed: {way}",
        public=NOT_DIALLED,
    )
