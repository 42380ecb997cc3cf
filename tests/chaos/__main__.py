"""Ten minutes of faults: ``python -m tests.chaos --seed 7 --seconds 600 --users 200``."""

from __future__ import annotations

import argparse
import os
import sys
import time
from pathlib import Path
from typing import Any

from twisted.internet.task import react
from twisted.internet.threads import deferToThread

from . import faults, network
from .course import SOON, Course
from .world import World

_OWN_NAMESPACE = "CHAOS_NETWORK"


def main() -> None:
    """Parse the command line, and run in a network namespace of its own."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seed", type=int, default=int(time.time()))
    parser.add_argument("--seconds", type=float, default=600)
    parser.add_argument("--users", type=int, default=200)
    parser.add_argument("--browsers", type=int, default=3)
    parser.add_argument("--pause", type=float, default=1.0, help="seconds between keystrokes")
    parser.add_argument("--only", action="append", help="the name of a fault; repeatable")
    parser.add_argument("--keep", type=Path, help="a new folder for all logs and audits")
    options = parser.parse_args()
    if options.keep is not None and options.keep.exists():
        parser.error(f"--keep {options.keep}: there is such a folder already")
    if _OWN_NAMESPACE not in os.environ:
        command = [sys.executable, "-m", "tests.chaos", *sys.argv[1:], f"--seed={options.seed}"]
        words = ["unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh", *command]
        os.execvpe(words[0], words, {**os.environ, _OWN_NAMESPACE: "own"})
    react(lambda reactor: deferToThread(_run, reactor, options))


def _run(reactor: Any, options: argparse.Namespace) -> None:
    print(f"seed {options.seed}", flush=True)
    network.prepare()
    world = World(reactor, options.seed, options.users, options.pause)
    try:
        world.start()
        complaints, course = _go_through(world, options)
    finally:
        if options.keep:
            world.keep_logs(options.keep)
        world.stop()
    late = sum(seconds > SOON for seconds in course.back)
    print(
        f"{len(course.back)} faults, pages back after {max(course.back):.1f} s at most, "
        f"{late} times later than {SOON:g} s; slowest answer "
        f"{max(user.slowest for user in world.users):.1f} s; seed {options.seed}"
    )
    for complaint in complaints:
        print(f"WRONG {complaint}")
    if complaints:
        raise SystemExit(1)


def _go_through(world: World, options: argparse.Namespace) -> tuple[list[str], Course]:
    course = Course(world)
    course.begin(options.browsers)
    known = [each for each in faults.ALL if not options.only or each.__name__ in options.only]
    ends_at = time.monotonic() + options.seconds
    order: list[faults.Make] = []
    while time.monotonic() < ends_at:
        if not order:
            order = world.random.sample(known, len(known))
        makes = [order.pop()]
        if order and (makes[0], order[-1]) in faults.AT_A_TIME:
            makes.append(order.pop())
        course.run(makes, world.random.uniform(1, 6))
    return course.finish(), course


if __name__ == "__main__":
    main()
