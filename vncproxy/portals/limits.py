"""How much is kept for portals, and for how long; the same in every store."""

from __future__ import annotations

from typing import Final

MOST_KEYS: Final = 1000
"""Keys that may be stored."""

KEYS_OF_A_NAME: Final = 2
"""Keys of one name: one, and the one that takes its place."""

LONGEST_KEY: Final = 400 * 86400.0
"""Seconds that a stored key may live."""

ANSWERS_KEPT: Final = 3600.0
"""Seconds for which the answer to a request is kept that may be sent again."""

MOST_ANSWERS: Final = 10_000
"""Requests of one key that may be sent again, within `ANSWERS_KEPT`."""

PENDING: Final = 30.0
"""Seconds after which a request counts as failed whose proxy has said nothing more of it."""

KEEP_EVERY: Final = PENDING / 3
"""Seconds between the times that a proxy says that it is still working on a request."""
