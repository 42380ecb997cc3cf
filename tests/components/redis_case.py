"""Token stores with a redis-server of their own for each test."""

from __future__ import annotations

import re
import time
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.trial.unittest import TestCase

from tests.components.redis_server import RedisServer
from tests.tokens.store_contract import make_token
from vncproxy.errors import (
    StoreUnavailable,
    VNCProxyError,
)
from vncproxy.model import Grant, SessionLease, Token
from vncproxy.redis.link import Operation
from vncproxy.tokens.redis import RedisSettings, RedisTokenStore

T = TypeVar("T")


IN_TIME = 20.0
"""Seconds within which what is limited to a few at most is over on a slow machine, too."""


def sleep(seconds: float) -> Deferred[None]:
    return deferLater(reactor, seconds, lambda: None)


async def outcome(work: Awaitable[T]) -> T | VNCProxyError:
    """Return what it returns, or the error it raises."""
    try:
        return await work
    except VNCProxyError as e:
        return e


async def at_once(*work: Coroutine[Any, Any, T]) -> list[T | VNCProxyError]:
    """Return the outcomes of work that runs at the same time."""
    return await gatherResults([Deferred.fromCoroutine(outcome(one)) for one in work])


class RedisCase(TestCase):
    """A server for each test, and stores that are closed before it goes."""

    timeout = 300
    server_options: dict[str, Any] = {}
    call_limit = 60.0
    """Seconds for a call: plenty where calls are to succeed, however slow the machine."""

    def setUp(self) -> None:
        self.server = RedisServer(**self.server_options)
        self.addCleanup(self.server.remove)
        self.server.start()

    def settings(self, **changes: Any) -> RedisSettings:
        return RedisSettings(**{"port": self.server.port, "timeout": self.call_limit, **changes})

    def make_store(
        self, resume: float = 3600, kind: type[RedisTokenStore] = RedisTokenStore, **changes: Any
    ) -> RedisTokenStore:
        store = kind(reactor, self.settings(**changes), time.time, resume)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    def token(self, **changes: Any) -> Token:
        return make_token(time.time(), **changes)

    async def failure(self, work: Awaitable[object]) -> str:
        """Return the detail of a StoreUnavailable that comes in time."""
        began = time.monotonic()
        with self.assertRaises(StoreUnavailable) as caught:
            await work
        self.assertLess(time.monotonic() - began, IN_TIME)
        return str(caught.exception.detail)


def documented(language: str, holds: str) -> str:
    """Return the block of docs/redis.md that holds a text."""
    page = (Path(__file__).parents[2] / "docs" / "redis.md").read_text()
    blocks = re.findall(r"^```(\w*)\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (block,) = [text for name, text in blocks if name == language and holds in text]
    return str(block)


class InterruptedStore(RedisTokenStore):
    """A proxy to which something happens between looking at a token and taking its use."""

    interrupt: Callable[[], object]

    async def issue(self, token: Token) -> str:
        secret = await super().issue(token)
        self._issued.clear()  # as if another proxy had issued it
        return secret

    async def _take(
        self,
        redis: Operation,
        token_id: str,
        record: bytes,
        cookie_before: str,
        lease: SessionLease | None,
    ) -> Grant:
        self.interrupt()
        return await super()._take(redis, token_id, record, cookie_before, lease)
