"""Which part of the proxy its time goes to, from the samples of a profiler.

A sample counts for the innermost frame that belongs to a part, so that what a part has the library
or the kernel do is its own.
"""

from __future__ import annotations

import re
from collections import Counter

PARTS = (
    ("audit lines", r"vncproxy/session/audit|twisted/logger"),
    ("Redis", r"txredisapi|vncproxy/redis|vncproxy/tokens"),
    ("WebSocket handshake (Autobahn)", r"autobahn|downstream/websocket"),
    ("HTTP (twisted.web)", r"twisted/web|vncproxy/downstream|protocols/basic"),
    ("RFB on both sides", r"vncproxy/(rfb|handshake|upstream/handshakes|relay/handshaking)"),
    ("connecting to the console", r"vncproxy/upstream|internet/endpoints|BaseClient|Connector"),
    ("epoll", r"_serve_until_due|doPoll"),
    ("send of handshakes and to Redis", r"send_at_once "),
    ("send of the relay", r"Pump\._send "),
    ("recv of the relay", r"Pump\._receive "),
    ("relay", r"vncproxy/relay"),
    ("session", r"vncproxy/"),
    ("sending through Twisted's transports", r"writeSomeData|doWrite|startWriting|stopWriting"),
    ("receiving through Twisted's transports", r"Connection\.doRead|Port\.doRead"),
)
"""Names of parts, and what their frames look like; the first one that fits counts."""

REST = "everything else of the reactor"
LEAST = 0.005
_WAITING = "_threadworker"

_PATTERNS = [(name, re.compile(pattern)) for name, pattern in PARTS]


def shares(samples: str) -> dict[str, float]:
    """Return the share of each part, the largest first.

    Args:
        samples: a line for each stack, its frames from the outermost on between semicolons, then
            a blank and how often it was seen.
    """
    counts: Counter[str] = Counter()
    for line in samples.splitlines():
        stack, _, count = line.rpartition(" ")
        if _WAITING not in stack:
            counts[_part(stack)] += int(count)
    total = counts.total()
    return {name: count / total for name, count in counts.most_common()}


def table(found: dict[str, float]) -> str:
    """Return a table for a Markdown page, without what is next to nothing."""
    rows = [f"| {name} | {share:.0%} |" for name, share in found.items() if share >= LEAST]
    return "\n".join(["| | CPU |", "|---|---|", *rows])


def _part(stack: str) -> str:
    for frame in reversed(stack.split(";")):
        for name, pattern in _PATTERNS:
            if pattern.search(frame):
                return name
    return REST
