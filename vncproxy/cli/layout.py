"""How commands show data to people: aligned tables, sizes and durations."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from ..text import printable


def table(titles: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows under titles, in columns as wide as their widest cell."""
    lines = [titles, *([printable(cell) for cell in row] for row in rows)]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in lines
    )


def facts(pairs: Mapping[str, str]) -> str:
    """Return names and values, one pair a line, the values aligned."""
    width = max(map(len, pairs), default=0) + 1
    return "\n".join(f"{name + ':':<{width}} {printable(value)}" for name, value in pairs.items())


def size(count: int) -> str:
    """Return bytes as people read them: ``512 B``, ``4.9 KiB``, ``1.2 GiB``."""
    amount = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "B" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TiB"


def duration(seconds: float) -> str:
    """Return seconds as people read them: ``42s``, ``3m 05s``, ``2h 07m``, ``1d 03h``."""
    whole = int(seconds)
    if whole < 60:
        return f"{whole}s"
    if whole < 3600:
        return f"{whole // 60}m {whole % 60:02}s"
    if whole < 86400:
        return f"{whole // 3600}h {whole % 3600 // 60:02}m"
    return f"{whole // 86400}d {whole % 86400 // 3600:02}h"
