"""Hypothesis with the settings of this suite; its names are imported from here.

It takes a third of a second to import, which most modules of the suite are spared.
"""

from __future__ import annotations

import os

from hypothesis import HealthCheck, given, settings, strategies

__all__ = ["HealthCheck", "given", "settings", "strategies"]

# the time of examples depends on the machine
settings.register_profile(
    "vncproxy",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("vncproxy")
