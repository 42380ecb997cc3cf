"""Every call ends in time when Redis is away, slow or out of memory."""

from __future__ import annotations

import time

from twisted.internet.defer import Deferred

from tests.components.redis_case import (
    IN_TIME,
    InterruptedStore,
    RedisCase,
    at_once,
    outcome,
    sleep,
)
from tests.tokens.store_contract import VM
from vncproxy.errors import (
    StoreUnavailable,
)
from vncproxy.model import Grant, new_secret, secret_id
from vncproxy.redis.link import Operation
from vncproxy.tokens import scripts
from vncproxy.tokens.records import encode
from vncproxy.tokens.redis import RedisTokenStore


class OutageTests(RedisCase):
    call_limit = 3.0

    async def works_again(self, store: RedisTokenStore) -> None:
        """Return when a token can be issued again, which is soon."""
        give_up = time.monotonic() + IN_TIME
        while isinstance(await outcome(store.issue(self.token())), StoreUnavailable):
            self.assertLess(time.monotonic(), give_up)
            await sleep(0.05)

    async def test_killed_server_is_named_and_its_return_noticed(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        self.server.kill()
        detail = await self.failure(store.redeem(secret))
        self.assertIn(f"127.0.0.1:{self.server.port}", detail)
        self.server.start()
        await self.works_again(store)

    async def test_every_call_fails_in_time_without_a_server(self) -> None:
        store, token_id = self.make_store(), "0" * 64
        self.server.kill()
        for call in (
            store.issue(self.token()),
            store.redeem("x"),
            store.restore(Grant(token_id, self.token(), claim="0" * 16)),
            store.show(token_id),
            store.revoke(token_id),
            store.revoke_vm(VM),
            store.revoke_user("alice"),
            store.ping(),
        ):
            self.assertIn("refused", await self.failure(call))

    async def test_store_made_before_its_server_works_when_it_comes(self) -> None:
        self.server.kill()
        store = self.make_store()
        await self.failure(store.ping())
        self.server.start()
        await self.works_again(store)

    async def test_restarted_server_is_used_without_an_error_between(self) -> None:
        store = self.make_store()
        await store.issue(self.token())
        self.server.stop()
        self.server.start()
        await sleep(0.05)
        await store.redeem(await store.issue(self.token()))

    async def test_hanging_server_fails_in_time_and_is_used_again(self) -> None:
        store = self.make_store()
        await store.issue(self.token())
        self.server.pause()
        self.assertIn("does not answer in time", await self.failure(store.ping()))
        self.assertIn("does not answer in time", await self.failure(store.ping()))
        self.server.resume()
        await self.works_again(store)

    async def test_fifty_calls_fail_in_time_when_the_server_hangs(self) -> None:
        store = self.make_store()
        self.server.pause()
        began = time.monotonic()
        outcomes = await at_once(*(store.redeem(new_secret()) for _ in range(50)))
        self.assertLess(time.monotonic() - began, IN_TIME)
        self.assertTrue(all(isinstance(o, StoreUnavailable) for o in outcomes), outcomes)

    async def test_call_that_failed_is_not_executed_when_the_server_goes_on(self) -> None:
        store = self.make_store(kind=InterruptedStore)
        assert isinstance(store, InterruptedStore)
        store.interrupt = self.server.pause
        secret = await store.issue(self.token())
        detail = await self.failure(store.redeem(secret))
        self.assertIn("does not answer", detail)
        self.server.resume()
        await self.works_again(store)
        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)

    async def test_script_that_starts_too_late_changes_nothing(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())

        async def late(redis: Operation) -> object:
            await redis.query(scripts.LOOK, ["vncproxy:token:x", "vncproxy:state:x"])
            redis._deadline = 1
            return await store._take(redis, secret_id(secret), encode(self.token()), "", None)

        self.assertIn("nothing was done", await self.failure(store._link.run(late)))
        await store.redeem(secret)

    async def test_cancelled_call_leaves_the_connection_to_others(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        given_up = Deferred.fromCoroutine(store.redeem(new_secret()))
        other = Deferred.fromCoroutine(store.redeem(secret))
        given_up.addErrback(lambda _: None)
        given_up.cancel()
        self.assertFalse((await other).resumed)

    async def test_closed_store_dials_no_more(self) -> None:
        store = self.make_store()
        await store.ping()
        await store.close()
        self.assertIn("not used any more", await self.failure(store.ping()))
        self.assertEqual(
            [line for line in self.server.cli("client", "list").splitlines() if ":0 " not in line],
            [],
        )

    async def test_store_closed_while_it_dials_fails_those_who_wait(self) -> None:
        store = self.make_store(password="pw")
        self.server.pause()
        waiting = Deferred.fromCoroutine(store.ping())
        await sleep(0.05)
        await store.close()
        self.assertIn("not used any more", await self.failure(waiting))

    async def test_server_that_loads_its_data_is_named(self) -> None:
        store = self.make_store()
        self.server.cli("mset", *(word for i in range(400) for word in (f"key-{i}", "x" * 100)))
        self.server.cli("save")
        self.server.stop()
        self.server.options += ["--loading-process-events-interval-bytes", "1024"]
        self.server.options += ["--key-load-delay", "10000"]
        self.server.start(loaded=False)
        self.assertIn("still loading its data", await self.failure(store.ping()))
        await self.works_again(store)
