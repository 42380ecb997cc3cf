"""What is to be reached, beside whom."""

from __future__ import annotations

from dataclasses import dataclass

from .table import Results, ratio, value

Bound = tuple[str, float]
"""A peer and the largest share of its figure; without a name, the largest figure itself."""


@dataclass(frozen=True)
class Goal:
    """One line of the summary: the figure of a metric, what must be met and what is aimed at."""

    title: str
    metric: str
    figure: str
    must: Bound
    aim: Bound


GOALS = (
    Goal("bulk, CPU per GB", "bulk", "cpu_s_per_gb", ("haproxy", 0.6), ("haproxy-1m", 1.1)),
    Goal("1.5 KB update, CPU", "updates1500", "cpu_us", ("websockify", 0.9), ("haproxy", 1.05)),
    Goal("32 KB update, CPU", "updates32k", "cpu_us", ("websockify", 1.0), ("haproxy", 1.05)),
    Goal("6-byte event, CPU", "events", "cpu_us", ("websockify", 0.9), ("haproxy", 1.05)),
    Goal("round trip, median", "rtt", "p50_us", ("haproxy", 1.15), ("haproxy", 1.05)),
    Goal("typist beside load, p99", "typist", "p99_us", ("haproxy", 0.1), ("direct", 1.2)),
    Goal("session opened, CPU", "opened", "cpu_us", ("websockify", 0.25), ("websockify", 0.12)),
    Goal("idle session, memory", "idle", "kib", ("", 12), ("", 3)),
    Goal("wss bulk, CPU per GB", "wss", "cpu_s_per_gb", ("websockify", 0.85), ("websockify", 0.65)),
    Goal(
        "raw TCP bulk, CPU per GB",
        "xvp",
        "cpu_s_per_gb",
        ("haproxy", 0.6),
        ("haproxy-splice", 1.05),
    ),
)


def summary(results: Results) -> str:
    """Return a Markdown table of all goals that were measured."""
    lines = ["| | here | must | aim |", "|---|---|---|---|"]
    for goal in GOALS:
        found = value(results, goal.metric, "ours", goal.figure)
        if found is not None:
            cells = (_cell(results, goal, bound) for bound in (goal.must, goal.aim))
            lines.append(
                f"| {goal.title} | {UNITS[goal.figure].format(found)} | {' | '.join(cells)} |"
            )
    return "\n".join(lines)


UNITS = {
    "cpu_s_per_gb": "{:.3f} s",
    "cpu_us": "{:.1f} µs",
    "p50_us": "{:.0f} µs",
    "p99_us": "{:.0f} µs",
    "kib": "{:.1f} KiB",
}


def _cell(results: Results, goal: Goal, bound: Bound) -> str:
    peer, most = bound
    found = (
        ratio(results, goal.metric, "ours", peer, goal.figure)
        if peer
        else value(results, goal.metric, "ours", goal.figure)
    )
    if found is None:
        return f"{peer} was not measured"
    mark = "reached" if found <= most else "**not reached**"
    named = f"{found:.2f} x {peer}, at most {most}" if peer else f"{found:.1f}, at most {most}"
    return f"{named}: {mark}"
