"""The host on which a machine is, as the cloud or the hypervisor has it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MachineHost:
    """The host on which a machine is.

    Attributes:
        names: of the host, such as its name in the cloud and its address, and of the groups that
            it belongs to, such as a cluster.
        runs: whether the machine is on there, so that it shows its console there.
        uuid: of the machine; empty where it has none, or it is not known.
    """

    names: tuple[str, ...]
    runs: bool
    uuid: str = ""

    def is_among(self, hosts: Iterable[str]) -> bool:
        """Tell whether it is one of some hosts, by any of its names."""
        return not set(map(normal_host_name, self.names)).isdisjoint(map(normal_host_name, hosts))


def normal_host_name(name: str) -> str:
    """Return a host's name as it is compared: in lower case, without a dot at its end."""
    return name.strip().rstrip(".").casefold()
