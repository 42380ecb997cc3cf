"""The states of a vSphere machine, as they complete "The virtual machine is …"."""

from __future__ import annotations

RUNNING = "running"

_POWER = {"poweredOn": RUNNING, "poweredOff": "powered off", "suspended": "suspended"}

_CONNECTION = {
    "connected": "",
    "disconnected": "on a host that vCenter has no connection to",
    "orphaned": "known to vCenter, and on no host any more",
    "inaccessible": "without access to its files",
    "invalid": "configured in a way that its host does not understand",
}


def state_text(power: str, connection: str = "connected") -> str:
    """Return a power state and a connection state as text; a broken connection takes precedence."""
    broken = _CONNECTION.get(connection, f"in the unknown connection state {connection}")
    return broken or _POWER.get(power, f"in the unknown power state {power}")
