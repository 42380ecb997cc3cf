"""Where an ESXi host is dialled, since a name that vSphere has for it may mean another host here.

Configured addresses take precedence over those of vSphere, and loopback is dialled only where it is
configured.
"""

from __future__ import annotations

from dataclasses import dataclass

from ...addresses import NOT_DIALLED, is_dialable, is_own, meaning
from ...errors import BackendError
from .settings import VMwareSettings


@dataclass(frozen=True, slots=True)
class Place:
    """Where a host is dialled.

    Attributes:
        is_written: whether it is configured, so that it may be this machine's loopback.
    """

    host: str
    is_written: bool


def place(settings: VMwareSettings, is_single_host: bool, *names: str) -> Place:
    """Return where a host is dialled.

    Args:
        is_single_host: whether the API is that of the ESXi host itself, which often does not know
            under which name it can be reached.
        names: of the host in vSphere, the best first; empty ones are skipped.

    Raises:
        BackendError: it cannot be dialled, or is this machine itself; the detail says what to do.
    """
    told = [name for name in names if name]
    for name in told:
        if mapped := settings.mapped(name):
            return Place(mapped, True)
    if is_single_host or not told or told[0] == settings.host:
        return Place(settings.host, True)
    if is_own(told[0]):
        raise BackendError(
            f"vSphere names the host {told[0]!r}, which is {meaning(told[0])} and not dialled "
            f'blindly; write in addresses where it is: "{told[0]}" = "…"',
            public=NOT_DIALLED,
        )
    if not is_dialable(told[0]):
        raise BackendError(f"host {told[0]!r} cannot be dialled; map it in addresses")
    return Place(told[0], False)
