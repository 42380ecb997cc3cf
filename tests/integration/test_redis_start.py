"""A proxy that starts before its Redis logs that, and logs when it is there."""

from __future__ import annotations

import time
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import TestCase

from tests.components.gateway import Gateway
from tests.components.redis_server import RedisServer


class StartTests(TestCase):
    timeout = 300

    def test_redis_that_is_away_at_the_start_is_told_and_its_return_too(self) -> Deferred[None]:
        return deferToThread(self._start_without_redis)

    def _start_without_redis(self) -> None:
        redis = RedisServer()
        self.addCleanup(redis.remove)
        gateway = Gateway(f'[tokens]\nstore = "redis"\n[redis]\nport = {redis.port}\n').start()
        try:
            away = f"redis at 127.0.0.1:{redis.port} cannot be reached"
            self._until(lambda: away in gateway.log())
            redis.start()
            self._until(lambda: f"redis at 127.0.0.1:{redis.port} answers again" in gateway.log())
            self.assertEqual(gateway.log().count(away), 1)
        finally:
            gateway.stop()

    def _until(self, done: Callable[[], bool]) -> None:
        give_up = time.monotonic() + 60
        while not done():
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.05)
