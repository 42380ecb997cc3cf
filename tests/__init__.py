"""The tests, mirroring the package."""

from __future__ import annotations

import os

from hypothesis import settings

settings.register_profile("vncproxy", deadline=None, derandomize="CI" in os.environ)
settings.load_profile("vncproxy")
