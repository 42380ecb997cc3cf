"""The power states of a Xen machine, as they complete "The virtual machine is …"."""

from __future__ import annotations

from typing import Final

RUNNING: Final = "running"

_STATES: Final = {
    "Running": RUNNING,
    "Halted": "shut off",
    "Paused": "paused",
    "Suspended": "suspended",
}


def state_text(power_state: str) -> str:
    """Return a ``vm_power_state`` as text."""
    return _STATES.get(power_state, f"in the unknown power state {power_state}")
