"""Machines of other zones of the federation: ``ZONE/VM``, as the zone pool has the zone.

An address in the zone pool is not enough: the session goes to those alone that are configured, and
a console of another zone's proxy is asked for by a configured ``[zones.NAME]``.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

from pyone.bindings.supbind import ZONE_POOL

from ...errors import BackendError, VMNotFound
from ...model import ConsoleElsewhere, ConsoleEndpoint, VMAddress
from . import hybrid
from .cloud import Cloud
from .connection import PostFunction
from .settings import Federation, OpenNebulaSettings, ZoneSettings, is_endpoint

_NOT_CONFIGURED = "Consoles of this zone cannot be shown here."


@dataclass(frozen=True, slots=True)
class Zone:
    """One zone of the pool.

    Attributes:
        endpoints: of its front end and its further servers, as far as they are URLs.
        zone_proxy: VNCPROXY_ENDPOINT; empty where there is none.
    """

    id: int
    name: str
    endpoints: tuple[str, ...]
    zone_proxy: str

    def __str__(self) -> str:
        return f"zone {self.name} ({self.id})"

    def is_called(self, text: str) -> bool:
        """Return whether a text means this zone; digits mean an id, whatever a zone's name is."""
        return int(text) == self.id if _is_number(text) else text == self.name


def locate(
    cloud: Cloud, end: float, vm: str, max_hops: int, post: PostFunction | None = None
) -> ConsoleEndpoint | ConsoleElsewhere:
    """Find a machine's console, wherever it runs, in this zone or in another.

    Args:
        vm: id or name, with a zone in front of it if it is of another: ``madrid/42``, ``100/42``.

    Raises:
        VMNotFound, ConsoleUnavailable, BackendError: see ``IConsoleBackend``.
    """
    zone, machine = other_zone(cloud, end, vm)
    federation = _federation(cloud)
    if federation is None or zone is None:
        return hybrid.locate(cloud, end, machine, max_hops, post)
    if proxy := _zone_proxy(federation, zone):
        return ConsoleElsewhere(VMAddress(proxy.backend, f"{proxy.vm}/{machine}"))
    return hybrid.locate(_cloud_of(cloud, federation, zone, post), end, machine, max_hops, post)


def cloud_of_machine(
    cloud: Cloud, end: float, vm: str, post: PostFunction | None = None
) -> tuple[Cloud, str] | None:
    """Return the OpenNebula of a machine's zone, and the machine's id or name there.

    None where another zone's proxy shows its console: its OpenNebula is not known here.

    Raises:
        VMNotFound, BackendError: as `other_zone` does, or its addresses may not get the session.
    """
    zone, machine = other_zone(cloud, end, vm)
    federation = _federation(cloud)
    if federation is None or zone is None:
        return cloud, machine
    if _zone_proxy(federation, zone):
        return None
    return _cloud_of(cloud, federation, zone, post), machine


def other_zone(cloud: Cloud, end: float, vm: str) -> tuple[Zone | None, str]:
    """Return the zone that a machine is of, None for this one; and its id or name there.

    Raises:
        VMNotFound: there is no such zone, or no machine can be called so.
        BackendError: OpenNebula failed.
    """
    federation = _federation(cloud)
    named, slash, machine = vm.partition("/")
    if federation is None or not slash:
        return None, vm
    if "/" in machine:
        raise VMNotFound(f"no machine's name has a slash, and {machine!r} has one")
    zone = _find(cloud, end, named)
    return (None if zone.is_called(federation.zone) else zone), machine


def describe(cloud: Cloud, end: float, post: PostFunction | None = None) -> tuple[str, list[str]]:
    """Return a line about the zones of the pool, and what is wrong with them.

    Raises:
        BackendError: the pool cannot be read, or has no zone that is this one.
    """
    federation = _federation(cloud)
    if federation is None:
        return "", []
    zones = list(_pool(cloud, end))
    own = next((each for each in zones if each.is_called(federation.zone)), None)
    if own is None:
        raise BackendError(
            f"federation.zone is {federation.zone!r}, and the zone pool has "
            f"{', '.join(f'{each.name} ({each.id})' for each in zones) or 'no zone'}"
        )
    ways, problems = [f"is {own}"], []
    for zone in zones:
        if zone is not own:
            try:
                ways.append(_way(cloud, end, federation, zone, post))
            except BackendError as e:
                problems.append(f"{zone}: {e.detail}")
    return ", ".join(ways), problems


def _way(
    cloud: Cloud, end: float, federation: Federation, zone: Zone, post: PostFunction | None
) -> str:
    if proxy := _zone_proxy(federation, zone):
        return f"{zone} by {proxy}"
    return f"{zone}: {_cloud_of(cloud, federation, zone, post).describe(end)}"


def _federation(cloud: Cloud) -> Federation | None:
    settings = cloud.settings
    return settings.federation if isinstance(settings, OpenNebulaSettings) else None


def _find(cloud: Cloud, end: float, named: str) -> Zone:
    for zone in _pool(cloud, end):
        if zone.is_called(named):
            return zone
    raise VMNotFound(f"no zone {named!r} in the zone pool of {cloud.front_end}")


def _pool(cloud: Cloud, end: float) -> Iterator[Zone]:
    for each in cloud.answer(end, ZONE_POOL, "zonepool.info").ZONE:
        if each.ID is None:
            continue
        template: dict[str, Any] = each.TEMPLATE if isinstance(each.TEMPLATE, dict) else {}
        servers = each.SERVER_POOL.SERVER if each.SERVER_POOL is not None else []
        urls = [template.get("ENDPOINT"), *(server.ENDPOINT for server in servers)]
        endpoints = tuple(dict.fromkeys(str(url) for url in urls if is_endpoint(str(url or ""))))
        yield Zone(
            each.ID, each.NAME or "", endpoints, str(template.get("VNCPROXY_ENDPOINT") or "")
        )


def _settings_of(federation: Federation, zone: Zone) -> ZoneSettings:
    by_id = federation.zones.get(str(zone.id))
    by_name = None if _is_number(zone.name) else federation.zones.get(zone.name)
    return by_id or by_name or ZoneSettings()


def _zone_proxy(federation: Federation, zone: Zone) -> VMAddress | None:
    """Return zone and backend of the proxy that shows a zone's consoles; None for none."""
    settings = _settings_of(federation, zone)
    if settings.zone_proxy or settings.endpoint:
        return settings.zone_proxy
    if not zone.zone_proxy:
        return None
    known = federation.zone_proxies.get(zone.zone_proxy.rstrip("/"))
    if known is None:
        raise BackendError(
            f"its VNCPROXY_ENDPOINT is {zone.zone_proxy!r}; federation.zone_proxies says which "
            f'[zones.NAME] and backend that is: "{zone.zone_proxy}" = "NAME/BACKEND"',
            public=_NOT_CONFIGURED,
        )
    return known


def _cloud_of(cloud: Cloud, federation: Federation, zone: Zone, post: PostFunction | None) -> Cloud:
    """Return another zone, whose accounts are those of this one.

    Raises:
        BackendError: none of its addresses may get the session.
    """
    settings = _settings_of(federation, zone)
    urls = settings.urls() if settings.endpoint else _allowed(federation, zone)
    if not urls:
        raise BackendError(
            f"the zone pool has {', '.join(zone.endpoints) or 'no address'} for it, and "
            "federation.allowed has none of these: only such an address gets the session; or say "
            f'in federation.zones."{zone.name}" its endpoint, or its zone_proxy',
            public=_NOT_CONFIGURED,
        )
    own = cloud.settings
    assert isinstance(own, OpenNebulaSettings)
    ca_file = settings.ca_file or own.ca_file
    settings = settings.model_copy(update={"servers": urls[1:], "ca_file": ca_file})
    there = Cloud(urls[0], own.session.get_secret_value(), settings, post)
    # an endpoint on this machine is the end of a tunnel
    there.network = replace(there.network, is_here=False)
    return there


def _allowed(federation: Federation, zone: Zone) -> tuple[str, ...]:
    return tuple(url for url in zone.endpoints if url in federation.allowed)


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
