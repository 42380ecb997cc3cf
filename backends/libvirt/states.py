"""The states of a libvirt domain, as they complete "The virtual machine is …"."""

from __future__ import annotations

from dataclasses import dataclass

import libvirt

_STATES = {
    libvirt.VIR_DOMAIN_RUNNING: "running",
    libvirt.VIR_DOMAIN_BLOCKED: "running",
    libvirt.VIR_DOMAIN_PAUSED: "paused",
    libvirt.VIR_DOMAIN_SHUTDOWN: "being shut down",
    libvirt.VIR_DOMAIN_SHUTOFF: "shut off",
    libvirt.VIR_DOMAIN_CRASHED: "crashed",
    libvirt.VIR_DOMAIN_PMSUSPENDED: "suspended",
}

_REASONS = {
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION): "being migrated",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SAVE): "being saved",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_DUMP): "being dumped",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_IOERROR): "paused by an I/O error",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_WATCHDOG): "paused by its watchdog",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SHUTTING_DOWN): "being shut down",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_SNAPSHOT): "paused for a snapshot",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_CRASHED): "paused after a crash",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP): "starting",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY): "being migrated",
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY_FAILED): (
        "paused by a failed migration"
    ),
    (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_CRASHED): "shut off after a crash",
    (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED): "moved to another host",
    (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_SAVED): "saved to disk",
    (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_FAILED): (
        "shut off, it failed to start"
    ),
}

_MOVED_AWAY = (libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED)
_RUNNING = (libvirt.VIR_DOMAIN_RUNNING, libvirt.VIR_DOMAIN_BLOCKED)
_INACTIVE = (libvirt.VIR_DOMAIN_NOSTATE, libvirt.VIR_DOMAIN_SHUTOFF)
_IN_TRANSIT = (
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION),
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_POSTCOPY),
    (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP),
)


@dataclass(frozen=True, slots=True)
class DomainState:
    """The state of a domain on one host.

    Attributes:
        uuid: with dashes, lower case.
        name: unique on that host only.
        state: a ``virDomainState``.
        reason: why it is in this state.
    """

    uuid: str
    name: str
    state: int
    reason: int

    @property
    def rank(self) -> int:
        """How likely the domain runs on this host; 0 is the likeliest."""
        if self.state in _RUNNING:
            return 0
        if (self.state, self.reason) in _IN_TRANSIT:
            return 2
        return 3 if self.state in _INACTIVE else 1

    @property
    def is_showing(self) -> bool:
        """Whether the machine is on here, and not being migrated."""
        return self.rank < 2

    @property
    def moved_away(self) -> bool:
        """Whether the domain was migrated to another host, and only its definition is left."""
        return (self.state, self.reason) == _MOVED_AWAY

    @property
    def text(self) -> str:
        """The state, as it completes "The virtual machine is …"."""
        return state_text(self.state, self.reason)


def state_text(state: int, reason: int = 0) -> str:
    """Return a ``virDomainState`` and its reason as text."""
    return _REASONS.get((state, reason)) or _STATES.get(state, f"in the unknown state {state}")
