"""Checks a vSphere for ``check-config``: missing privileges, and hosts that cannot be reached.

Everything here blocks; it is called in a thread, through `Session`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from pyVmomi import vim, vmodl

from ...errors import BackendError
from ..probed import Probed
from ..reachability import DIAL_TIME, MOST, Address, out_of_reach
from .address import place
from .connection import VSphere
from .machines import describe, displayed
from .properties import Properties, read_all

PRIVILEGE: Final = "VirtualMachine.Interact.ConsoleInteract"

_HTTPS = 443
_SHARE = 0.25
"""The share of the time limit for dialling."""


def probe(vsphere: VSphere) -> Probed:
    """Return product and version, the privileges that are missing, and the hosts out of reach."""
    line = describe(vsphere)
    return Probed(line, (*_not_allowed(vsphere), *_closed(vsphere)))


def _closed(vsphere: VSphere) -> Iterator[str]:
    """Yield the hosts that cannot be dialled; VNC servers have a port for each machine."""
    if vsphere.settings.console == "vnc":
        return
    hosts, written, problems = _hosts(vsphere)
    yield from problems
    seconds = min(DIAL_TIME, vsphere.settings.timeout * _SHARE)
    for (address, port), why in out_of_reach(hosts, seconds, written).items():
        name = hosts[address, port]
        at = "" if address == name else f" at {address}"
        yield (
            f"consoles of host {name}{at}, port {port}, cannot be reached: {why}; open it from "
            "here, or write in addresses where the host is dialled"
        )


def _hosts(vsphere: VSphere) -> tuple[dict[Address, str], set[str], list[str]]:
    """Return where each connected host is dialled, and what is wrong with those that are not.

    The second of the three values has the hosts that are configured.
    """
    hosts, written, problems = {}, set[str](), []
    found = read_all(vsphere, vim.HostSystem, "name", "runtime.connectionState")
    for host in found[:MOST]:
        name = host.values.get("name", "")
        if name and host.values.get("runtime.connectionState") == "connected":
            try:
                dialled = place(vsphere.settings, vsphere.is_single_host, name)
                hosts[dialled.host, _HTTPS] = name
                written |= {dialled.host} if dialled.is_written else set()
            except BackendError as e:
                problems.append(e.detail)
    return hosts, written, problems


def _not_allowed(vsphere: VSphere) -> Iterator[str]:
    machines = read_all(vsphere, vim.VirtualMachine, "name")[:MOST]
    refusals = _refusals(vsphere, machines) if machines else []
    refused = [each for each in machines if each.object in refusals]
    if refused:
        yield (
            f"{vsphere.settings.username} may not {PRIVILEGE} on {len(refused)} of {len(machines)} "
            f"machines, such as {displayed(refused[0].values.get('name', ''))!r}; give it a role "
            "with that privilege"
        )


def _refusals(vsphere: VSphere, machines: list[Properties]) -> list[Any]:
    """Return the machines whose consoles the account may not open, as far as vSphere answers."""
    content = vsphere.content
    with suppress(vmodl.MethodFault, AttributeError):
        session = content.sessionManager.currentSession.key
        answers = content.authorizationManager.HasPrivilegeOnEntities(
            [each.object for each in machines], session, [PRIVILEGE]
        )
        return [
            each.entity
            for each in answers
            if not all(privilege.isGranted for privilege in each.privAvailability)
        ]
    return []
