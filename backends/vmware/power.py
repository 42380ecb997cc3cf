"""Starts, stops and resets machines by vSphere's tasks, and by the tools in their guests.

Everything here blocks; it is called in a thread, through `Session`, which asks again when login or
connection had ended: what may have been done is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

from pyVmomi import vim, vmodl

from ...errors import (
    BackendError,
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from ...model import PowerAction
from .connection import VSphere
from .errors import UNANSWERED, explain, object_id
from .machines import find
from .states import state_text

_ACTS: Final[Mapping[PowerAction, Callable[[Any], Any]]] = {
    PowerAction.START: lambda machine: machine.PowerOnVM_Task(),
    PowerAction.SHUTDOWN: lambda machine: machine.ShutdownGuest(),
    PowerAction.REBOOT: lambda machine: machine.RebootGuest(),
    PowerAction.RESET: lambda machine: machine.ResetVM_Task(),
    PowerAction.OFF: lambda machine: machine.PowerOffVM_Task(),
}


def begin(vsphere: VSphere, vm: str, action: PowerAction) -> str:
    """Ask for an action, once; returns the id of its task, empty where the guest was asked.

    Raises:
        VMNotFound, PowerStateUnfit, PowerUnsupported, PowerDenied, BackendError: see ``IPower``.
    """
    machine = find(vsphere, vm)
    try:
        state = machine.runtime.powerState
    except vmodl.fault.ManagedObjectNotFound as e:
        raise VMNotFound(f"{vm!r} is gone") from e
    try:
        task = _ACTS[action](machine)
    except vim.fault.NotAuthenticated:
        raise  # nothing was done
    except vmodl.MethodFault as e:
        raise _meaning(e, vsphere.settings.username, str(state)) from e
    except UNANSWERED as e:
        raise BackendError(f"not known whether it was done: {e}") from e
    return "" if task is None else object_id(task)


def has_ended(vsphere: VSphere, task_id: str) -> bool:
    """Return whether a task has succeeded.

    Raises:
        PowerStateUnfit, PowerUnsupported, PowerDenied, BackendError: it has failed.
    """
    info = vim.Task(task_id, vsphere.stub).info
    if info.state == "error":
        raise _meaning(info.error, vsphere.settings.username, "in another state")
    return bool(info.state == "success")


def is_off(vsphere: VSphere, vm: str) -> bool:
    """Return whether a machine is powered off or suspended.

    Raises:
        VMNotFound, BackendError: see ``IPower``.
    """
    try:
        return bool(find(vsphere, vm).runtime.powerState != "poweredOn")
    except vmodl.fault.ManagedObjectNotFound as e:
        raise VMNotFound(f"{vm!r} is gone") from e


def _meaning(fault: Any, user: str, state: str) -> VNCProxyError:
    detail = explain(fault, user).detail
    if isinstance(fault, vim.fault.NoPermission):
        return PowerDenied(detail)
    if isinstance(fault, vim.fault.ToolsUnavailable):
        return PowerUnsupported(
            detail,
            public="The virtual machine has no running VMware Tools, which do this in its guest.",
        )
    if isinstance(fault, vim.fault.InvalidPowerState):
        return PowerStateUnfit(state_text(str(fault.existingState), "connected"), detail)
    if isinstance(fault, vim.fault.InvalidState):
        return PowerStateUnfit(state_text(state, "connected"), detail)
    if isinstance(fault, vmodl.fault.NotSupported | vmodl.fault.MethodNotFound):
        return PowerUnsupported(detail)
    return BackendError(detail, public="The hypervisor could not do that.")
