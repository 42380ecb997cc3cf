"""Look-up and inventory of the machines in a vSphere, and a line about the server.

Everything here blocks; it is called in a thread, through `Session`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import unquote

from pyVmomi import vim

from ...errors import BackendError, VMNotFound
from ...model import VMAddress, VMSummary
from ..uuids import uuid_of
from .connection import VSphere
from .errors import object_id
from .properties import read_all
from .states import state_text

_MANAGED_OBJECT_ID = re.compile(
    r"(vm-[0-9]+)(?:_([0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}))?"
)
_SEVERAL = "Several virtual machines have this name."


def find(vsphere: VSphere, vm: str) -> Any:
    """Return the ``vim.VirtualMachine`` that is meant; with a managed object id, it may not exist.

    What looks like a UUID or a managed object id is never taken for a name: a machine that has
    the id of a deleted one as its name would be shown instead.

    Raises:
        VMNotFound: there is none.
        BackendError: there are several, or it is a machine of another vCenter.
    """
    if uuid := uuid_of(vm):
        return _only(_by_uuid(vsphere, uuid), "UUID", vm)
    if found := _MANAGED_OBJECT_ID.fullmatch(vm):
        if found[2]:
            _check_vcenter(vsphere, found[1], found[2])
        return vim.VirtualMachine(found[1], vsphere.stub)
    if vsphere.is_single_host and _is_number(vm):
        return vim.VirtualMachine(vm, vsphere.stub)
    if "/" in vm:
        return _only(_by_path(vsphere, vm), "inventory path", vm)
    return _only(_by_name(vsphere, vm), "name", vm)


def is_managed_object_id(vm: str) -> bool:
    """Tell whether a machine is named by its managed object id, ``vm-123``."""
    return _MANAGED_OBJECT_ID.fullmatch(vm) is not None


def inventory(vsphere: VSphere, backend: str) -> list[VMSummary]:
    """Return all machines that the account can see and that are no templates, sorted by name."""
    found = read_all(
        vsphere,
        vim.VirtualMachine,
        "name",
        "config.instanceUuid",
        "config.template",
        "runtime.powerState",
        "runtime.connectionState",
    )
    summaries = [
        _summary(backend, object_id(each.object), each.values)
        for each in found
        if not each.values.get("config.template")
    ]
    return sorted(summaries, key=lambda each: each.name)


def describe(vsphere: VSphere) -> str:
    """Return a line about the server."""
    about, settings = vsphere.content.about, vsphere.settings
    machines = read_all(vsphere, vim.VirtualMachine, "config.template")
    count = sum(not each.values.get("config.template") for each in machines)
    of = f", instance UUID {about.instanceUuid}" if about.instanceUuid else ""
    return (
        f"{about.name} {about.version} build {about.build} at {settings}, as {settings.username}, "
        f"{count} machine{'' if count == 1 else 's'}{of}"
    )


def _summary(backend: str, managed_object_id: str, values: dict[str, Any]) -> VMSummary:
    return VMSummary(
        VMAddress(backend, values.get("config.instanceUuid") or managed_object_id),
        displayed(values.get("name", managed_object_id)),
        state_text(values.get("runtime.powerState", ""), values.get("runtime.connectionState", "")),
    )


def displayed(name: str) -> str:
    """Return a name as it was typed; vSphere keeps a slash in it as ``%2f``."""
    return unquote(name)


def _check_vcenter(vsphere: VSphere, vm: str, uuid: str) -> None:
    """Refuse an id of another vCenter: every vCenter has a ``vm-69`` of its own."""
    own = str(vsphere.content.about.instanceUuid or "none")
    if uuid.lower() != own.lower():
        raise BackendError(
            f"{vm} of the vCenter with instance UUID {uuid} is asked for, and this one has {own}: "
            f'write in vcenter of the opennebula backend which one shows it: "{uuid}" = "…"'
        )


def _by_uuid(vsphere: VSphere, uuid: str) -> Sequence[Any]:
    search = vsphere.content.searchIndex
    instances: Sequence[Any] = search.FindAllByUuid(None, uuid, True, True)
    if instances:
        return instances
    others: Sequence[Any] = search.FindAllByUuid(None, uuid, True, False)
    if others and not vsphere.settings.bios_uuids:
        raise VMNotFound(
            f"no machine with the instance UUID {uuid}; it is the BIOS UUID of "
            f"{_ids(others)}, which anyone who configures a machine can choose: bios_uuids = true "
            "allows those"
        )
    return others


def _by_path(vsphere: VSphere, path: str) -> Sequence[Any]:
    found = vsphere.content.searchIndex.FindByInventoryPath(path.strip("/"))
    return [found] if isinstance(found, vim.VirtualMachine) else []


def _by_name(vsphere: VSphere, name: str) -> Sequence[Any]:
    machines = read_all(vsphere, vim.VirtualMachine, "name")
    return [each.object for each in machines if displayed(each.values.get("name", "")) == name]


def _only(found: Sequence[Any], kind: str, vm: str) -> Any:
    if not found:
        raise VMNotFound(f"no machine with the {kind} {vm!r}")
    if len(found) > 1:
        raise BackendError(
            f"{len(found)} machines have the {kind} {vm!r}: {_ids(found)}; issue tokens by "
            "instance UUID",
            public=_SEVERAL,
        )
    return found[0]


def _ids(found: Sequence[Any]) -> str:
    return ", ".join(object_id(each) for each in found[:10])


def _is_number(text: str) -> bool:
    return text.isascii() and text.isdigit()
