"""What kind of address a hypervisor tells: one to dial, a wildcard, or somebody's loopback."""

from __future__ import annotations

from ..addresses import (
    NOT_DIALLED,
    check_host,
    is_dialable,
    is_loopback,
    is_own,
    is_wildcard,
    meaning,
    parse_ip,
)

__all__ = [
    "NOT_DIALLED",
    "check_host",
    "is_dialable",
    "is_loopback",
    "is_own",
    "is_wildcard",
    "meaning",
    "parse_ip",
]
