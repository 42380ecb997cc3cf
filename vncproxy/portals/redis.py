"""What is kept for portals in Redis, for many proxies; ``docs/redis.md`` describes the keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from zope.interface import implementer

from ..interfaces import IPortalStore
from ..model import Rate, secret_id
from ..redis.store import RedisStore
from . import scripts
from .limits import ANSWERS_KEPT

_KEPT_MS = int(ANSWERS_KEPT * 1000)


@implementer(IPortalStore)
class RedisPortalStore(RedisStore):
    """Keys, rates and repeated requests of many proxies."""

    async def find_key(self, key_id: str) -> bytes | None:
        """Return the record of a key that has neither expired nor been removed."""
        words = "GET", self._key(key_id)
        found: bytes | None = await self._link.run(lambda redis: redis.command(*words), "key")
        return found

    async def add_key(self, key_id: str, name: str, record: bytes, ttl: float) -> str:
        """Store a key for some seconds."""
        keys = [self._key(key_id), self._index, self._of_name(name)]
        args = key_id, record, max(1, int(ttl * 1000))
        return await self._changed(scripts.ADD_KEY, keys, *args)

    async def remove_key(self, key_id: str, name: str) -> bool:
        """Remove a key; False when there was none."""
        keys = [self._key(key_id), self._index, self._of_name(name), self._used]
        return await self._changed(scripts.REMOVE_KEY, keys, key_id) == "1"

    async def keys(self) -> Sequence[tuple[str, bytes]]:
        """Return the ids and records of all keys, those that expire first first."""
        lines = await self._lines(scripts.LIST_KEYS, [self._index], f"{self._prefix}apikey:")
        return [(key_id.decode(), record) for key_id, _, record in lines]

    async def note_uses(self, ages: Mapping[str, float]) -> None:
        """Note when keys were last used."""
        args = [word for key_id, age in ages.items() for word in (key_id, int(age * 1000))]
        await self._changed(scripts.NOTE_USES, [self._used], *args)

    async def last_uses(self) -> Mapping[str, float]:
        """Return how many seconds ago keys were last used."""
        lines = await self._lines(scripts.LAST_USES, [self._used])
        return {key_id.decode(): max(0, int(age)) / 1000 for key_id, _, age in lines}

    async def admit(self, rates: Sequence[Rate]) -> float:
        """Count a request; 0 when all rates admit it, else the seconds until they will."""
        keys = [f"{self._prefix}rate:{rate.name}" for rate in rates]
        args = [word for rate in rates for word in (f"{rate.interval:.6f}", rate.burst)]
        wait = await self._link.run(lambda redis: redis.change(scripts.ADMIT, keys, *args), "rate")
        return int(wait) / 1000

    async def begin(self, name: str, owner: str, digest: str, claim: str) -> tuple[str, str]:
        """Begin a request that may be sent again."""
        keys = [self._request(name), f"{self._prefix}requests:{secret_id(owner)}"]
        found = await self._changed(scripts.BEGIN, keys, digest, claim, _KEPT_MS, of="request")
        if found in ("begun", "full"):
            return found, ""
        known, _, answer = found.split(" ", 2)
        if known != digest:
            return "other", ""
        return ("done", answer) if answer else ("pending", "")

    async def keep(self, name: str, digest: str, claim: str) -> None:
        """Let an attempt that goes on count as pending for longer."""
        attempt = f"{digest} {claim} "
        await self._changed(scripts.KEEP, [self._request(name)], attempt, of="request")

    async def finish(self, name: str, digest: str, claim: str, answer: str) -> None:
        """Keep the answer of an attempt for those that follow."""
        args = f"{digest} {claim} ", answer, _KEPT_MS
        await self._changed(scripts.FINISH, [self._request(name)], *args, of="request")

    async def abandon(self, name: str, digest: str, claim: str) -> None:
        """Forget an attempt."""
        attempt = f"{digest} {claim} "
        await self._changed(scripts.ABANDON, [self._request(name)], attempt, of="request")

    async def hold(self, name: str, claim: str, seconds: float) -> float:
        """Hold a name, unless another claim does; returns for how long."""
        args = claim, max(1, int(seconds * 1000))
        return int(await self._changed(scripts.HOLD, [self._hold(name)], *args, of="hold")) / 1000

    async def let_go(self, name: str, claim: str) -> None:
        """Hold a name no more."""
        await self._changed(scripts.ABANDON, [self._hold(name)], claim, of="hold")

    async def _changed(
        self, script: str, keys: Sequence[str], *args: str | bytes | int, of: str = "key"
    ) -> str:
        answer = await self._link.run(lambda redis: redis.change(script, keys, *args), of)
        return answer.decode() if isinstance(answer, bytes) else str(answer)

    async def _lines(
        self, script: str, keys: Sequence[str], *args: str
    ) -> Sequence[tuple[bytes, bytes, bytes]]:
        _, text = await self._link.run(lambda redis: redis.query(script, keys, *args), "key")
        return [line.partition(b" ") for line in text.split(b"\n")] if text else []

    def _key(self, key_id: str) -> str:
        return f"{self._prefix}apikey:{key_id}"

    @property
    def _index(self) -> str:
        return f"{self._prefix}apikeys"

    @property
    def _used(self) -> str:
        return f"{self._prefix}apikeys:used"

    def _of_name(self, name: str) -> str:
        return f"{self._prefix}apikeys:of:{name}"

    def _hold(self, name: str) -> str:
        return f"{self._prefix}hold:{name}"

    def _request(self, name: str) -> str:
        return f"{self._prefix}request:{name}"
