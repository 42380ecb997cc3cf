"""Machines that OpenNebula has in a vCenter: which backend shows them, and under which id.

A managed object id, ``vm-69``, means another machine in every vCenter. The driver writes the
vCenter's instance UUID behind it since release 6.2; before, only the host's template has that.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import re

from ...errors import BackendError
from ...model import VMAddress
from .cloud import Cloud
from .errors import AccessDenied, NoSuchObject
from .machines import Machine, Placement

_UUID = "[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}"
_DEPLOY_ID = re.compile(rf"(vm-[0-9]+)(?:_({_UUID}))?")


def in_vsphere(cloud: Cloud, end: float, machine: Machine, placement: Placement) -> VMAddress:
    """Return a machine's address in the backend for its vCenter.

    Args:
        end: when to give up, in seconds of the monotonic clock.
        placement: on a host of the driver ``vcenter``.

    Raises:
        BackendError: no backend is configured for its vCenter, or the vCenter is not known.
    """
    vcenters = cloud.settings.vcenter
    if not vcenters:
        raise BackendError(
            f"VM {machine.id} runs in a vCenter: set vcenter to the NAME of the backend for that"
        )
    found = _DEPLOY_ID.fullmatch(machine.deploy_id)
    if not found:
        raise BackendError(
            f"VM {machine.id} runs in a vCenter, and its DEPLOY_ID {machine.deploy_id!r} is no id "
            "of vSphere"
        )
    _check_import(cloud, end, machine)
    vm, uuid = found[1], (found[2] or "").lower()
    if isinstance(vcenters, dict) and placement.host in vcenters:
        return VMAddress(vcenters[placement.host], f"{vm}_{uuid}" if uuid else vm)
    uuid = uuid or _uuid_of_host(cloud, end, machine, placement)
    return VMAddress(_backend(vcenters, uuid, machine, placement), f"{vm}_{uuid}")


def _check_import(cloud: Cloud, end: float, machine: Machine) -> None:
    """Refuse a machine whose owner could choose its DEPLOY_ID, by IMPORT_VM_ID."""
    if not machine.is_imported or cloud.settings.imported or not cloud.is_before(end, 5, 12):
        return
    raise BackendError(
        f"VM {machine.id} was imported, and before release 5.12 its owner could choose its "
        'DEPLOY_ID, and so whose screen this is: write VM_RESTRICTED_ATTR = "IMPORT_VM_ID" into '
        "oned.conf, look through the machines that are imported already, and set imported = true"
    )


def _backend(
    vcenters: str | dict[str, str], uuid: str, machine: Machine, placement: Placement
) -> str:
    if isinstance(vcenters, str):
        return vcenters
    by_uuid = {key.lower(): name for key, name in vcenters.items()}
    if uuid not in by_uuid:
        raise BackendError(
            f"VM {machine.id} runs in the vCenter with instance UUID {uuid}, on host "
            f'{placement.host}, and vcenter names no backend for either: "{uuid}" = "…"'
        )
    return by_uuid[uuid]


def _uuid_of_host(cloud: Cloud, end: float, machine: Machine, placement: Placement) -> str:
    """Return the instance UUID of the vCenter that a host is in."""
    try:
        host = cloud.front_end.info(end, "host", placement.host_id)
        uuid = str((getattr(host, "TEMPLATE", None) or {}).get("VCENTER_INSTANCE_ID") or "")
        why = "has no VCENTER_INSTANCE_ID"
    except (AccessDenied, NoSuchObject) as e:
        uuid, why = "", f"cannot be read: {e.detail}"
    if not re.fullmatch(_UUID, uuid):
        raise BackendError(
            f"VM {machine.id}: DEPLOY_ID {machine.deploy_id!r} is an id of every vCenter, and host "
            f"{placement.host}, which tells whose, {why}; write in vcenter which backend shows its "
            f'machines: "{placement.host}" = "…"'
        )
    return uuid.lower()
