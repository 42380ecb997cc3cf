"""Starts, stops and resets domains.

Everything here blocks; it is called in a thread, through `Connection`, which asks once more when
the connection was lost: only what was read is asked again, and never what was done.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

import libvirt

from ...errors import (
    BackendError,
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from ...model import PowerAction
from .connection import VirConnect
from .machines import VirDomain, find
from .states import state_text

_ACTS: Final[Mapping[PowerAction, Callable[[VirDomain], object]]] = {
    PowerAction.START: lambda domain: domain.create(),
    PowerAction.SHUTDOWN: lambda domain: domain.shutdown(),
    PowerAction.REBOOT: lambda domain: domain.reboot(),
    PowerAction.RESET: lambda domain: domain.reset(),
    PowerAction.OFF: lambda domain: domain.destroy(),
}

_BY_THE_GUEST: Final = (PowerAction.SHUTDOWN, PowerAction.REBOOT)
_ENDING: Final = (PowerAction.SHUTDOWN, PowerAction.OFF)
_MIGRATED: Final = (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED)

_DENIED: Final = (
    libvirt.VIR_ERR_OPERATION_DENIED,
    libvirt.VIR_ERR_ACCESS_DENIED,
    libvirt.VIR_ERR_AUTH_FAILED,
    libvirt.VIR_ERR_AUTH_UNAVAILABLE,
    libvirt.VIR_ERR_AUTH_CANCELLED,
)
_UNSUPPORTED: Final = (
    libvirt.VIR_ERR_NO_SUPPORT,
    libvirt.VIR_ERR_CONFIG_UNSUPPORTED,
    libvirt.VIR_ERR_OPERATION_UNSUPPORTED,
    libvirt.VIR_ERR_ARGUMENT_UNSUPPORTED,
)


def act(connection: VirConnect, vm: str, action: PowerAction, by_id: bool = True) -> bool:
    """Do something to a domain's power, once; returns whether it is done already.

    Raises:
        VMNotFound, PowerStateUnfit, PowerUnsupported, PowerDenied, BackendError: see ``IPower``.
        libvirtError: the domain could not be looked up; nothing was done.
    """
    domain = find(connection, vm, by_id)
    _check(domain, action)
    try:
        _ACTS[action](domain)
    except libvirt.libvirtError as e:
        raise _meaning(e, domain) from e
    return action not in _BY_THE_GUEST


def is_off(connection: VirConnect, vm: str, by_id: bool = True) -> bool:
    """Return whether a domain is inactive and would be started here.

    Raises:
        VMNotFound: this libvirt has no such domain.
        libvirtError: libvirt failed in another way.
    """
    domain = find(connection, vm, by_id)
    return not domain.isActive() and tuple(domain.state()) != _MIGRATED


def _check(domain: VirDomain, action: PowerAction) -> None:
    """Refuse what does not fit; libvirt decides once more.

    A domain that was migrated away may be defined here still, and start a second time. One that is
    not persistent ceases to exist when it is off.
    """
    active = bool(domain.isActive())
    starts = action is PowerAction.START
    if active is starts or (starts and tuple(domain.state()) == _MIGRATED):
        raise PowerStateUnfit(state_text(*domain.state()))
    if action in _ENDING and not domain.isPersistent():
        raise PowerUnsupported(
            "the domain is transient: libvirt forgets it when it is off",
            public="The virtual machine cannot be switched off: it exists only while it runs.",
        )


def _meaning(error: libvirt.libvirtError, domain: VirDomain) -> VNCProxyError:
    code = error.get_error_code()
    if code == libvirt.VIR_ERR_NO_DOMAIN:
        return VMNotFound(str(error))
    if code == libvirt.VIR_ERR_OPERATION_INVALID:
        return PowerStateUnfit(_state_now(domain), str(error))
    if code in _UNSUPPORTED:
        return PowerUnsupported(str(error))
    if code in _DENIED:
        return PowerDenied(f"libvirt does not allow it to the proxy's user: {error}")
    return BackendError(str(error), public="The hypervisor could not do that.")


def _state_now(domain: VirDomain) -> str:
    try:
        return state_text(*domain.state())
    except libvirt.libvirtError:
        return "in another state"
