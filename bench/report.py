"""Puts a run's figures into docs/performance.md: ``python -m bench.report RESULTS.json``.

The text there is written by hand; what stands between ``<!-- begin NAME -->`` and ``<!-- end NAME
-->`` is replaced, and the charts in docs/img are drawn anew.
"""

from __future__ import annotations

import argparse
import json
import re
from collections.abc import Iterator
from pathlib import Path

from .chart import Bar, chart
from .goals import summary
from .metrics import METRICS
from .table import Results, flaws, ratio, spread, value

DOCS = Path(__file__).parent.parent / "docs"
UNITS = {
    "cpu_s_per_gb": ("CPU s/GB", 3),
    "load_cpu_s_per_gb": ("load: CPU s/GB", 3),
    "mb_per_s": ("MB/s", 0),
    "load_mb_per_s": ("load: MB/s", 0),
    "cpu_us": ("CPU µs each", 1),
    "reads": ("reads each", 3),
    "p50_us": ("p50 µs", 0),
    "p99_us": ("p99 µs", 0),
    "per_s": ("sessions/s", 0),
    "kib": ("KiB each", 2),
    "empty_mib": ("empty, MiB", 1),
    "peak_mib": ("peak, MiB", 1),
    "sessions": ("sessions", 0),
}
CHARTS = {
    "bulk": ("Bulk to the browser", "cpu_s_per_gb"),
    "updates1500": ("Updates of 1.5 KB", "cpu_us"),
    "updates32k": ("Updates of 32 KB", "cpu_us"),
    "events": ("Pointer events of 6 bytes", "cpu_us"),
    "rtt": ("Round trip on a quiet proxy", "p50_us"),
    "typist": ("A typist beside 20 sessions that blast", "p99_us"),
    "opened": ("A session opened and closed", "cpu_us"),
    "idle": ("An idle session", "kib"),
    "wss": ("Bulk over wss", "cpu_s_per_gb"),
    "xvp": ("Bulk to a TCP viewer", "cpu_s_per_gb"),
}
LOGARITHMIC = {"typist", "idle"}


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.report", description=__doc__)
    parser.add_argument("results", nargs="+", type=Path, help="later files add their metrics")
    parser.add_argument("--docs", type=Path, default=DOCS)
    arguments = parser.parse_args()
    results = _merged(arguments.results)
    page = arguments.docs / "performance.md"
    page.write_text(fill(page.read_text(), results))
    images = arguments.docs / "img"
    images.mkdir(exist_ok=True)
    for metric, drawing in charts(results):
        (images / f"bench-{metric}.svg").write_text(drawing)


def fill(text: str, results: Results) -> str:
    """Return the page with every marked part replaced that there are figures for."""

    def replaced(found: re.Match[str]) -> str:
        content = _content(found[1], results)
        return (
            f"<!-- begin {found[1]} -->\n{content}\n<!-- end {found[1]} -->"
            if content
            else found[0]
        )

    return re.sub(r"<!-- begin (\S+) -->.*?<!-- end \1 -->", replaced, text, flags=re.S)


def charts(results: Results) -> Iterator[tuple[str, str]]:
    """Yield metric and drawing of each chart."""
    for metric, (title, figure) in CHARTS.items():
        bars = [
            Bar(peer, found, *spread(results, metric, peer, figure))
            for peer in results["figures"].get(metric, {})
            if (found := value(results, metric, peer, figure))
        ]
        if bars:
            yield metric, chart(title, UNITS[figure][0], bars, log=metric in LOGARITHMIC)


def table(results: Results, metric: str) -> str:
    """Return a metric's medians as a Markdown table, with our ratios to the references."""
    peers = results["figures"].get(metric)
    if not peers:
        return ""
    figures = list(next(iter(next(iter(peers.values())).values())))
    lines = [
        "| | " + " | ".join(UNITS[figure][0] for figure in figures) + " | ours / this | |",
        "|---" * (len(figures) + 3) + "|",
    ]
    for peer in peers:
        cells = [_cell(results, metric, peer, figure) for figure in figures]
        share = ratio(results, metric, "ours", peer, figures[0]) if peer != "ours" else None
        flaw = flaws(results, METRICS[metric].kind, metric, peer)
        cells += [f"{share:.2f}" if share else "", flaw]
        lines.append(f"| {peer} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _cell(results: Results, metric: str, peer: str, figure: str) -> str:
    found = value(results, metric, peer, figure)
    if not found:
        return "-"
    return f"{found:,.{UNITS[figure][1]}f}"


def _content(name: str, results: Results) -> str:
    if name == "about":
        return _about(results)
    return summary(results) if name == "goals" else table(results, name)


def _about(results: Results) -> str:
    about = results["about"]
    versions = ", ".join(f"{name} {number}" for name, number in about["versions"].items())
    scheduling = (
        "the load gives way and the typist goes first" if about["scheduling"] else "as it is"
    )
    wrong = {name: found for name, found in results["integrity"].items() if found != "ok"}
    lines = [
        f"`{about['command'].strip()}` on {about['date']} UTC, commit `{about['commit']}`: "
        f"{about['repetitions']} repetitions on {about['cores']} cores (Linux {about['kernel']}), "
        f"load before the run {about['load_before']:.2f}, scheduling: {scheduling}. {versions}.",
        "",
        f"Integrity: {len(results['integrity']) - len(wrong)} of {len(results['integrity'])} doors "
        "were right in every byte, ping and fragment"
        + "".join(f"; {name} not: {found}" for name, found in wrong.items())
        + ".",
    ]
    lines += [f"Not measured: {name}, {why}." for name, why in results["skipped"].items()]
    return "\n".join(lines)


def _merged(files: list[Path]) -> Results:
    results: Results = json.loads(files[0].read_text())
    for file in files[1:]:
        more = json.loads(file.read_text())
        for part in ("figures", "integrity", "failed"):
            results[part].update(more[part])
    return results


if __name__ == "__main__":
    main()
