"""Who has approved of one session: each counts once, and none for a session of their own."""

from __future__ import annotations

from ..model import Approval, Decision


class Approvals:
    """The approvals of one session.

    A key counts as one approver. A key that stands for several people names one with each
    approval; then the people count, by their names, whichever key names them. The approval of a
    key without a name does not count beside one of the same key with a name: it may be the same
    person's.

    Args:
        needed: how many approvers there have to be.
        user: whose session it is.
    """

    __slots__ = ("_given", "needed", "user")

    def __init__(self, needed: int, user: str) -> None:
        self.needed = needed
        self.user = user
        self._given: dict[tuple[str, str], Decision] = {}

    @property
    def approvers(self) -> tuple[str, ...]:
        """Those that count, in words, in the order of their approvals."""
        naming = {each.key for each in self._given.values() if each.person}
        counted: dict[str, str] = {}
        for each in self._given.values():
            if each.person:
                counted.setdefault(_same(each.person), each.approver)
            elif each.key not in naming:
                counted.setdefault(f"key {each.key}", each.approver)
        return tuple(counted.values())

    @property
    def enough(self) -> bool:
        """Whether the session may begin."""
        return len(self.approvers) >= self.needed

    def state(self) -> Approval:
        """Return how far the session is approved."""
        return Approval(self.needed, self.approvers)

    def approve(self, decision: Decision) -> str:
        """Count an approval; returns why it does not count, empty where it does."""
        if self.user and _same(decision.person or decision.key) == _same(self.user):
            return f"{decision.approver} asks for this session, and cannot approve of it."
        before = self.approvers
        self._given[decision.key, _same(decision.person)] = decision
        if len(self.approvers) <= len(before):
            return f"{decision.approver} has approved of this session already."
        return ""

    def withdraw(self, decision: Decision) -> str:
        """Count an approval no more; without a person, all approvals of the key.

        Returns:
            Why there is nothing to withdraw, empty where there is.
        """
        person = _same(decision.person)
        withdrawn = [
            (key, name) for key, name in self._given if key == decision.key and person in ("", name)
        ]
        for each in withdrawn:
            del self._given[each]
        return "" if withdrawn else f"{decision.approver} has not approved of this session."


def _same(name: str) -> str:
    """Return what is equal for two names that differ in case and space only."""
    return " ".join(name.split()).casefold()
