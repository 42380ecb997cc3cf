"""Where a vSphere machine's console is: a ticket for its host's web socket, or its VNC server.

Everything here blocks; it is called in a thread, through `Session`.
"""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl

from ...errors import BackendError, ConsoleUnavailable, OverLimit, VMNotFound
from ...model import ConsoleEndpoint
from .connection import VSphere
from .machines import displayed, find
from .properties import Properties, read
from .states import RUNNING, state_text
from .ticket import endpoint
from .vnc import vnc_endpoint

_STATE = ("name", "config.template", "runtime.powerState", "runtime.connectionState")
_TICKET_KIND = "webmks"
_NO_SUCH_TICKET = (
    vmodl.fault.InvalidArgument,
    vmodl.fault.NotSupported,
    vmodl.fault.MethodNotFound,
    vmodl.fault.NotImplemented,
)
_BETWEEN_STATES = (vim.fault.InvalidState, vim.fault.TaskInProgress)


class NoTicket(BackendError):
    """The host gives no tickets for web sockets."""


def locate(vsphere: VSphere, vm: str) -> ConsoleEndpoint:
    """Find a machine's console, with a ticket that is good once.

    Args:
        vm: instance UUID, BIOS UUID, managed object id, inventory path or name.

    Raises:
        VMNotFound, ConsoleUnavailable, BackendError: see ``IConsoleBackend``.
        OverLimit: the console has as many viewers as the machine's configuration allows.
        MethodFault: vSphere failed in another way.
    """
    try:
        machine = read(vsphere, find(vsphere, vm), *_STATE)
        name = displayed(machine.required("name"))
        _check_state(machine, vm)
        return _console(vsphere, machine.object, name)
    except vmodl.fault.ManagedObjectNotFound as e:
        raise VMNotFound(f"{vm!r} does not exist, or not any more") from e


def _console(vsphere: VSphere, machine: Any, name: str) -> ConsoleEndpoint:
    kind = vsphere.settings.console
    if kind == "vnc":
        return vnc_endpoint(vsphere, machine, name)
    try:
        return endpoint(_ticket(machine), name, vsphere.settings, vsphere.is_single_host)
    except NoTicket:
        if kind != "auto":
            raise
        return vnc_endpoint(vsphere, machine, name)


def _check_state(machine: Properties, vm: str) -> None:
    if machine.values.get("config.template"):
        raise VMNotFound(f"{vm!r} is a template")
    state = state_text(
        machine.required("runtime.powerState"), machine.required("runtime.connectionState")
    )
    if state != RUNNING:
        raise ConsoleUnavailable(state)


def _ticket(machine: Any) -> Any:
    try:
        return machine.AcquireTicket(_TICKET_KIND)
    except vim.fault.MksConnectionLimitReached as e:
        raise _too_many_viewers(e.connectionLimit) from e
    except _BETWEEN_STATES as e:
        raise ConsoleUnavailable(
            "changing its state; try again in a moment", f"no ticket: {type(e).__name__}"
        ) from e
    except _NO_SUCH_TICKET as e:
        raise NoTicket(
            f"no webmks ticket is given here ({type(e).__name__}): vSphere before 6.0 needs "
            'console = "vnc"'
        ) from e


def _too_many_viewers(limit: int | None) -> OverLimit:
    allowed = "one viewer" if limit == 1 else f"{limit or 'a few'} viewers"
    others = "Somebody else has" if limit == 1 else "Others have"
    return OverLimit(
        f"no ticket: MksConnectionLimitReached, RemoteDisplay.maxConnections is {limit}",
        public=f"{others} this console open, and the hypervisor allows {allowed}. Try again later.",
    )
