"""UUIDs as names of machines."""

from __future__ import annotations

from collections.abc import Container
from uuid import UUID

WITH_DASHES, WITHOUT = 36, 32
"""Characters of the forms in which a UUID is written."""


def uuid_of(text: str, lengths: Container[int] = (WITHOUT, WITH_DASHES)) -> str:
    """Return a UUID with dashes in lower case; empty when a text is none.

    Args:
        lengths: of the forms that count.
    """
    try:
        return str(UUID(text)) if len(text) in lengths else ""
    except ValueError:
        return ""
