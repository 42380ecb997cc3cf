"""Who has approved of one session: each counts once, and none for a session of their own."""

from __future__ import annotations

from ..model import Approval, Decision


class Approvals:
    """The approvals of one session.

    A key counts as one approver, by its name. A key that stands for several people names one with
    each approval; then the people count, by their names, whichever key names them. A person and a
    key of the same name count once. The approval of a key without a name does not count beside one
    of the same key with a name, which takes its place: it may be the same person's.

    Args:
        needed: how many approvers there have to be.
        user: whose session it is.
    """

    __slots__ = ("_given", "needed", "user")

    def __init__(self, needed: int, user: str) -> None:
        self.needed = needed
        self.user = user
        self._given: dict[str, Decision] = {}

    @property
    def approvers(self) -> tuple[str, ...]:
        """Those that count, in words, in the order of their approvals."""
        return tuple(each.approver for each in self._given.values())

    @property
    def enough(self) -> bool:
        """Whether the session may begin."""
        return len(self._given) >= self.needed

    def state(self) -> Approval:
        """Return how far the session is approved."""
        return Approval(self.needed, self.approvers)

    def approve(self, decision: Decision) -> str:
        """Count an approval; returns why it does not count and is not kept, empty where it does."""
        person, key = _same(decision.person), _same(decision.key)
        if self.user and _same(self.user) in (person, key):
            return f"{decision.approver} asks for this session, and cannot approve of it."
        has_named = any(each.person for each in self._given.values() if each.key == decision.key)
        if (person or key) in self._given or (has_named and not person):
            return f"{decision.approver} has approved of this session already."
        own = self._given.get(key)
        if own is not None and own.key == decision.key and not own.person:
            del self._given[key]
        self._given[person or key] = decision
        return ""

    def withdraw(self, decision: Decision) -> str:
        """Count an approval no more; without a person, all approvals of the key.

        Returns:
            Why there is nothing to withdraw, empty where there is.
        """
        person = _same(decision.person)
        withdrawn = [
            who
            for who, each in self._given.items()
            if each.key == decision.key and person in ("", _same(each.person))
        ]
        for who in withdrawn:
            del self._given[who]
        return "" if withdrawn else f"{decision.approver} has not approved of this session."


def _same(name: str) -> str:
    """Return what is equal for two names that differ in case and space only."""
    return " ".join(name.split()).casefold()
