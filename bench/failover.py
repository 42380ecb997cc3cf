"""Measures how long no console opens when the primary of Redis is replaced.

    python -m bench.failover [--rounds 5] [--wait-replicas 1]

Two proxies with 100 live sessions, 50 openings a second, three sentinels that take a server for
down after a second, two replicas. Each round kills the primary, stops it, and asks for a failover.
"""

from __future__ import annotations

import argparse
import statistics
import time
from collections.abc import Callable

from tests.components.failover_world import FailoverWorld, is_lost, is_outage, wait
from tests.components.redis_sentinels import MASTER
from tests.components.redis_server import RedisServer

SESSIONS, RATE = 100, 50.0


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--wait-replicas", type=int, default=0)
    arguments = parser.parse_args()
    more = f"wait_replicas = {arguments.wait_replicas}"
    world = FailoverWorld(SESSIONS, RATE, more)
    try:
        for name, fail in (("killed", _kill), ("stopped", _stop), ("asked for", _ask)):
            print(_line(name, [_measure(world, fail) for _ in range(arguments.rounds)]))
    finally:
        world.close()


def _measure(
    world: FailoverWorld, fail: Callable[[FailoverWorld, RedisServer], Callable[[], object]]
) -> tuple[float, int, int]:
    """Return seconds without a console, users who were asked to try again, and lost tokens."""
    old = world.redis.primary()
    began = time.monotonic()
    mend = fail(world, old)
    wait(lambda: world.redis.primary() is not old, "no failover")
    seconds, refused = world.recovery(began)
    wrong = [each for each in refused if not is_outage(each) and not is_lost(each)]
    assert not wrong, wrong
    lost = sum(map(is_lost, refused))
    world.type_everywhere()
    mend()
    wait(lambda: old.cli("role").startswith("slave"), "the old primary is no replica")
    world.wait_for_replicas(2)
    time.sleep(3)
    return (seconds if refused else 0.0), len(refused) - lost, lost


def _kill(world: FailoverWorld, old: RedisServer) -> Callable[[], object]:
    old.kill()
    return old.start


def _stop(world: FailoverWorld, old: RedisServer) -> Callable[[], object]:
    old.pause()
    return old.resume


def _ask(world: FailoverWorld, old: RedisServer) -> Callable[[], object]:
    world.redis.sentinels[0].cli("sentinel", "failover", MASTER)
    return lambda: None


def _line(name: str, measured: list[tuple[float, int, int]]) -> str:
    seconds, refused, lost = zip(*measured, strict=True)
    return (
        f"{name:<10} no console for {statistics.median(seconds):.1f} s (at most "
        f"{max(seconds):.1f} s), {statistics.median(refused):g} users asked to try again, "
        f"{statistics.median(lost):g} new tokens lost (at most {max(lost)})"
    )


if __name__ == "__main__":
    main()
