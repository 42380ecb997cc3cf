"""On which host of its own cloud a machine is.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

from ...errors import VMNotFound
from ...model import MachineHost
from .cloud import Cloud
from .federation import other_zone
from .states import DONE, has_screen


def host_of(cloud: Cloud, end: float, vm: str) -> MachineHost:
    """Return the host of a machine's last history record.

    None of a machine that never ran, or is of another zone of the federation.

    Args:
        end: when to give up, in seconds of the monotonic clock.
        vm: id or name.

    Raises:
        VMNotFound: there is none, or it was terminated.
        BackendError: OpenNebula failed, or refuses.
    """
    zone, own = other_zone(cloud, end, vm)
    if zone is not None:
        return MachineHost((), False)
    machine = cloud.find(end, own)
    if machine.state == DONE:
        raise VMNotFound(f"VM {machine.id} was terminated")
    names = (machine.placement.host,) if machine.placement else ()
    return MachineHost(names, bool(names) and has_screen(machine.state, machine.lcm_state))


def own_hosts(cloud: Cloud, end: float) -> list[str]:
    """Return the names of all hosts that the account can see."""
    return cloud.hosts(end)
