"""How a backend's time limit is divided."""

from __future__ import annotations

from typing import Final

IN_THREAD: Final = 0.9
"""The share of the limit that a call has in its thread: the call's own error, which names the
cause, then comes before the error of the limit."""
