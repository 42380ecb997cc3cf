"""Starts, stops and resets machines by ``one.vm.action``, which OpenNebula carries out later.

The daemon of the machine's own zone is asked, for those on hybrid hosts and in a vCenter, too: it
keeps their state. Everything here blocks; it is called in a thread.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Final

from ...errors import BackendError, PowerDenied, PowerStateUnfit, PowerUnsupported
from ...model import PowerAction
from .cloud import Cloud
from .connection import PostFunction
from .errors import AccessDenied, Unanswered, WrongState
from .federation import cloud_of_machine
from .machines import Machine
from .states import ACTIVE, state_text

_VERBS: Final[Mapping[PowerAction, str]] = {
    PowerAction.START: "resume",
    PowerAction.SHUTDOWN: "poweroff",
    PowerAction.REBOOT: "reboot",
    PowerAction.RESET: "reboot-hard",
    PowerAction.OFF: "poweroff-hard",
}

_OFF: Final = frozenset({4, 5, 8, 9})
"""STOPPED, SUSPENDED, POWEROFF and UNDEPLOYED, from which ``resume`` leads to a running machine."""


def act(
    cloud: Cloud, end: float, vm: str, action: PowerAction, post: PostFunction | None = None
) -> bool:
    """Ask for an action, once; returns False, since OpenNebula does it later.

    Raises:
        VMNotFound, PowerStateUnfit, PowerDenied, PowerUnsupported, BackendError: see ``IPower``.
    """
    there, name = _place(cloud, end, vm, post)
    machine = there.find(end, name)
    _check(machine, action)
    server, seconds = _answering(there, end, machine)
    try:
        there.front_end.call_at(server, seconds, "vm.action", _VERBS[action], machine.id)
    except AccessDenied as e:
        raise PowerDenied(f"{e.detail}; it needs the right to MANAGE the machine") from e
    except WrongState as e:
        raise PowerStateUnfit(state_text(machine.state, machine.lcm_state), e.detail) from e
    except Unanswered as e:
        raise BackendError(f"not known whether it was done: {e.detail}") from e
    return False


def is_off(cloud: Cloud, end: float, vm: str, post: PostFunction | None = None) -> bool:
    """Return whether a machine is off, and ``resume`` starts it.

    Raises:
        VMNotFound, BackendError: see ``IPower``.
    """
    there, name = _place(cloud, end, vm, post)
    return there.find(end, name).state in _OFF


def _place(cloud: Cloud, end: float, vm: str, post: PostFunction | None) -> tuple[Cloud, str]:
    found = cloud_of_machine(cloud, end, vm, post)
    if found is None:
        raise PowerUnsupported("its console is shown by another zone's proxy, which is not asked")
    return found


def _check(machine: Machine, action: PowerAction) -> None:
    fits = machine.state in _OFF if action is PowerAction.START else machine.state == ACTIVE
    if not fits:
        raise PowerStateUnfit(state_text(machine.state, machine.lcm_state))


def _answering(cloud: Cloud, end: float, machine: Machine) -> tuple[str, float]:
    """Return a server that answers; an action is sent to one alone, since it must not be repeated.

    Raises:
        BackendError: none does.
    """
    problems = []
    for tried, server in enumerate(cloud.front_end.servers):
        seconds = (end - time.monotonic()) / (len(cloud.front_end.servers) - tried + 1)
        try:
            cloud.front_end.call_at(server, max(0.1, seconds), "vm.info", machine.id, True)
        except Unanswered as e:
            problems.append(f"{server}: {e.detail}")
        else:
            return server, max(0.1, end - time.monotonic())
    raise BackendError("; ".join(problems))
