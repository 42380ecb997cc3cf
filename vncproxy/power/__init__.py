"""Starts, stops and resets machines, for sessions and for callers of the API.

- `acting`: asks the backend of a machine, once, and records it.
- `audit`: the audit line and the metric of each request.
- `allowance`: how often the holder of a link may ask for something.
"""

from __future__ import annotations

from .acting import ASKED, DONE, MachinePower
from .audit import PowerAudit

__all__ = ["ASKED", "DONE", "MachinePower", "PowerAudit"]
