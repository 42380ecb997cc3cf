"""Bar charts as SVG, written by hand."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

WIDTH, LABELS, VALUES = 720, 130, 120
BAR, GAP, TOP = 20, 10, 44
OURS, OTHERS, WHISKER = "#2563eb", "#a8b3c4", "#334155"


@dataclass(frozen=True)
class Bar:
    """One bar, with the least and the largest of its repetitions."""

    label: str
    value: float
    least: float
    most: float


def chart(title: str, unit: str, bars: Sequence[Bar], *, log: bool = False) -> str:
    """Return a chart in which shorter is better unless the title says otherwise."""
    height = TOP + len(bars) * (BAR + GAP) + GAP
    scale = _Scale(max(bar.most for bar in bars), min(bar.value for bar in bars) if log else 0)
    subtitle = f"{unit}; bar: median, line: least to largest" + (", logarithmic" if log else "")
    rows = "\n".join(_row(bar, TOP + at * (BAR + GAP), scale) for at, bar in enumerate(bars))
    return f"""<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" \
font-family="sans-serif" font-size="13" fill="#0f172a">
<title>{escape(title)}</title>
<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>
<text x="10" y="18" font-size="15" font-weight="bold">{escape(title)}</text>
<text x="10" y="34" font-size="11" fill="#475569">{escape(subtitle)}</text>
{rows}
</svg>
"""


class _Scale:
    """Turns values into widths; from a tenth of ``least`` in logarithms where it is given."""

    def __init__(self, most: float, least: float) -> None:
        self._most, self._from = most, least / 2
        self._room = WIDTH - LABELS - VALUES

    def __call__(self, value: float) -> float:
        if not self._from:
            return self._room * value / self._most
        share = math.log(max(value, self._from) / self._from)
        return self._room * share / math.log(self._most / self._from)


def _row(bar: Bar, y: int, scale: _Scale) -> str:
    colour = OURS if bar.label == "ours" else OTHERS
    middle, end = y + BAR / 2, LABELS + max(scale(bar.value), scale(bar.most)) + 8
    return (
        f'<text x="{LABELS - 8}" y="{y + 15}" text-anchor="end">{escape(bar.label)}</text>'
        f'<rect x="{LABELS}" y="{y}" width="{scale(bar.value):.1f}" height="{BAR}" rx="2" '
        f'fill="{colour}"/>'
        f'<path d="M{LABELS + scale(bar.least):.1f} {middle}H{LABELS + scale(bar.most):.1f}" '
        f'stroke="{WHISKER}" stroke-width="2"/>'
        f'<text x="{end:.1f}" y="{y + 15}">{_number(bar.value)}</text>'
    )


def _number(value: float) -> str:
    if value >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3g}"
