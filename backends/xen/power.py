"""Starts, stops and resets machines by XAPI's tasks.

Everything here blocks; it is called in a thread, through `Pool`, which asks once more when the
login was lost: what may have been done is not done again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final
from xmlrpc.client import Fault

from XenAPI import Failure

from ...errors import (
    BackendError,
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from ...model import PowerAction
from .errors import clean, is_of_the_host
from .login import FAILURES, Login
from .machines import find
from .states import state_text

_ACTS: Final[Mapping[PowerAction, Callable[[Any, str], str]]] = {
    PowerAction.START: lambda vms, vm: vms.start(vm, False, False),
    PowerAction.SHUTDOWN: lambda vms, vm: vms.clean_shutdown(vm),
    PowerAction.REBOOT: lambda vms, vm: vms.clean_reboot(vm),
    PowerAction.RESET: lambda vms, vm: vms.hard_reboot(vm),
    PowerAction.OFF: lambda vms, vm: vms.hard_shutdown(vm),
}

_OFF: Final = "Halted"
_NO_SESSION: Final = 401
_NO_DRIVERS: Final = ("VM_MISSING_PV_DRIVERS", "VM_OLD_PV_DRIVERS", "VM_LACKS_FEATURE")
_UNFIT: Final = ("VM_BAD_POWER_STATE", "OTHER_OPERATION_IN_PROGRESS", "OPERATION_NOT_ALLOWED")
_BLOCKED: Final = ("OPERATION_BLOCKED", "VM_IS_TEMPLATE", "VM_IS_SNAPSHOT")


def begin(login: Login, vm: str, action: PowerAction) -> str:
    """Ask for an action, once; returns the reference of its task.

    Raises:
        VMNotFound, PowerStateUnfit, PowerUnsupported, PowerDenied, BackendError: see ``IPower``.
        Failure: the member that was asked is not the master, or knows no such session; nothing
            was done.
    """
    ref, record = find(login, vm)
    state = record["power_state"]
    if (state == _OFF) is not (action is PowerAction.START):
        raise PowerStateUnfit(state_text(state))
    try:
        return _ACTS[action](login.xenapi.Async.VM, ref)
    except Failure as e:
        if is_of_the_host(str(e.details[0])) or e.details[0] == "SESSION_INVALID":
            raise
        raise _meaning([str(each) for each in e.details], state) from e
    except Fault as e:
        if e.faultCode == _NO_SESSION:
            raise
        raise BackendError(f"not known whether it was done: {clean(e.faultString)}") from e
    except FAILURES as e:
        raise BackendError(f"not known whether it was done: {type(e).__name__}") from e


def has_ended(login: Login, task: str) -> bool:
    """Return whether a task has succeeded, and forget it then.

    Raises:
        PowerStateUnfit, PowerUnsupported, PowerDenied, BackendError: it has failed.
    """
    record = login.xenapi.task.get_record(task)
    if record["status"] in ("pending", "cancelling"):
        return False
    login.xenapi.task.destroy(task)
    if record["status"] == "success":
        return True
    raise _meaning([str(each) for each in record["error_info"]] or [record["status"]], "")


def is_off(login: Login, vm: str) -> bool:
    """Return whether a machine is halted.

    Raises:
        VMNotFound, ConsoleUnavailable: see ``IPower``.
    """
    return bool(find(login, vm)[1]["power_state"] == _OFF)


def _meaning(details: list[str], state: str) -> VNCProxyError:
    code, detail = details[0], clean(", ".join(details))
    if code == "RBAC_PERMISSION_DENIED":
        return PowerDenied(f"{detail}: the account needs the role VM Operator")
    if code in _NO_DRIVERS or code.startswith("VM_LACKS_FEATURE"):
        return PowerUnsupported(
            detail, public="The virtual machine has no Xen tools, which do this in its guest."
        )
    if code in _UNFIT:
        known = details[3] if code == "VM_BAD_POWER_STATE" and len(details) > 3 else state
        fits_not = "busy with something else"
        return PowerStateUnfit(state_text(known.capitalize()) if known else fits_not, detail)
    if code in _BLOCKED:
        return PowerUnsupported(detail)
    if code in ("HANDLE_INVALID", "UUID_INVALID"):
        return VMNotFound(detail)
    return BackendError(detail, public="The hypervisor could not do that.")
