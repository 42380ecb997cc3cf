"""What a caller of the API may do."""

from __future__ import annotations

from enum import StrEnum


class Scope(StrEnum):
    """One right of a caller; ``ADMIN`` includes the others.

    Attributes:
        ISSUE: issue, show and revoke tokens.
        READ: list machines and sessions, show tokens and metrics.
        ADMIN: everything, the end of sessions included.
    """

    ISSUE = "issue"
    READ = "read"
    ADMIN = "admin"
