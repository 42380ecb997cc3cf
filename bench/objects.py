"""What an idle session keeps in the proxy's memory, by kind of object: ``python -m bench.objects``.

The proxy runs within this process, where its objects can be counted; its users run in another one.
"""

from __future__ import annotations

import gc
import sys
from collections import Counter

from twisted.internet.defer import Deferred
from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from vncproxy.tap import load, make_service

from . import crowd, ours
from .client import Door
from .measure import Apart
from .world import World

SESSIONS = 500
SHOWN = 15

Kinds = Counter[str]


def main() -> None:
    """Print what one session keeps: bytes, number, kind."""
    world = World(scheduling=False)
    try:
        react(lambda reactor: Deferred.fromCoroutine(_run(reactor, world)))
    finally:
        world.stop()


async def _run(reactor: object, world: World) -> None:
    targets = {name: fake.raw for name, fake in world.fakes.items()}
    gateway = ours.gateway(world.redis, "ws", targets, "")
    service = make_service(load(gateway.config), reactor)
    service.privilegedStartService()
    service.startService()
    warm = await _enter(world, gateway.web_port)
    before = _kinds()
    crowded = await _enter(world, gateway.web_port)
    _print(before, _kinds())
    for visitors in (warm, crowded):
        visitors.stop()
    await service.stopService()


async def _enter(world: World, port: int) -> Apart:
    tokens = ours.issue(world.redis, "load", "novnc", SESSIONS)
    doors = [Door(port, "ws", token) for token in tokens]
    crowded = Apart(crowd.stay, doors, "park")
    await deferToThread(crowded.hear, 60)
    return crowded


def _kinds() -> tuple[Kinds, Kinds]:
    """Count all objects, and their bytes; those that the collector does not track, too."""
    gc.collect()
    counts, sizes, seen = Kinds(), Kinds(), set()
    for thing in gc.get_objects():
        for one in (thing, *(r for r in gc.get_referents(thing) if not gc.is_tracked(r))):
            if id(one) not in seen:
                seen.add(id(one))
                kind = type(one).__qualname__
                counts[kind] += 1
                sizes[kind] += sys.getsizeof(one)
    return counts, sizes


def _print(before: tuple[Kinds, Kinds], after: tuple[Kinds, Kinds]) -> None:
    counts, sizes = (
        {kind: (now[kind] - then[kind]) / SESSIONS for kind in now}
        for then, now in zip(before, after, strict=True)
    )
    print("| kind | number | bytes |\n|---|---|---|")
    for kind, size in sorted(sizes.items(), key=lambda item: -item[1])[:SHOWN]:
        print(f"| {kind} | {counts[kind]:.1f} | {size:.0f} |")
    print(f"| all | | {sum(sizes.values()):.0f} |")


if __name__ == "__main__":
    main()
