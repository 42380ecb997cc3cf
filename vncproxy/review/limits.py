"""How long links to recordings are good, and how many there may be; the same in every store."""

from __future__ import annotations

from typing import Final

LINKS_OF_A_SESSION: Final = 100
"""Links to one recording that may be good at once."""

DEFAULT_TTL: Final = 600.0
"""Seconds within which a link is used for the first time, where the request does not say."""

LONGEST_TTL: Final = 86400.0
"""The most that a request may ask for."""

IDLE: Final = 600.0
"""Seconds for which a link is good after its last use, at least."""

LONGEST_USE: Final = 12 * 3600.0
"""Seconds for which a link may be used, beyond the time for its first use."""
