"""Runs the suite with trial, independent parts side by side, and counts what really ran.

The last line is ``N passed, N failed, N skipped``; the exit status is 0 only if nothing failed.
Up to three modules of `tests.integration` that failed run again at the end, with nothing beside
them: their components have time limits of their own, which a busy machine exceeds. What they print
both times is shown, they are named at the end, and their second run counts.

    python tests/run.py [--coverage] [--lanes N] [MODULE ...]
"""

from __future__ import annotations

import argparse
import compileall
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
INTEGRATION = ROOT / "tests" / "integration"
MODULE_TIMEOUT = 900
"""Seconds after which one module's process is stopped and counted as failed."""

NEEDS_REGISTRIES = frozenset(
    f"tests.integration.{name}"
    for name in ("test_install", "test_web_install", "test_xapi_simulator")
)
"""Modules that install packages, for which loopback is not enough."""

SLOWEST = tuple(
    f"tests.{name}"
    for name in (
        "integration.test_rolling_restart",
        "integration.test_workers_reload",
        "integration.test_bridge",
        "integration.test_demo",
        "integration.test_workers",
        "integration.test_openstack_clients",
        "integration.test_host_peers",
        "integration.test_systemd",
        "integration.test_relay_contract",
        "integration.test_tokens_redis",
        "integration.test_migration",
        "integration.test_load_balancers",
        "integration.test_clocks",
        "integration.test_host_proxies",
        "integration.test_cluster",
        "integration.test_page_keys",
        "integration.test_redis_sentinel_proxies",
        "integration.test_twistd",
        "integration.test_keystone",
        "integration.test_nova",
        "integration.test_zones_across",
        "integration.test_libvirt",
        "integration.test_soak",
        "integration.test_many_connections",
        "integration.test_embedding",
        "integration.test_cli",
        "integration.test_server_streams",
        "integration.test_cluster_cut_off",
        "test_fuzz",
        "integration.test_zones_dialled",
        "integration.test_native_restrictions",
        "downstream",
        "integration.test_page",
        "integration.test_time_limits",
        "integration.test_audit",
        "integration.test_openapi",
        "integration.test_vmware",
        "integration.test_page_accessibility",
        "integration.test_page_firefox",
        "integration.test_page_moving",
        "integration.test_main_job",
        "integration.test_redis_failover",
        "integration.test_power",
        "integration.test_libvirt_gateway",
        "integration.test_secured_consoles",
        "integration.test_leases_of_processes",
        "integration.test_limits_of_proxies",
        "integration.test_redis_sentinel",
        "integration.test_portal_keys",
        "integration.test_chaos",
        "integration.test_workers_logs",
        "integration.test_page_ends",
        "integration.test_websockify_tokens",
        "integration.test_reload",
        "integration.test_signed_links",
        "integration.test_zones",
        "integration.test_xen",
        "integration.test_opennebula",
    )
)
"""Modules that take 25 s or more, the longest first: the last one is waited for."""

MOST_AGAIN = 3
"""Modules that run again; where more have failed, the cause is not the load."""

_ALONE = ("unshare", "--net", "sh", "-c", 'ip link set lo up && exec "$@"', "sh")
_SUMMARY = re.compile(r"^(PASSED|FAILED)(?: \((.*)\))?$", re.M)
_RAN = re.compile(r"^Ran (\d+) tests? in ", re.M)


@dataclass(frozen=True)
class Count:
    """How many tests ended in which way."""

    passed: int = 0
    failed: int = 0
    skipped: int = 0

    def __add__(self, other: Count) -> Count:
        return Count(
            self.passed + other.passed, self.failed + other.failed, self.skipped + other.skipped
        )

    def __str__(self) -> str:
        return f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped"


def count(output: str, status: int) -> Count:
    """Read trial's own summary; a run without one, or without tests, is one failure."""
    summaries = _SUMMARY.findall(output)
    ran = sum(map(int, _RAN.findall(output)))
    if not summaries or not ran:
        return Count(failed=1)
    numbers = dict(re.findall(r"(\w+)=(\d+)", summaries[-1][1]))
    failed = sum(
        int(numbers.get(word, 0)) for word in ("failures", "errors", "unexpectedSuccesses")
    )
    if status and not failed:
        failed = 1
    skipped = sum(int(numbers.get(word, 0)) for word in ("skips", "expectedFailures"))
    return Count(int(numbers.get("successes", 0)), failed, skipped)


@cache
def _may_be_alone() -> bool:
    return subprocess.run([*_ALONE, "true"], capture_output=True).returncode == 0


def _output(command: list[str]) -> tuple[str, int, float]:
    """Return what a command wrote, its status, and the seconds of CPU that it used.

    It writes to a file: a pipe would stay open for as long as a process that a test has left.
    The CPU is that of the process and of all its descendants that were waited for.
    """
    with tempfile.TemporaryFile() as file:
        process = subprocess.Popen(command, cwd=ROOT, stdout=file, stderr=subprocess.STDOUT)
        stop = threading.Timer(MODULE_TIMEOUT, process.kill)
        stop.start()
        _, status, usage = os.wait4(process.pid, 0)
        last = "" if stop.is_alive() else f"\nstopped after {MODULE_TIMEOUT} s"
        stop.cancel()
        file.seek(0)
        output = file.read().decode(errors="replace") + last
    return output, os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime


def run_module(module: str, coverage: bool) -> Count:
    """Run the tests of one module, or package, in a process of their own.

    Where this is permitted it has a network of its own too: its ports are free, and an interface
    that appears or disappears elsewhere does not make its browser abort requests.
    """
    alone = _ALONE if module not in NEEDS_REGISTRIES and _may_be_alone() else ()
    trial = ["-m", "coverage", "run", "-m"] if coverage else ["-m"]
    with tempfile.TemporaryDirectory(prefix="trial-") as folder:
        python = [*alone, sys.executable, *trial]
        command = [*python, "twisted.trial", f"--temp-directory={folder}/t", module]
        started = time.monotonic()
        output, status, cpu = _output(command)
    result = count(output, status)
    if result.failed:
        print(output)
    took = time.monotonic() - started
    print(f"{module}: {result} ({took:.1f} s, {cpu:.1f} s of CPU)", flush=True)
    return result


def lanes() -> int:
    """Return how many modules run side by side: tests wait more often than they compute."""
    return (os.cpu_count() or 1) + 3


def modules() -> list[str]:
    """Return everything there is: the slowest first, then integration, then the quick rest."""
    everything = _modules()
    return [*SLOWEST, *(each for each in everything if each not in SLOWEST)]


def _modules() -> list[str]:
    integration = sorted(INTEGRATION.glob("test_*.py"))
    others = sorted(
        path
        for path in (ROOT / "tests").iterdir()
        if path.stem.startswith("test_") or any(path.glob("test_*.py"))
    )
    return [
        *(f"tests.integration.{path.stem}" for path in integration),
        *(f"tests.{path.stem}" for path in others if path != INTEGRATION),
    ]


def compile_sources() -> None:
    """Write the bytecode of all modules, for each of the hundreds of processes that import them.

    It is read also where ``PYTHONDONTWRITEBYTECODE`` is set, as often in containers.
    """
    for folder in ("vncproxy", "backends", "tests"):
        compileall.compile_dir(ROOT / folder, quiet=1, workers=0)


def run_all(names: Sequence[str], lanes: int, run: Callable[[str], Count]) -> Count:
    """Run modules side by side, and some of those that failed again, one after the other."""
    with ThreadPoolExecutor(lanes) as pool:
        counts = dict(zip(names, pool.map(run, names), strict=True))
    failed = [name for name, result in counts.items() if result.failed]
    again = [name for name in failed if name.startswith("tests.integration.")]
    if again == failed and len(again) <= MOST_AGAIN:
        counts |= {name: run(name) for name in again}
        steady = {name: not counts[name].failed for name in again}
        for name, passed in steady.items():
            print(f"{name}: failed beside others, {'passed' if passed else 'failed'} alone")
    return sum(counts.values(), Count())


def main() -> int:
    """Run what was asked for, or everything."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("modules", nargs="*", metavar="MODULE")
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--lanes", type=int, default=lanes(), help="processes side by side")
    options = parser.parse_args()
    compile_sources()
    run = partial(run_module, coverage=options.coverage)
    total = run_all(options.modules or modules(), options.lanes, run)
    print(total)
    return 1 if total.failed or not total.passed else 0


if __name__ == "__main__":
    sys.exit(main())
