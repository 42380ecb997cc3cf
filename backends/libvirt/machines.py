"""Look-up, inventory and consoles of the domains on a libvirt connection.

Everything here blocks; it is called in a thread, through `Connection`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import libvirt

from ...addresses import is_own
from ...errors import BackendError, ConsoleUnavailable, NoGraphicalConsole, VMNotFound
from ...model import ConsoleEndpoint, Transport
from ..uuids import uuid_of
from .connection import VirConnect
from .console import Reach, route
from .domain_xml import DomainXML, VNCGraphics, parse_domain
from .states import DomainState, state_text

VirDomain = Any
"""A ``libvirt.virDomain``; the binding has no types."""

_LONGEST_ID = 9


def locate(
    connection: VirConnect, vm: str, reach: Reach, addresses: Mapping[str, str]
) -> ConsoleEndpoint:
    """Find a domain's console.

    Args:
        vm: UUID, name or numeric id; one that fits two machines is refused.
        addresses: host in the URI, or host name as libvirt reports it -> where its consoles are
            dialled.

    Raises:
        VMNotFound, ConsoleUnavailable, BackendError: see ``IConsoleBackend``.
        libvirtError: libvirt failed in another way.
    """
    try:
        domain = find(connection, vm)
        xml = parse_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
        vnc = _console(domain, xml)
        found = route(vnc, with_address(connection, reach, addresses))
        if found.transport is Transport.FD:
            found = replace(found, fd=_passed_socket(domain, vnc))
        return replace(found, name=xml.name)
    except libvirt.libvirtError as e:
        if e.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise VMNotFound(f"{vm!r} is gone: {e}") from e
        raise
    except ValueError as e:
        raise BackendError(f"the XML of domain {vm!r} cannot be understood: {e}") from e


def domain_state(connection: VirConnect, vm: str, by_id: bool = False) -> DomainState:
    """Return the state of a domain by UUID or name, and where it is allowed by numeric id.

    Raises:
        VMNotFound: this libvirt has no such domain.
        libvirtError: libvirt failed in another way.
    """
    domain = find(connection, vm, by_id)
    try:
        return DomainState(domain.UUIDString(), domain.name(), *domain.state())
    except libvirt.libvirtError as e:
        if e.get_error_code() == libvirt.VIR_ERR_NO_DOMAIN:
            raise VMNotFound(f"{vm!r} is gone: {e}") from e
        raise


def host_of(connection: VirConnect, vm: str, by_id: bool = True) -> tuple[DomainState, str]:
    """Return the state of a domain, and the name of the host; it raises as `domain_state` does."""
    return domain_state(connection, vm, by_id), host_name(connection)


def host_name(connection: VirConnect) -> str:
    """Return the host's name, as libvirt reports it."""
    return str(connection.getHostname())


def inventory(connection: VirConnect) -> list[DomainState]:
    """Return all domains, in any state."""
    stats = connection.getAllDomainStats(libvirt.VIR_DOMAIN_STATS_STATE)
    return [
        DomainState(
            domain.UUIDString(),
            domain.name(),
            values.get("state.state", 0),
            values.get("state.reason", 0),
        )
        for domain, values in stats
    ]


def describe(connection: VirConnect, uri: str) -> str:
    """Return a line about the hypervisor, and check that the connection may read passwords."""
    active = connection.numOfDomains()
    every = active + connection.numOfDefinedDomains()
    _try_secure_xml(connection)
    return (
        f"libvirt {_version(connection.getLibVersion())} at {uri}, "
        f"{connection.getType()} {_version(connection.getVersion())}, "
        f"{active} of {every} machines running"
    )


def with_address(connection: VirConnect, reach: Reach, addresses: Mapping[str, str]) -> Reach:
    """Return where the hypervisor is, with its address from a map.

    The host in its URI takes precedence over the name that it reports. A name like
    ``localhost.localdomain``, which every host without a name reports, is looked up only for a
    libvirt on this machine.
    """
    if not addresses:
        return reach
    if not (address := addresses.get(reach.host, "")):
        name = connection.getHostname()
        address = "" if reach.host and is_own(name) else addresses.get(name, "")
    return replace(reach, address=address or reach.address)


def _try_secure_xml(connection: VirConnect) -> None:
    for domain in connection.listAllDomains()[:1]:
        try:
            domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE)
        except libvirt.libvirtError as e:
            if e.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
                raise


def _version(number: int) -> str:
    return f"{number // 1_000_000}.{number // 1000 % 1000}.{number % 1000}"


def find(connection: VirConnect, vm: str, by_id: bool = True) -> VirDomain:
    """Return a domain by UUID or name, and where it is allowed by numeric id.

    Raises:
        VMNotFound: this libvirt has no such domain.
        BackendError: two have it.
        libvirtError: libvirt failed in another way.
    """
    found = [each for each in _look_ups(connection, vm, by_id) if each is not None]
    if not found:
        raise VMNotFound(f"no domain with UUID, name or id {vm!r}")
    if len({each.UUIDString() for each in found}) > 1:
        raise BackendError(
            f"{vm!r} is the name of one domain and the id of another: use the UUID",
            public="Several virtual machines have this name.",
        )
    return found[0]


def _look_ups(connection: VirConnect, vm: str, by_id: bool) -> Iterator[VirDomain | None]:
    """Yield the domains with a UUID, name or id; what looks like a UUID is never taken for a name.

    Otherwise a machine that has the UUID of a deleted one as its name would be shown instead.
    """
    if uuid := uuid_of(vm):
        yield _looked_up(connection.lookupByUUIDString, uuid)
        return
    yield _looked_up(connection.lookupByName, vm)
    if by_id and vm.isascii() and vm.isdigit() and len(vm) <= _LONGEST_ID:
        yield _looked_up(connection.lookupByID, int(vm))


def _looked_up(look_up: Callable[[Any], VirDomain], key: object) -> VirDomain | None:
    try:
        return look_up(key)
    except libvirt.libvirtError as e:
        if e.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
    except UnicodeEncodeError:
        pass
    return None


def _console(domain: VirDomain, xml: DomainXML) -> VNCGraphics:
    if not xml.active:
        raise ConsoleUnavailable(state_text(*domain.state()))
    if xml.vnc is None:
        others = f", only {', '.join(xml.others)}" if xml.others else ""
        raise NoGraphicalConsole(f"domain {xml.name} has no VNC graphics{others}")
    return xml.vnc


def _passed_socket(domain: VirDomain, vnc: VNCGraphics) -> int:
    """Return a socket that libvirt has connected; QEMU asks for no password on it."""
    try:
        fd: int = domain.openGraphicsFD(vnc.index, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)
    except libvirt.libvirtError as e:
        if e.get_error_code() == libvirt.VIR_ERR_OPERATION_INVALID:
            raise ConsoleUnavailable(state_text(*domain.state()), str(e)) from e
        if e.get_error_code() == libvirt.VIR_ERR_NO_SUPPORT:
            raise BackendError(f"libvirt passes no connection to the console: {e}") from e
        raise
    return fd
