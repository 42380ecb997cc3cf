"""Units of time that annotations name."""

from __future__ import annotations

from typing import Annotated

from annotated_types import Gt

Seconds = Annotated[float, Gt(0)]
"""A duration that must be positive."""


UnixTime = float
"""Wall-clock time in seconds since 1970, UTC: only for what is stored or shown."""
