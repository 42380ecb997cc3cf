"""Medians and ratios out of a run's results, and the table that is printed."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median
from typing import Any

Results = dict[str, Any]

ENOUGH_READS = 0.98
"""Reads per paced message below which messages were merged, and the CPU time is no fair one."""

RESTLESS = 0.05
"""Share of a core that nobody may use with nothing to do."""


def value(results: Results, metric: str, peer: str, figure: str) -> float | None:
    """Return a figure's median over the repetitions; None when it was not measured."""
    found = [figures[figure] for figures in _repetitions(results, metric, peer).values()]
    return median(found) if found else None


def ratio(results: Results, metric: str, peer: str, other: str, figure: str) -> float | None:
    """Return the median of the ratios of each repetition."""
    ours, theirs = (_repetitions(results, metric, name) for name in (peer, other))
    found = [ours[n][figure] / theirs[n][figure] for n in ours.keys() & theirs if theirs[n][figure]]
    return median(found) if found else None


def spread(results: Results, metric: str, peer: str, figure: str) -> tuple[float, float]:
    """Return the least and the largest of the repetitions."""
    found = [figures[figure] for figures in _repetitions(results, metric, peer).values()]
    return min(found), max(found)


def flaws(results: Results, kind: str, metric: str, peer: str) -> str:
    """Return why a peer's figures do not count, or nothing."""
    wrong = results["integrity"].get(f"{kind}/{peer}", "ok")
    if wrong != "ok":
        return f"not right: {wrong}"
    if (share := results["at_rest"].get(f"{kind}/{peer}", 0)) > RESTLESS:
        return f"uses {share:.0%} of a core at rest after the run"
    if why := results["failed"].get(metric, {}).get(peer):
        return f"failed: {why}"
    found = _repetitions(results, metric, peer)
    if found and "reads" in next(iter(found.values())):
        reads = value(results, metric, peer, "reads") or 0
        if reads < ENOUGH_READS:
            return f"messages merged, {reads:.2f} reads each"
    return ""


def text(results: Results) -> str:
    """Return all medians as a table for a terminal."""
    return "\n".join(_lines(results))


def _lines(results: Results) -> Iterator[str]:
    from .metrics import METRICS

    for metric, peers in results["figures"].items():
        if not peers:
            continue
        figures = list(next(iter(next(iter(peers.values())).values())))
        yield ""
        yield f"{metric:16}" + "".join(f"{figure:>20}" for figure in figures) + "    ours/this"
        for peer in peers:
            cells = (value(results, metric, peer, figure) for figure in figures)
            line = f"  {peer:14}" + "".join(f"{cell:>20.4g}" for cell in cells if cell is not None)
            share = ratio(results, metric, "ours", peer, figures[0])
            line += f"{share:>12.2f}x" if share else " " * 13
            flaw = flaws(results, METRICS[metric].kind, metric, peer)
            yield line + (f"  ! {flaw}" if flaw else "")


def _repetitions(results: Results, metric: str, peer: str) -> dict[str, dict[str, float]]:
    found: dict[str, dict[str, float]] = results["figures"].get(metric, {}).get(peer, {})
    return found
