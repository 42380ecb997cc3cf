"""On which host a machine is, and to which cluster that belongs.

Everything here blocks; it is called in a thread, through `Session`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pyVmomi import vim, vmodl

from ...errors import VMNotFound
from ...model import MachineHost
from .connection import VSphere
from .machines import displayed, find
from .properties import read, read_all
from .states import RUNNING, state_text


def host_of(vsphere: VSphere, vm: str) -> MachineHost:
    """Return the host on which a machine is, with the name of its cluster.

    Raises:
        VMNotFound: there is no such machine.
    """
    try:
        machine = read(
            vsphere,
            find(vsphere, vm),
            *("runtime.host", "runtime.powerState", "runtime.connectionState"),
            "config.instanceUuid",
        )
        values = machine.values
        names = tuple(_names(vsphere, values["runtime.host"])) if "runtime.host" in values else ()
    except vmodl.fault.ManagedObjectNotFound as e:
        raise VMNotFound(f"{vm!r} does not exist, or not any more") from e
    state = state_text(
        values.get("runtime.powerState", ""), values.get("runtime.connectionState", "")
    )
    return MachineHost(names, state == RUNNING, values.get("config.instanceUuid", ""))


def own_hosts(vsphere: VSphere) -> list[str]:
    """Return the names of all hosts and clusters that the account can see."""
    kinds = vim.HostSystem, vim.ClusterComputeResource
    found = [each for kind in kinds for each in read_all(vsphere, kind, "name")]
    names = (displayed(each.values.get("name", "")) for each in found)
    return sorted({name for name in names if name})


def _names(vsphere: VSphere, host: Any) -> Iterator[str]:
    """Yield the names of a host and of its cluster; a host that stands alone has none."""
    found = read(vsphere, host, "name", "parent").values
    yield displayed(found.get("name", ""))
    parent = found.get("parent")
    if isinstance(parent, vim.ClusterComputeResource):
        yield displayed(read(vsphere, parent, "name").values.get("name", ""))
