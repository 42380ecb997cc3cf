"""The tests, mirroring the package."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# the time of examples depends on the machine
settings.register_profile(
    "vncproxy",
    deadline=None,
    derandomize="CI" in os.environ,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("vncproxy")
