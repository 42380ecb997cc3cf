"""Runs many cases: ``python -m tests.fuzz --cases 1000000``."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.filters import Filters
from tests.fuzz.surface import Fault, Surface
from tests.fuzz.viewers import Viewers


def main() -> int:
    """Run cases until there are enough, or one does what it may not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--only", choices=("proxy", "viewers", "filters"), help="default: all")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    started = time.process_time()
    runs: dict[str, type[Surface] | type[Filters]] = {
        "proxy": Surface,
        "viewers": Viewers,
        "filters": Filters,
    }
    for name in [options.only] if options.only else list(runs):
        run = runs[name](options.seed)
        try:
            run.run(options.cases)
        except Fault as e:
            print(f"with --only {name} --seed {options.seed}: {e}")
            return 1
        spent = time.process_time() - started
        print(f"{name}: {run.cases} cases, {spent:.0f} s of processor time so far", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
