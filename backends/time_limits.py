"""How a backend's time limit is divided."""

from __future__ import annotations

from typing import Final

IN_THREAD: Final = 0.9
"""The share that a call has in its thread, so that its error comes before the limit's."""
