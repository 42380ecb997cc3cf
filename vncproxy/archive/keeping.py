"""Which recordings are kept no longer, by the rules of the configuration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from ..model import NO_VMS, VMAddress, VMPatterns
from ..recording.writing import About
from .library import CannotRead, Entry, Library, NoRecording

EARLIEST: Final = 1735689600.0
"""2025-01-01. No recording is older: one that began before was made by a clock that was wrong."""

Why = Literal["age", "size"]


@dataclass(frozen=True, slots=True)
class Rule:
    """How long recordings are kept, and how many bytes of them.

    Attributes:
        vms: patterns for the machines; all where there are none.
        users: all where there are none.
        age: seconds since a recording was last written; None for any.
        size: bytes of all recordings that this rule decides; None for any.
    """

    vms: VMPatterns = NO_VMS
    users: tuple[str, ...] = ()
    age: float | None = None
    size: int | None = None

    @property
    def is_for_all(self) -> bool:
        """Whether it matches every recording."""
        return not self.vms.texts and not self.users

    def matches(self, about: About) -> bool:
        """Whether it decides about a recording, where no rule before it does."""
        return (not self.users or about.user in self.users) and self._matches_vm(about.vm)

    def _matches_vm(self, text: str) -> bool:
        if not self.vms.texts:
            return True
        try:
            vm = VMAddress.parse(text)
        except ValueError:
            return False
        return self.vms.accepts(vm, vm.vm)


@dataclass(frozen=True, slots=True)
class Expired:
    """A recording that is kept no longer.

    Attributes:
        rule: the number of the rule, from 1.
    """

    entry: Entry
    rule: int
    why: Why


class Sorting:
    """Sorts recordings by the rules, and remembers by which one until they change."""

    def __init__(self) -> None:
        self._rules: Sequence[Rule] = ()
        self._known: Mapping[str, int | None] = {}

    def expired(self, library: Library, rules: Sequence[Rule], now: float) -> list[Expired]:
        """Return the recordings that are kept no longer, the oldest first. It blocks.

        Those that cannot be read stay, and so do those that no rule matches.

        Args:
            now: seconds since 1970.

        Raises:
            CannotRead: the storage does not answer.
        """
        if rules != self._rules:
            self._rules, self._known = rules, {}
        known: dict[str, int | None] = {}
        groups: list[list[Entry]] = [[] for _ in rules]
        for entry in library.kept():
            number = self._number_of(library, entry)
            known[entry.name] = number
            if number is not None:
                groups[number].append(entry)
        self._known = known
        found = [
            each
            for number, (rule, group) in enumerate(zip(rules, groups, strict=True), 1)
            for each in _beyond(rule, number, group, now)
        ]
        return sorted(found, key=lambda each: (each.entry.changed_at, each.entry.name))

    def _number_of(self, library: Library, entry: Entry) -> int | None:
        """Return the number of the rule that decides, from 0; None where none does."""
        if self._rules and self._rules[0].is_for_all:
            return 0
        if entry.name in self._known:
            return self._known[entry.name]
        try:
            about = library.describe(entry).about
        except (CannotRead, NoRecording):
            return None
        matching = (number for number, rule in enumerate(self._rules) if rule.matches(about))
        return next(matching, None)


def _beyond(rule: Rule, number: int, group: list[Entry], now: float) -> list[Expired]:
    found, total = [], 0
    for entry in sorted(group, key=lambda each: (each.changed_at, each.name), reverse=True):
        total += entry.size + entry.index_size
        if rule.size is not None and total > rule.size:
            found.append(Expired(entry, number, "size"))
        elif rule.age is not None and _is_older(entry, now - rule.age):
            found.append(Expired(entry, number, "age"))
    return found


def _is_older(entry: Entry, moment: float) -> bool:
    return entry.changed_at < moment and min(entry.began_at, entry.changed_at) >= EARLIEST
