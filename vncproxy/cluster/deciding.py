"""The JSON by which a process says what became of a decision, a public contract."""

from __future__ import annotations

from typing import Any

from ..model import Approval, Decided

MOST_NAMES = 16
"""Approvers that are read."""


def encode(decided: Decided) -> dict[str, Any]:
    """Return what an answer has as its member ``decided``."""
    approval = decided.approval
    return {
        "needed": approval.needed,
        "by": list(approval.by),
        "waits": decided.waits,
        "refused": decided.refused,
    }


def decode(found: object) -> Decided | None:
    """Return what another process has said; None where it knows no such session."""
    if not isinstance(found, dict):
        return None
    needed, by, refused = found.get("needed"), found.get("by"), found.get("refused", "")
    if not isinstance(needed, int) or not isinstance(by, list) or not isinstance(refused, str):
        return None
    names = tuple(name for name in by[:MOST_NAMES] if isinstance(name, str))
    return Decided(Approval(needed, names), found.get("waits") is True, refused)
