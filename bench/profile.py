"""Flame graphs of the proxy at work, into bench/results: ``python -m bench.profile``.

With ``--shares``, tables of the parts that its time goes to, on standard output.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

from . import metrics, shares
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
    parser.add_argument("--shares", action="store_true", help="print which parts take the time")
    arguments = parser.parse_args()
    metrics.SECONDS = arguments.seconds
    RESULTS.mkdir(exist_ok=True)
    world = World()
    try:
        for name in arguments.metrics:
            file = _profile(world, name, arguments.seconds, arguments.shares)
            found = shares.table(shares.shares(file.read_text())) if arguments.shares else file
            print(f"{name}:\n\n{found}\n", flush=True)
    finally:
        world.stop()


def _profile(world: World, name: str, seconds: int, raw: bool) -> Path:
    """Measure again and again while the profiler looks; returns the file of what it saw."""
    metric, file = metrics.METRICS[name], RESULTS / f"profile-{name}.{'txt' if raw else 'svg'}"
    peer = Ours(world, metric.kind)
    peer.start()
    try:
        with subprocess.Popen(_profiler(peer.tree.pid, seconds, file, raw)) as profiler:
            while profiler.poll() is None:
                metric.measure(peer)
    finally:
        peer.stop()
    if profiler.returncode:
        raise SystemExit(f"py-spy ended with {profiler.returncode}")
    return file


def _profiler(pid: int | None, seconds: int, file: Path, raw: bool) -> list[str]:
    return [
        str(Path(sys.executable).with_name("py-spy")),
        *("record", "--pid", str(pid), "--duration", str(seconds), "--rate", str(RATE)),
        *("--output", str(file), "--format", "raw" if raw else "flamegraph"),
    ]


if __name__ == "__main__":
    main()
