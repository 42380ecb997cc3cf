"""The backends: each package here locates the consoles of one kind of hypervisor or cloud.

A backend is found by name among the entry points of the group ``vncproxy.backends``, those of third
parties included. The packages have the same modules inside, as far as a kind needs them: `backend`,
`settings`, `connection`, `machines`, `console`, `states`, `errors`, `probe`.

- `construction`: makes backends.
- `static`: consoles that are written down.
- `libvirt`: QEMU and KVM machines.
- `xen`: pools of XenServer or XCP-ng.
- `vmware`: vCenter and ESXi.
- `ironic`: bare metal nodes of OpenStack's Ironic.
- `opennebula`: OpenNebula, hybrid hosts included.
- `zone`: another zone, ``[zones.NAME]``.
- `reachability`: many addresses dialled at once, for probes.
- `probed`: what a probe finds.
- `local_ports`: which TCP ports are listened on here.
- `task_result`: waits for tasks of a hypervisor's API.
- `time_limits`, `uuids`: how time limits are divided, and UUIDs as names of machines.
- `tls_context`: TLS towards hypervisors' APIs, for blocking SDKs.
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import entry_points
from typing import cast

from ..errors import ConfigurationError
from ..interfaces import BackendClass
from .construction import make, new_context

__all__ = ["GROUP", "find", "make", "names", "new_context"]

GROUP = "vncproxy.backends"


@cache  # all installed packages are searched, and a configuration asks for each of its tables
def find(kind: str) -> BackendClass:
    """Return the backend class registered under a name.

    Args:
        kind: the ``type`` of a ``[backends.NAME]`` table, such as ``libvirt``.

    Raises:
        ConfigurationError: no such backend is installed, or its SDK is missing.
    """
    found = entry_points(group=GROUP, name=kind)
    if not found:
        raise ConfigurationError(f"no backend {kind!r}; installed are {', '.join(names())}")
    try:
        return cast("BackendClass", next(iter(found)).load())
    except ImportError as e:
        raise ConfigurationError(f"backend {kind!r} cannot be loaded: {e}") from e


def names() -> list[str]:
    """Return the names of all installed backends, sorted."""
    return sorted({point.name for point in entry_points(group=GROUP)})
