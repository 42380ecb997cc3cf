"""The states of a node, as they complete "The virtual machine is …"."""

from __future__ import annotations

STARTING = "starting its console"

_POWER = {
    "power on": "running",
    "power off": "powered off",
    "rebooting": "rebooting",
    "error": "in an unknown power state",
}


def state_text(power: str | None) -> str:
    """Return a power state as text; Ironic has none of a node that it does not manage yet."""
    if not power:
        return "in an unknown power state"
    return _POWER.get(power, f"in the power state {power}")
