"""One interleaved run: every repetition measures every peer, so a busy moment hits all alike."""

from __future__ import annotations

import os
import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from importlib.metadata import version
from typing import Any

from vncproxy.config.settings import Settings

from .cores import pinned
from .metrics import METRICS, Metric, verify
from .peers import PEERS, Peer
from .world import World

Results = dict[str, Any]
Tell = Callable[[str], None]


def run(
    metrics: list[str], peers: list[str], repetitions: int, world: World, tell: Tell
) -> Results:
    """Measure, and return everything that was found.

    Args:
        metrics: names out of ``METRICS``.
        peers: names out of ``PEERS``.
        tell: gets a line about each step.
    """
    with ExitStack() as stack:
        results: Results = {
            "about": _about(world, repetitions),
            "integrity": {},
            "skipped": {},
            "failed": {},
            "figures": {name: {} for name in metrics},
        }
        running = _Running(world, peers, results, tell, stack)
        for repetition in range(repetitions):
            for name in metrics:
                if repetition < METRICS[name].most:
                    _measure(name, running, results, repetition, tell)
        results["at_rest"] = running.at_rest()
        return results


class _Running:
    """The peers' processes; each is started and verified when it is first needed."""

    def __init__(
        self, world: World, names: list[str], results: Results, tell: Tell, stack: ExitStack
    ) -> None:
        self._world, self._names, self._results = world, names, results
        self._tell, self._stack = tell, stack
        self._peers: dict[tuple[str, str], Peer | None] = {}

    def of(self, metric: Metric) -> Iterator[tuple[str, Peer]]:
        """Yield the peers of a metric that can be measured."""
        for name, make in PEERS[metric.kind].items():
            if name not in self._names or name in metric.without:
                continue
            if (metric.kind, name) not in self._peers:
                self._peers[metric.kind, name] = self._start(metric.kind, name)
            peer = self._peers[metric.kind, name]
            if peer is None:
                continue
            if not metric.fresh:
                yield name, peer
                continue
            with _started(make(self._world, metric.kind)) as fresh:
                yield name, fresh

    def at_rest(self) -> dict[str, float]:
        """Return the share of a core that each peer uses with nothing to do, after all of it."""
        trees = {f"{kind}/{name}": peer.tree for (kind, name), peer in self._peers.items() if peer}
        before = {name: tree.settle(2) for name, tree in trees.items()}
        start = time.monotonic()
        time.sleep(2)
        seconds = time.monotonic() - start
        return {
            name: round((tree.cpu() - before[name]) / seconds, 4) for name, tree in trees.items()
        }

    def _start(self, kind: str, name: str) -> Peer | None:
        if name == "plain" and "relay" not in Settings.model_fields:
            self._skip(kind, name, "this version has one relay only: no setting [relay] fast")
            return None
        try:
            peer = self._stack.enter_context(_started(PEERS[kind][name](self._world, kind)))
        except (OSError, RuntimeError, subprocess.SubprocessError) as e:
            self._skip(kind, name, str(e))
            return None
        wrong = verify(peer)
        self._results["integrity"][f"{kind}/{name}"] = wrong or "ok"
        self._tell(f"{kind:4} {name:15} {'FAILS: ' + wrong if wrong else 'every byte is right'}")
        return peer

    def _skip(self, kind: str, name: str, why: str) -> None:
        self._results["skipped"][f"{kind}/{name}"] = why
        self._tell(f"{kind:4} {name:15} skipped: {why}")


@contextmanager
def _started(peer: Peer) -> Iterator[Peer]:
    peer.start()
    try:
        yield peer
    finally:
        with suppress(ProcessLookupError):
            peer.stop()


def _measure(name: str, running: _Running, results: Results, repetition: int, tell: Tell) -> None:
    for peer_name, peer in running.of(METRICS[name]):
        try:
            with pinned(peer) if METRICS[name].pinned and peer.world.pinning else nullcontext():
                figures = METRICS[name].measure(peer)
        except RuntimeError as e:
            tell(f"{name}: {peer_name} failed: {e}")
            results["failed"].setdefault(name, {})[peer_name] = str(e).splitlines()[0]
            continue
        results["figures"][name].setdefault(peer_name, {})[str(repetition)] = figures
        found = "  ".join(f"{key} {value:.4g}" for key, value in figures.items())
        tell(f"{repetition + 1}: {name:12} {peer_name:15} {found}")


def _about(world: World, repetitions: int) -> dict[str, Any]:
    return {
        "date": time.strftime("%Y-%m-%d %H:%M", time.gmtime()),
        "repetitions": repetitions,
        "scheduling": world.scheduling,
        "pinning": world.pinning,
        "cores": os.cpu_count(),
        "load_before": os.getloadavg()[0],
        "kernel": platform.release(),
        "commit": _output("git", "rev-parse", "--short", "HEAD"),
        "versions": {
            "Python": platform.python_version(),
            **{name: version(name) for name in ("Twisted", "autobahn", "websockify", "numpy")},
            "HAProxy": _output("haproxy", "-v").split()[2],
            "node": _output("node", "--version"),
        },
    }


def _output(*command: str) -> str:
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return "not - there"
