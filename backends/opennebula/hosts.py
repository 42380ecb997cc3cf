"""On which host of its own cloud a machine is.

Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

from ...errors import VMNotFound
from ...model import MachineHost
from .cloud import Cloud
from .states import DONE, has_screen


def host_of(cloud: Cloud, end: float, vm: str) -> MachineHost:
    """Return the host of a machine's last history record; none of one that never ran.

    Args:
        end: when to give up, in seconds of the monotonic clock.
        vm: id or name.

    Raises:
        VMNotFound: there is none, or it was terminated.
        BackendError: OpenNebula failed, or refuses.
    """
    machine = cloud.find(end, vm)
    if machine.state == DONE:
        raise VMNotFound(f"VM {machine.id} was terminated")
    names = (machine.placement.host,) if machine.placement else ()
    return MachineHost(names, bool(names) and has_screen(machine.state, machine.lcm_state))


def own_hosts(cloud: Cloud, end: float) -> list[str]:
    """Return the names of all hosts that the account can see."""
    return cloud.hosts(end)
