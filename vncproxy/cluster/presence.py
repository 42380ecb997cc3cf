"""Announces this process in Redis while it runs, and reads the announcements of all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from zlib import crc32

from twisted.internet.defer import CancelledError, Deferred
from twisted.internet.task import deferLater
from twisted.logger import Logger
from twisted.python.failure import Failure

from ..errors import StoreUnavailable
from ..model import Activity, Announcement
from ..redis.link import Operation, RedisLink
from . import announcements, scripts
from .keys import HEARTBEAT, LEASE, ClusterKeys


class Presence:
    """The announcement of this process.

    Args:
        link: the connection for calls.
        keys: the names of keys.
        describe: returns what this process is at the moment.
        reactor: for the time between heartbeats.
        interval: seconds between two of them.
        lease: seconds for which an announcement is good.

    Attributes:
        before_announcing: is called before each announcement; where it fails, so does that.
        after_announcing: is called after it, with whether the one before still lived.
        on_heartbeat: is called after each heartbeat, with the number of sessions that Redis has of
            this process.
    """

    log = Logger()

    def __init__(
        self,
        link: RedisLink,
        keys: ClusterKeys,
        describe: Callable[[], Announcement],
        reactor: Any,
        interval: float = HEARTBEAT,
        lease: float = LEASE,
    ) -> None:
        self.before_announcing: Callable[[], Awaitable[None]] = _nothing
        self.after_announcing: Callable[[bool], Awaitable[None]] = _nothing
        self.on_heartbeat: Callable[[int], Awaitable[None]] = _nothing
        self._link = link
        self._keys = keys
        self._describe = describe
        self._reactor = reactor
        self._interval = interval
        self._lease = int(lease * 1000)
        self._beating: Deferred[None] | None = None

    def start(self) -> None:
        """Announce this process now, and renew the announcement until `stop`."""
        self._beating = Deferred.fromCoroutine(self._beat())
        self._beating.addErrback(self._failed)

    async def stop(self) -> None:
        """End the announcement; where Redis is away, it ends by itself."""
        if self._beating is not None:
            self._beating.cancel()
        await self.forget(self._describe().identity.worker_id)

    async def forget(self, worker_id: str) -> None:
        """End the announcement of a process, and with it what the process has in Redis."""
        try:
            await self._link.run(
                lambda redis: redis.change(scripts.LEAVE, self._own_keys(worker_id), worker_id),
                "leave",
            )
        except StoreUnavailable as e:
            self.log.info("the announcement in redis is left to expire: {why}", why=e.detail)

    async def workers(self) -> Sequence[Announcement]:
        """Return the processes of all proxies, those of one proxy in a row."""
        _, lines = await self._link.run(self._read, "list_proxies")
        found = announcements.decode_all(lines)
        return sorted(found, key=_place)

    async def activity(self) -> Activity:
        """Return the processes of all proxies, and a mark that sessions change."""
        keys = [self._keys.workers, self._keys.changes]
        _, changes, lines = await self._link.run(
            lambda redis: redis.query(scripts.ACTIVITY, keys, self._keys.announcements),
            "activity",
        )
        found = sorted(announcements.decode_all(lines), key=_place)
        gone = crc32(" ".join(each.identity.worker_id for each in found).encode())
        return Activity(found, f"{changes}-{gone:08x}")

    async def _read(self, redis: Operation) -> Any:
        keys = [self._keys.workers]
        return await redis.query(scripts.WORKERS, keys, self._keys.announcements)

    async def announce(self) -> int:
        """Renew the announcement now; returns how many sessions of this process Redis has.

        Raises:
            StoreUnavailable: Redis does not answer.
        """
        await self.before_announcing()
        said = self._describe()
        text, worker_id = announcements.encode(said), said.identity.worker_id
        keys, lease = self._own_keys(worker_id), self._lease
        was_announced, written = await self._link.run(
            lambda redis: redis.change(scripts.HEARTBEAT, keys, text, lease, worker_id),
            "heartbeat",
        )
        await self.after_announcing(bool(was_announced))
        return int(written)

    async def _beat(self) -> None:
        while True:
            try:
                await self.on_heartbeat(await self.announce())
            except StoreUnavailable:
                pass  # the link has logged it
            except CancelledError:
                raise
            except Exception:  # noqa: BLE001 a defect must not end the announcement
                self.log.failure("a heartbeat failed")
            await deferLater(self._reactor, self._interval)

    def _own_keys(self, worker_id: str) -> list[str]:
        keys = self._keys
        return [keys.announcement(worker_id), keys.workers, keys.sessions(worker_id)]

    def _failed(self, failure: Failure) -> None:
        if not failure.check(CancelledError):
            self.log.failure("the announcement in redis has ended", failure)


def _place(announcement: Announcement) -> tuple[str, str, int, int, str]:
    identity = announcement.identity
    where = identity.name, identity.proxy_id
    return (*where, identity.generation, identity.worker, identity.worker_id)


async def _nothing(*_: object) -> None:
    pass
