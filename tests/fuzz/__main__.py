"""Runs many cases: ``python -m tests.fuzz --cases 1000000``."""

from __future__ import annotations

import argparse
import sys
import time

from tests.fuzz.surface import Fault, Surface


def main() -> int:
    """Run cases until there are enough, or one does what it may not."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--cases", type=int, default=1_000_000)
    parser.add_argument("--seed", type=int, default=int(time.time()))
    options = parser.parse_args()
    print(f"seed {options.seed}", flush=True)
    started = time.process_time()
    surface = Surface(options.seed)
    try:
        surface.run(options.cases)
    except Fault as e:
        print(f"with --seed {options.seed}: {e}")
        return 1
    print(f"{surface.cases} cases in {time.process_time() - started:.0f} s of processor time")
    return 0


if __name__ == "__main__":
    sys.exit(main())
