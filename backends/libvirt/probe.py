"""Checks a hypervisor for ``check-config``: consoles of running machines out of reach.

Everything here blocks; it is called in a thread, through `Connection`.
"""

from __future__ import annotations

from collections.abc import Container, Iterator, Mapping
from typing import Any

import libvirt

from ...errors import BackendError, ConsoleError
from ...model import ConsoleEndpoint
from ..reachability import DIAL_TIME, MOST, Address, out_of_reach
from .connection import VirConnect
from .console import Reach, route
from .domain_xml import parse_domain
from .machines import with_address


def unreachable_consoles(
    connection: VirConnect, reach: Reach, addresses: Mapping[str, str], seconds: float = DIAL_TIME
) -> list[str]:
    """Return a line for each reason why consoles are out of reach; dial one console of each host.

    Args:
        addresses: host name as libvirt reports it -> where its consoles are dialled.
        seconds: longest time for dialling.

    Raises:
        libvirtError: libvirt failed.
    """
    reach = with_address(connection, reach, addresses)
    dialled: dict[Address, str] = {}
    refused: dict[str, str] = {}
    written: set[str] = set()
    domains = connection.listAllDomains(libvirt.VIR_CONNECT_LIST_DOMAINS_ACTIVE)
    # libvirt has no order, and the report should not change from one check to the next
    for domain in sorted(domains, key=lambda domain: str(domain.name()))[:MOST]:
        try:
            found = _console(domain, reach)
        except BackendError as e:
            refused[domain.name()] = e.detail
            continue
        except (ConsoleError, ValueError):
            continue
        if found and found.port and all(found.host != host for host, _ in dialled):
            dialled[found.host, found.port] = domain.name()
            written |= {found.host} if found.allow_loopback else set()
    return [*_refused(refused), *_closed(dialled, seconds, written)]


def _console(domain: Any, reach: Reach) -> ConsoleEndpoint | None:
    try:
        xml = parse_domain(domain.XMLDesc(libvirt.VIR_DOMAIN_XML_SECURE))
    except libvirt.libvirtError as e:
        if e.get_error_code() != libvirt.VIR_ERR_NO_DOMAIN:
            raise
        return None
    return None if xml.vnc is None else route(xml.vnc, reach)


def _refused(refused: Mapping[str, str]) -> Iterator[str]:
    """Yield one line for all machines: a hypervisor's configuration holds for most of them."""
    for name, why in refused.items():
        others = len(refused) - 1
        more = f" ({others} more machine{'' if others == 1 else 's'} likewise)" if others else ""
        yield f"{name}: {why}{more}"
        return


def _closed(
    dialled: Mapping[Address, str], seconds: float, written: Container[str]
) -> Iterator[str]:
    for (host, port), why in out_of_reach(dialled, seconds, written).items():
        yield f"{dialled[host, port]}: its console at {host}, port {port}, cannot be reached: {why}"
