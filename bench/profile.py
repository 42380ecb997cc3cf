"""Flame graphs of the proxy at work: ``python -m bench.profile``, into bench/results."""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from . import metrics
from .peers import Ours
from .world import World

RESULTS = Path(__file__).parent / "results"
PROFILED = ("bulk", "updates1500", "events", "opened", "wss", "xvp")
RATE = 500
"""Samples per second."""


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.profile", description=__doc__)
    parser.add_argument("metrics", nargs="*", default=PROFILED, help=f"of {', '.join(PROFILED)}")
    parser.add_argument("--seconds", type=int, default=6)
    arguments = parser.parse_args()
    metrics.SECONDS = arguments.seconds
    RESULTS.mkdir(exist_ok=True)
    world = World()
    try:
        for name in arguments.metrics:
            print(f"{name}: {_profile(world, name, arguments.seconds)}", flush=True)
    finally:
        world.stop()


def _profile(world: World, name: str, seconds: int) -> Path:
    """Measure again and again while the profiler looks; returns the flame graph's file."""
    metric, graph = metrics.METRICS[name], RESULTS / f"profile-{name}.svg"
    peer = Ours(world, metric.kind)
    peer.start()
    try:
        with subprocess.Popen(_profiler(peer.tree.pid, seconds, graph)) as profiler:
            while profiler.poll() is None:
                metric.measure(peer)
    finally:
        peer.stop()
    if profiler.returncode:
        raise SystemExit(f"py-spy ended with {profiler.returncode}")
    return graph


def _profiler(pid: int | None, seconds: int, graph: Path) -> list[str]:
    return [
        str(Path(sys.executable).with_name("py-spy")),
        *("record", "--pid", str(pid), "--duration", str(seconds), "--rate", str(RATE)),
        *("--output", str(graph), "--format", "flamegraph"),
    ]


if __name__ == "__main__":
    main()
