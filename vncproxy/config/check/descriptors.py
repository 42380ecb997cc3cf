"""Whether each process can have the file descriptors that the limits need."""

from __future__ import annotations

from ..descriptors import allowed, needed, shortage
from ..settings import Settings
from ..shares import share_of
from .finding import Finding, good, warning


def check_descriptors(settings: Settings) -> Finding:
    """Compare what one process of the proxy needs with the hard limit of this one."""
    limits, found = share_of(settings).limits, allowed()
    workers = settings.proxy.worker_count()
    of_each = f", for each of {workers} workers" if workers > 1 else ""
    if text := shortage(limits, found):
        advice = "raise LimitNOFILE or ulimit -n, or lower limits.connections"
        return warning("limits", text + of_each, advice)
    return good("limits", f"{needed(limits)} file descriptors suffice{of_each}")
