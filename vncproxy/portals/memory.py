"""What is kept for portals in this process, gone when it stops."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from zope.interface import implementer

from ..interfaces import IPortalStore
from ..model import Rate
from . import limits
from .gcra import admits


@dataclass(frozen=True, slots=True)
class _Key:
    name: str
    record: bytes
    ends: float


@dataclass(frozen=True, slots=True)
class _Request:
    """A request that may be sent again; its answer is empty while it is under way."""

    digest: str
    claim: str
    answer: str
    ends: float


@implementer(IPortalStore)
class MemoryPortalStore:
    """Keys, rates and repeated requests of one process.

    Args:
        seconds: a monotonic clock.
    """

    def __init__(self, seconds: Callable[[], float]) -> None:
        self._seconds = seconds
        self._keys: dict[str, _Key] = {}
        self._used: dict[str, float] = {}
        self._due: dict[str, float] = {}
        self._requests: dict[str, _Request] = {}
        self._held: dict[str, tuple[str, float]] = {}
        self._counts: dict[str, tuple[int, float]] = {}

    async def find_key(self, key_id: str) -> bytes | None:
        """Return the record of a key that has neither expired nor been removed."""
        key = self._living().get(key_id)
        return key.record if key else None

    async def add_key(self, key_id: str, name: str, record: bytes, ttl: float) -> str:
        """Store a key for some seconds."""
        living = self._living()
        if sum(key.name == name for key in living.values()) >= limits.KEYS_OF_A_NAME:
            return "two"
        if len(living) >= limits.MOST_KEYS:
            return "full"
        self._keys[key_id] = _Key(name, record, self._seconds() + ttl)
        return "added"

    async def remove_key(self, key_id: str, name: str) -> bool:
        """Remove a key; False when there was none."""
        self._used.pop(key_id, None)
        return self._living().pop(key_id, None) is not None

    async def keys(self) -> Sequence[tuple[str, bytes]]:
        """Return the ids and records of all keys, those that expire first first."""
        living = sorted(self._living().items(), key=lambda item: item[1].ends)
        return [(key_id, key.record) for key_id, key in living]

    async def note_uses(self, ages: Mapping[str, float]) -> None:
        """Note when keys were last used; of too many, the more recent half is kept."""
        for key_id, age in ages.items():
            self._used[key_id] = self._seconds() - age
        if len(self._used) > 2 * limits.MOST_KEYS:
            recent = sorted(self._used.items(), key=lambda item: item[1])
            self._used = dict(recent[-limits.MOST_KEYS :])

    async def last_uses(self) -> Mapping[str, float]:
        """Return how many seconds ago keys were last used."""
        now = self._seconds()
        return {key_id: now - used for key_id, used in self._used.items()}

    async def admit(self, rates: Sequence[Rate]) -> float:
        """Count a request; 0 when all rates admit it, else the seconds until they will."""
        now = self._seconds() * 1000
        self._due = {name: due for name, due in self._due.items() if due > now}
        found = {rate.name: admits(self._due.get(rate.name, 0.0), now, rate) for rate in rates}
        longest = max((wait for wait, _ in found.values()), default=0.0)
        if not longest:
            self._due.update({name: due for name, (_, due) in found.items()})
        return longest / 1000

    async def begin(self, name: str, owner: str, digest: str, claim: str) -> tuple[str, str]:
        """Begin a request that may be sent again."""
        now = self._seconds()
        self._requests = {n: each for n, each in self._requests.items() if each.ends > now}
        if (found := self._requests.get(name)) is not None:
            if found.digest != digest:
                return "other", ""
            return ("done", found.answer) if found.answer else ("pending", "")
        self._counts = {n: each for n, each in self._counts.items() if each[1] > now}
        count, ends = self._counts.get(owner, (0, now + limits.ANSWERS_KEPT))
        if count >= limits.MOST_ANSWERS:
            return "full", ""
        self._counts[owner] = count + 1, ends
        self._requests[name] = _Request(digest, claim, "", now + limits.PENDING)
        return "begun", ""

    async def keep(self, name: str, digest: str, claim: str) -> None:
        """Let an attempt that goes on count as pending for longer."""
        found = self._requests.get(name)
        if found is not None and found.claim == claim and not found.answer:
            ends = self._seconds() + limits.PENDING
            self._requests[name] = _Request(digest, claim, "", ends)

    async def finish(self, name: str, digest: str, claim: str, answer: str) -> None:
        """Keep the answer of an attempt for those that follow."""
        found = self._requests.get(name)
        if found is not None and found.claim == claim:
            ends = self._seconds() + limits.ANSWERS_KEPT
            self._requests[name] = _Request(digest, claim, answer, ends)

    async def abandon(self, name: str, digest: str, claim: str) -> None:
        """Forget an attempt."""
        found = self._requests.get(name)
        if found is not None and found.claim == claim:
            del self._requests[name]

    async def hold(self, name: str, claim: str, seconds: float) -> float:
        """Hold a name, unless another claim does; returns for how long."""
        now = self._seconds()
        self._held = {each: held for each, held in self._held.items() if held[1] > now}
        if name in self._held:
            return self._held[name][1] - now
        self._held[name] = claim, now + seconds
        return 0.0

    async def let_go(self, name: str, claim: str) -> None:
        """Hold a name no more."""
        if self._held.get(name, ("",))[0] == claim:
            del self._held[name]

    async def close(self) -> None:
        """Do nothing: there are no connections."""

    def _living(self) -> dict[str, _Key]:
        now = self._seconds()
        self._keys = {key_id: key for key_id, key in self._keys.items() if key.ends > now}
        return self._keys
