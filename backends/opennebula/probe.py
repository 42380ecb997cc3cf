"""Checks a cloud for ``check-config``: consoles that cannot be reached.

Everything here blocks; it is called in a thread, through `Inquiry`.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from ...errors import BackendError, ConsoleError
from ...model import ConsoleEndpoint
from ..probed import Probed
from ..reachability import DIAL_TIME, Address, out_of_reach
from . import federation
from .cloud import Cloud
from .connection import PostFunction
from .console import console, placed
from .hybrid import describe
from .machines import Machine
from .vcenter import in_vsphere

_LOOKED_AT = 16
"""Machines whose documents are read, with a request for each."""

_SHARE = 0.5
"""The share of the remaining time for reading them."""


def probe(cloud: Cloud, end: float, post: PostFunction | None = None) -> Probed:
    """Return a line about the cloud, and dial one running machine's console on each host.

    Of other zones it says how their consoles are shown. Machines behind hybrid hosts are left out;
    of those in a vCenter, only the backend that shows them is looked up.

    Raises:
        BackendError: it does not answer, or refuses the account.
    """
    line = describe(cloud, end, post)
    zones, problems = federation.describe(cloud, end, post)
    return Probed("; ".join(filter(None, (line, zones))), (*problems, *_problems(cloud, end)))


def _problems(cloud: Cloud, end: float) -> Iterator[str]:
    dialled: dict[Address, str] = {}
    clusters, written = set[str](), set[str]()
    until = time.monotonic() + (end - time.monotonic()) * _SHARE
    for number in cloud.running(end)[:_LOOKED_AT]:
        if time.monotonic() > until:
            break
        try:
            found = _console(cloud, end, cloud.machine(end, number), clusters)
        except BackendError as e:
            yield e.detail
            continue
        except ConsoleError:
            continue
        if found and all(found.host != host for host, _ in dialled):
            dialled[found.host, found.port] = f"VM {number}"
            written |= {found.host} if found.allow_loopback else set()
    seconds = min(DIAL_TIME, max(0.1, end - time.monotonic()))
    for (host, port), why in out_of_reach(dialled, seconds, written).items():
        yield (
            f"the console of {dialled[host, port]} at {host}, port {port}, cannot be reached: {why}"
        )


def _console(
    cloud: Cloud, end: float, machine: Machine, clusters: set[str]
) -> ConsoleEndpoint | None:
    if machine.is_hybrid:
        return None
    placement = placed(machine)
    if machine.is_on_vcenter:
        # an error of one machine of a cluster holds for all of them
        if placement.host not in clusters:
            clusters.add(placement.host)
            in_vsphere(cloud, end, machine, placement)
        return None
    return console(machine, placement, cloud.network)
