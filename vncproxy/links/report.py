"""What ``check-config`` says about links: one is tried, or those of running proxies are counted."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from ..errors import ZoneNotConnected
from ..model import UnixTime
from ..zones.request import Act
from .control import Control
from .dialled import Line
from .dialler import OneProtocol
from .messages import Hello
from .neighbours import Alone, INeighbours
from .opening import since


async def report_dialled(line: Line, network: Any, time: Callable[[], UnixTime] = time.time) -> str:
    """Make a link for a moment.

    Raises:
        ZoneError: that does not work.
    """
    greeted: Deferred[Any] = Deferred()

    def settle(found: object) -> None:
        if not greeted.called:
            greeted.callback(found)

    control = Control(network, settle, settle)
    began = network.seconds()
    await line.dial(OneProtocol(control), Act.LINK)
    took, limit = network.seconds() - began, line.zone.timeout
    hello = await greeted.addTimeout(limit, network, lambda *_: "it says nothing")
    control.end("it was a test")
    if not isinstance(hello, Hello):
        zone = line.zone.name
        raise ZoneNotConnected(f"zone {zone} at {line.zone.place}: {hello}", zone=zone)
    ahead = hello.time - time()
    return (
        f"zone {hello.zone} can be dialled at {line.zone.place}: proxy {hello.proxy}, vncproxy "
        f"{hello.version}, a link in {took * 1000:.0f} ms, its clock is {abs(ahead):.1f} s "
        f"{'ahead' if ahead >= 0 else 'behind'}"
    )


async def report_dialling(zone: str, neighbours: INeighbours) -> str:
    """Count the links of a zone to all running proxies.

    Raises:
        ZoneNotConnected: there is none.
        StoreUnavailable: that is not known.
    """
    if type(neighbours) is Alone:
        return "dials this zone; GET /v1/proxies of the running proxy shows whether it has links"
    found = [
        (each.identity.name, each.links[zone])
        for each in await neighbours.workers()
        if zone in each.links and each.links[zone].dial == "them"
    ]
    counts = {name: 0 for name, _ in found}
    for name, state in found:
        counts[name] += state.count
    if not any(counts.values()):
        lost = [s.since for _, s in found if s.since is not None]
        detail = f"zone {zone} dials this one, and has no link to any running proxy{since(lost)}"
        raise ZoneNotConnected(detail, zone=zone)
    return "has links to " + ", ".join(f"{name} ({n})" for name, n in sorted(counts.items()))
