"""What an approver decides about a session that waits, and what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


class Verdict(Enum):
    """What an approver says."""

    APPROVE = "approve"
    WITHDRAW = "withdraw"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Decision:
    """What an approver decides.

    Attributes:
        key: the name of the approver's API key.
        person: who stands behind the key; empty where the key itself counts.
        reason: the approver's words for the user, of a denial.
    """

    verdict: Verdict
    key: str
    person: str = ""
    reason: str = ""

    @property
    def approver(self) -> str:
        """The approver in words: the person, or else the key."""
        return self.person or f"key {self.key}"


@dataclass(frozen=True, slots=True)
class Approval:
    """How far a session is approved.

    Attributes:
        needed: how many approvers it needs.
        by: those that have approved, while it waits; empty once it is open.
    """

    needed: int
    by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Decided:
    """What became of a decision.

    Attributes:
        approval: how far the session is approved now.
        waits: whether it waits, still or until now; a session that does not takes no decision.
        refused: why the decision changes nothing, as a sentence; empty where it counts.
    """

    approval: Approval
    waits: bool = True
    refused: str = ""
