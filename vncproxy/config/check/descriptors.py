"""Whether the process can have the file descriptors that the limits need."""

from __future__ import annotations

from ...model import Limits
from ..descriptors import allowed, needed, shortage
from .finding import Finding, good, warning


def check_descriptors(limits: Limits) -> Finding:
    """Compare what the limits need with the hard limit of this process."""
    found = allowed()
    if text := shortage(limits, found):
        return warning(
            "limits", text, "raise LimitNOFILE or ulimit -n, or lower limits.connections"
        )
    return good("limits", f"{needed(limits)} file descriptors suffice")
