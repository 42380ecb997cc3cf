"""The command line: ``python -m bench`` measures, prints a table and writes JSON."""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path

from . import metrics, run, table
from .peers import PEERS
from .world import World

RESULTS = Path(__file__).parent / "results"


def main() -> None:
    arguments = _arguments()
    wanted = arguments.metrics or [
        name for name, metric in metrics.METRICS.items() if arguments.full or not metric.full
    ]
    if arguments.quick:
        metrics.SECONDS, metrics.UPDATES, metrics.TRIPS = 0.4, 1000, 1000
        metrics.UPLOAD, metrics.SESSIONS = 128 << 20, 100
    start = time.monotonic()
    repetitions = arguments.repetitions or (1 if arguments.quick else 5)
    world = World(scheduling=not arguments.no_sched, pinning=not arguments.no_pin)
    try:
        results = run.run(wanted, arguments.peers, repetitions, world, _tell)
    finally:
        world.stop()
    results["about"]["command"] = _command(arguments)
    results["about"]["seconds"] = round(time.monotonic() - start)
    RESULTS.mkdir(exist_ok=True)
    file = Path(arguments.output or RESULTS / time.strftime("%Y%m%d-%H%M%S.json"))
    file.write_text(json.dumps(results, indent=1))
    print(table.text(results))
    print(f"written to {file}")


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    names = {name: None for kinds in PEERS.values() for name in kinds}
    parser.add_argument("--metrics", type=_among(list(metrics.METRICS)), help="default: all")
    parser.add_argument("--peers", type=_among(list(names)), default=list(names))
    parser.add_argument("--repetitions", type=int, default=0, metavar="N", help="default: 5")
    parser.add_argument("--quick", action="store_true", help="one short repetition, to try it out")
    parser.add_argument("--full", action="store_true", help="9,000 idle and 1,000 stuck sessions")
    parser.add_argument("--no-sched", action="store_true", help="leave scheduling as it is")
    parser.add_argument("--no-pin", action="store_true", help="never give the proxy its own core")
    parser.add_argument("--output", help="the JSON file; default: one in bench/results")
    return parser.parse_args()


def _command(arguments: argparse.Namespace) -> str:
    """Return the command that makes the same run, wherever its results go."""
    words = sys.argv[1:]
    if arguments.output:
        words = [word for word in words if word not in ("--output", arguments.output)]
    return " ".join(["python -m bench", *words])


def _among(known: list[str]) -> Callable[[str], list[str]]:
    def parse(text: str) -> list[str]:
        names = text.split(",")
        if unknown := set(names) - set(known):
            raise argparse.ArgumentTypeError(f"{unknown.pop()}; there are {', '.join(known)}")
        return names

    return parse


if __name__ == "__main__":
    main()
