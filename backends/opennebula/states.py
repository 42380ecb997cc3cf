"""The states of an OpenNebula machine, as they complete "The virtual machine is …".

Numbers as in OpenNebula's ``VirtualMachine.h``: a state, and while that is ACTIVE, a state in the
life cycle manager (LCM).
"""

from __future__ import annotations

ACTIVE, DONE = 3, 6

WITH_SCREEN = frozenset({3, 4, 12, 13, 16, 17, 18, *range(24, 30), 57, 58, 59, 62, 66, 69})
"""The LCM states in which a hypervisor runs the machine, or may: the set in which Sunstone offered
a console, and the newer states of a running machine (59 DISK_SNAPSHOT_DELETE, 66 HOTPLUG_RESIZE,
69 BACKUP)."""

_STATES = {
    0: "being created",
    1: "waiting for a host",
    2: "on hold",
    4: "stopped",
    5: "suspended",
    DONE: "terminated",
    7: "stopped by an error",
    8: "powered off",
    9: "undeployed",
    10: "waiting for its disks to be cloned",
    11: "stopped by an error: its disks could not be cloned",
}

_LCM_STATES = {
    "starting": (0, 1, 2, 19, 20, 31, 32),
    "running": (3, 17, 24, 25, 26, 57, 58, 59, 62, 66, 69),
    "being migrated": (4, 7, 8, 35, 43, 45, 60),
    "being stopped": (5, 10),
    "being suspended": (6,),
    "being resumed": (9, 21, 22),
    "being terminated": (11, 13, 23),
    "being shut down": (12,),
    "stopped by an error": (14,),
    "being created again": (15,),
    "in a state that its host does not tell": (16,),
    "being powered off": (18,),
    "powered off, and a disk is being saved": (27,),
    "suspended, and a disk is being saved": (28,),
    "being undeployed": (29, 30),
    "powered off, and its devices are being changed": (33, 34, 63, 65),
    "stopped by an error: it could not be started": (36, 39, 47, 48, 50),
    "stopped by an error: it could not be migrated": (37, 38, 44, 46, 61),
    "stopped by an error: it could not be terminated": (40,),
    "stopped by an error: it could not be stopped": (41,),
    "stopped by an error: it could not be undeployed": (42,),
    "stopped by an error: it could not be resumed": (49,),
    "powered off, and its snapshots are being changed": (51, 52, 53),
    "suspended, and its snapshots are being changed": (54, 55, 56),
    "undeployed, and its disks are being changed": (64, 67),
    "stopped, and a disk is being saved": (68,),
    "powered off, and being backed up": (70,),
    "being restored from a backup": (71,),
}
_WORDS = {number: text for text, numbers in _LCM_STATES.items() for number in numbers}


def has_screen(state: int, lcm_state: int) -> bool:
    """Return whether a console may exist."""
    return state == ACTIVE and lcm_state in WITH_SCREEN


def state_text(state: int, lcm_state: int) -> str:
    """Return STATE and LCM_STATE as text; unknown ones by their number."""
    if state == ACTIVE:
        return _WORDS.get(lcm_state, f"active, in the unknown state {lcm_state}")
    return _STATES.get(state, f"in the unknown state {state}")
