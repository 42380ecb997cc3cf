"""What a second worker brings: consoles opened, and updates relayed, by 1 and by 2 workers.

    python -m bench.workers [--workers 1,2] [--seconds 5] [--sessions 64] [--share S] …

Both sides of the proxy, users and consoles, are one small process in C (``load.c``), compiled by
``gcc`` at the beginning, since clients in Python would cost more than the proxy. Users ask for the
next update when they have the last one, so the proxy is what is slow; one more user presses a key
every 20 ms, and is answered by the console.

All share the same cores, so users and consoles take a part of what a second worker could use:
``of others`` is their processor time, with Redis's, for each second of the proxy's. With it, N
workers on N cores can do at most ``possible`` times what one does: N / (1 + of others). With
``--share``, each worker has only that much of a core, and nothing competes with it.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import tempfile
from contextlib import nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.redis_server import RedisServer
from tests.components.workers import processes

from . import ours
from .measure import Tree
from .quota import limited

SOURCE = Path(__file__).with_name("load.c")
TOKENS_PER_SECOND = 6000
"""More consoles than any proxy opens."""

Figures = dict[str, float]


@dataclass(frozen=True)
class Parts:
    """The processes of one measurement."""

    gateway: Gateway
    redis: RedisServer
    console_port: int
    program: Path


def main() -> None:
    arguments = _arguments()
    folder = Path(tempfile.mkdtemp(prefix="load-"))
    program = folder / "load"
    subprocess.run(["gcc", "-O2", "-o", str(program), str(SOURCE)], check=True)
    try:
        _tell(arguments, _measure(arguments, program))
    finally:
        shutil.rmtree(folder)


def _measure(arguments: argparse.Namespace, program: Path) -> dict[int, dict[str, Figures]]:
    """Return the medians of all figures, by the number of workers and what was done."""
    found: dict[int, dict[str, list[Figures]]] = {n: {} for n in arguments.workers}
    for _ in range(arguments.repetitions):  # in turns: another load of the machine hits all
        for workers in arguments.workers:
            for mode, figures in _one(arguments, workers, program).items():
                found[workers].setdefault(mode, []).append(figures)
    return {
        workers: {mode: _medians(several) for mode, several in modes.items()}
        for workers, modes in found.items()
    }


def _medians(several: list[Figures]) -> Figures:
    return {name: statistics.median(each[name] for each in several) for name in several[0]}


def _one(arguments: argparse.Namespace, workers: int, program: Path) -> dict[str, Figures]:
    redis = RedisServer().start()
    port = free_port()
    gateway = ours.gateway(redis, "ws", {"load": port}, "")
    text = gateway.config.read_text()
    gateway.config.write_text(text.replace("[proxy]\n", f"[proxy]\nworkers = {workers}\n"))
    parts = Parts(gateway, redis, port, program)
    try:
        gateway.start()
        pids = [each.pid for each in processes(gateway.pid)] or [gateway.pid]
        with limited(pids, arguments.share) if arguments.share else nullcontext():
            return {mode: _run(parts, mode, arguments) for mode in ("open", "update")}
    finally:
        gateway.stop()
        redis.remove()


def _run(parts: Parts, mode: str, arguments: argparse.Namespace) -> Figures:
    count = int(arguments.seconds * TOKENS_PER_SECOND) if mode == "open" else 0
    tokens = ours.issue(parts.redis, "load", "novnc", count + arguments.sessions + 1)
    ports = str(parts.gateway.web_port), str(parts.console_port)
    parallel = str(min(32, arguments.sessions) if mode == "open" else arguments.sessions)
    words = [mode, parallel, str(arguments.seconds), str(arguments.size)]
    given = parts.program.with_name("tokens")
    given.write_text("\n".join([*tokens, ""]))
    with (
        given.open() as lines,
        subprocess.Popen(
            [str(parts.program), *ports, *words], stdin=lines, stdout=subprocess.PIPE, text=True
        ) as load,
    ):
        assert load.stdout is not None
        while load.stdout.readline() != "begin\n":
            if load.poll() is not None:
                raise RuntimeError(f"the load ended:\n{parts.gateway.log()[-2000:]}")
        proxy, redis = Tree(parts.gateway.pid), Tree(parts.redis.pid)
        before = proxy.cpu(), redis.cpu()
        told: dict[str, Any] = json.loads(load.stdout.readline())
        used, of_redis = proxy.cpu() - before[0], redis.cpu() - before[1]
    done = told["opened"] if mode == "open" else told["updates"]
    return {
        "per_s": done / told["seconds"],
        "cpu_us": used / max(done, 1) * 1e6,
        "cores": used / told["seconds"],
        "others": (told["cpu"] + of_redis) / used,
        "failed": told["failed"],
        "p50_ms": told["p50_ms"],
        "p99_ms": told["p99_ms"],
    }


def _tell(arguments: argparse.Namespace, found: dict[int, dict[str, Figures]]) -> None:
    print(f"{len(os.sched_getaffinity(0))} cores; medians of {arguments.repetitions}")
    for mode in ("open", "update"):
        first = found[arguments.workers[0]][mode]["per_s"]
        for workers, modes in found.items():
            figures = modes[mode]
            print(_line(mode, workers, figures, figures["per_s"] / first))


def _line(mode: str, workers: int, f: Figures, ratio: float) -> str:
    typist = f", typist {f['p50_ms']:.1f}/{f['p99_ms']:.1f} ms" if mode == "update" else ""
    return (
        f"{mode:7} {workers} workers: {f['per_s']:8.0f}/s  {ratio:4.2f} x "
        f"(possible {workers / (1 + f['others']):4.2f})  {f['cpu_us']:7.1f} us each, "
        f"{f['cores']:4.2f} cores, of others {f['others']:4.2f}, {f['failed']:.0f} failed{typist}"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.workers", description=__doc__)
    parser.add_argument("--workers", type=_numbers, default="1,2", help="how many, each in turn")
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    parser.add_argument("--sessions", type=int, default=64, help="users who get updates")
    parser.add_argument("--share", type=float, default=0.0, help="of a core, for each worker")
    parser.add_argument("--size", type=int, default=1500, help="bytes of an update")
    parser.add_argument("--repetitions", type=int, default=3)
    return parser.parse_args()


def _numbers(text: str) -> list[int]:
    return [int(number) for number in text.split(",")]


if __name__ == "__main__":
    main()
