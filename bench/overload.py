"""What is left of the work when more users come than can be served.

    python -m bench.overload [--rates 0.5,1,1.5,2,3] [--seconds 10] [--share 0.3] [--capacity N]

Users come at random moments, whatever becomes of those before them, each with a single-use token in
a real Redis; each console is opened up to its picture and left, and one that takes longer than
``PATIENCE`` does not count. The capacity is measured first: consoles per second that clients open
one after the other. With ``--share`` the proxy has only that much of a core, so that it is what is
slow even on a small machine; without, it has a core of its own.
"""

from __future__ import annotations

import argparse
import time

from . import metrics
from .arrivals import Outcome, arrive
from .cores import pinned
from .measure import Apart, percentile
from .peers import PEERS, Peer
from .quota import limited
from .world import World

WARM_UP = 2.0
"""Seconds at the beginning, and ``PATIENCE`` at the end, that are not counted."""


def main() -> None:
    arguments = _arguments()
    world = World(scheduling=False)
    peer = PEERS["ws"]["ours"](world, "ws")
    try:
        peer.start()
        assert peer.tree.pid is not None
        share = arguments.share
        with limited([peer.tree.pid], share) if share else pinned(peer):
            _measure(peer, arguments)
    finally:
        peer.stop()
        world.stop()


def _measure(peer: Peer, arguments: argparse.Namespace) -> None:
    metrics.SESSIONS = 1000
    capacity = arguments.capacity or max(metrics.opened(peer)["per_s"] for _ in range(3))
    print(f"capacity: {capacity:.0f} consoles per second")
    print("offered/s  shown/s  of capacity  p50 ms  p99 ms  CPU  others")
    for share in arguments.rates:
        rate = share * capacity
        count = int(rate * arguments.seconds)
        cpu, start = peer.tree.settle(), time.monotonic()
        outcome: Outcome = Apart(arrive, peer.doors("probe", count), rate, 7).result(120)
        cpu, seconds = peer.tree.cpu() - cpu, time.monotonic() - start
        print(_line(rate, outcome, arguments.seconds, capacity, cpu / seconds), flush=True)


def _line(rate: float, outcome: Outcome, seconds: float, capacity: float, cpu: float) -> str:
    shown, took = outcome.goodput(WARM_UP, seconds), outcome.seconds() or [0.0]
    others = ", ".join(f"{count} {told}" for told, count in outcome.failed.most_common())
    late = f"  (client {outcome.late:.1f} s late)" if outcome.late > 0.5 else ""
    return (
        f"{rate:9.0f} {shown:8.0f} {shown / capacity:12.2f} "
        f"{percentile(took, 0.5) * 1e3:7.0f} {percentile(took, 0.99) * 1e3:7.0f} "
        f"{cpu:4.2f}  {others or '-'}{late}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.overload", description=__doc__)
    parser.add_argument("--rates", type=_numbers, default="0.5,1,1.5,2,3", help="of the capacity")
    parser.add_argument("--seconds", type=float, default=10.0, help="for each rate")
    parser.add_argument("--capacity", type=float, default=0.0, help="instead of measuring it")
    parser.add_argument("--share", type=float, default=0.0, help="of a core, for the proxy")
    return parser.parse_args()


def _numbers(text: str) -> list[float]:
    return [float(number) for number in text.split(",")]


if __name__ == "__main__":
    main()
