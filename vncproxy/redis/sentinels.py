"""The primary that sentinels know: they are asked for it, and listened to.

A sentinel may be cut off from the others and know an old primary only, so a server that it names
has to say itself that it is a primary. The old primary may say so, too, while it is cut off with
that sentinel: what most of the sentinels say counts as soon as it differs.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from functools import partial
from typing import Any, Final

from twisted.internet.defer import Deferred, DeferredList, succeed
from twisted.logger import Logger
from zope.interface import implementer

from ..addresses import bracketed
from ..config.redis import RedisSettings
from ..errors import StoreUnavailable
from .channels import Channels
from .endpoint import IPrimary, Server, redis_endpoint, trusted
from .sentinel import Address, Sentinel
from .sentinel_reports import ask_all

_ANSWER: Final = 0.25
"""Part of the time limit of an operation that each sentinel has for its answer."""

_LOG_IN: Final = 0.6
"""Part of the time limit of an operation for connecting to a server that a sentinel named."""


@implementer(IPrimary)
class Sentinels:
    """Asks the sentinels in turn, the one that led to the primary last time first.

    Args:
        reactor: connects, resolves names and measures the time limits.
        settings: where the sentinels are, and how the primary is reached.

    Raises:
        ConfigurationError: a file of authorities cannot be used.
    """

    log = Logger()

    def __init__(self, reactor: Any, settings: RedisSettings) -> None:
        self._reactor = reactor
        self._settings = settings
        self._trust = trusted(settings.ca_file) if settings.tls else None
        self._sentinels = list(_sentinels(reactor, settings))
        self._addresses = [sentinel.address for sentinel in self._sentinels]
        self._announcements: list[Channels] = []
        self._followers: list[Callable[[], None]] = []
        self._named: Address | None = None

    async def servers(self) -> AsyncIterator[Server]:
        """Yield the server that the first sentinel names; then those that others name."""
        named: set[Address] = set()
        failures = []
        for sentinel in list(self._sentinels):
            try:
                address = await sentinel.primary()
            except StoreUnavailable as e:
                failures.append(e.detail)
                self._ask_last(sentinel)
                continue
            if address is None:
                failures.append(f"sentinel at {sentinel.address} does not know it")
                self._ask_last(sentinel)
            elif address not in named:
                named.add(address)
                self._ask_first(sentinel)
                self._named = address
                yield self._server(address)
                self._ask_last(sentinel)
        if not named:
            why = "; ".join(failures)
            raise StoreUnavailable(f'no sentinel names the master "{self._settings.master}": {why}')

    async def reports(self) -> Sequence[tuple[str, str, str]]:
        """Ask every sentinel about the primary, its replicas and the other sentinels."""
        in_order = sorted(self._sentinels, key=self._place)
        return await ask_all(in_order, self._settings.master, self._settings.wait_replicas)

    def follow(self, moved: Callable[[], None]) -> Callable[[], Deferred[object]]:
        """Listen to all sentinels as long as there is a follower."""
        if not self._followers:
            self._listen()
        self._followers.append(moved)
        return partial(self._unfollow, moved)

    def _unfollow(self, moved: Callable[[], None]) -> Deferred[object]:
        if moved not in self._followers:
            return succeed(None)
        self._followers.remove(moved)
        if self._followers:
            return succeed(None)
        announcements, self._announcements = self._announcements, []
        ending = [each.close() for each in announcements]
        ending += [sentinel.disconnect() for sentinel in self._sentinels]
        ended = DeferredList([Deferred.fromCoroutine(each) for each in ending])
        return ended.addCallback(lambda _: None)

    def _listen(self) -> None:
        for sentinel in self._sentinels:
            announcements = sentinel.announcements(
                partial(self._announced, sentinel), partial(self._compare, sentinel)
            )
            announcements.start()
            self._announcements.append(announcements)

    def _announced(self, sentinel: Sentinel, address: Address) -> None:
        """Leave the server in use for another one that a sentinel announced."""
        if address == self._named:
            return
        self.log.info(
            'redis master "{master}" is at {address} now, says sentinel at {sentinel}',
            master=self._settings.master,
            address=_text(address),
            sentinel=sentinel.address,
        )
        self._named = address
        self._ask_first(sentinel)
        for moved in list(self._followers):
            moved()

    def _compare(self, sentinel: Sentinel) -> None:
        """Look whether there is another primary than the one in use; announcements may be lost."""
        comparing = Deferred.fromCoroutine(self._compare_with_most(sentinel))
        comparing.addErrback(lambda why: why.trap(StoreUnavailable))

    async def _compare_with_most(self, sentinel: Sentinel) -> None:
        address = await sentinel.primary()
        if self._named is None or address in (None, self._named):
            return
        if not self._followers:  # closed meanwhile
            return
        asking = [Deferred.fromCoroutine(each.primary()) for each in self._sentinels]
        answers = await DeferredList(asking, consumeErrors=True)
        agree = sum(succeeded and answer == address for succeeded, answer in answers)
        if 2 * agree > len(self._sentinels):
            self._announced(sentinel, address)

    def _ask_first(self, sentinel: Sentinel) -> None:
        self._sentinels.remove(sentinel)
        self._sentinels.insert(0, sentinel)

    def _ask_last(self, sentinel: Sentinel) -> None:
        self._sentinels.remove(sentinel)
        self._sentinels.append(sentinel)

    def _place(self, sentinel: Sentinel) -> int:
        return self._addresses.index(sentinel.address)

    def _server(self, address: Address) -> Server:
        endpoint = redis_endpoint(self._reactor, self._settings.at(*address), self._trust)
        return Server(_text(address), endpoint, _LOG_IN * self._settings.timeout, announced=True)


def _sentinels(reactor: Any, settings: RedisSettings) -> Iterator[Sentinel]:
    key, limit = "redis.sentinel_ca_file", _ANSWER * settings.timeout
    trust = trusted(settings.sentinel_ca_file, key) if settings.sentinel_tls else None
    for text in settings.sentinels:
        yield Sentinel(reactor, settings.of_sentinel(text), settings.master, limit, trust)


def _text(address: Address) -> str:
    return f"{bracketed(address[0])}:{address[1]}"
