"""The Redis store keeps the contract against a real redis-server, and ends every call in time."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred, gatherResults
from twisted.internet.task import deferLater
from twisted.logger import ILogObserver, LogEvent, Logger
from twisted.trial.unittest import TestCase

from tests.components.ports import free_port
from tests.components.redis_server import RedisServer
from tests.tokens.store_contract import VM, TokenStoreContract, make_token
from vncproxy.errors import (
    ConfigurationError,
    StoreUnavailable,
    Superseded,
    TokenExpired,
    TokenRefused,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
    VNCProxyError,
)
from vncproxy.model import Grant, Policy, Token, UnixTime, VMAddress, new_secret, secret_id
from vncproxy.redis.operation import Conversation
from vncproxy.tokens import redis as redis_store
from vncproxy.tokens import scripts
from vncproxy.tokens.records import decode, encode
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
    blocks = re.findall(rf"^```{language}\n(.*?)^```$", page, re.DOTALL | re.MULTILINE)
    (block,) = [block for block in blocks if holds in block]
    return str(block)


class RedisTokenStoreTests(TokenStoreContract, RedisCase):
    """The contract, with no more than the permissions of the documented ACL."""

    short = 2.0

    def setUp(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()
        self.server_options = {"acl": [*acl, "user default on nopass ~* &* +@all"]}
        super().setUp()

    def settings(self, **changes: Any) -> RedisSettings:
        return replace(super().settings(username="vncproxy", password="CHANGE-ME"), **changes)

    def make_store(
        self, resume: float = 3600, kind: type[RedisTokenStore] = RedisTokenStore, **changes: Any
    ) -> RedisTokenStore:
        return RedisCase.make_store(self, resume, kind, **changes)

    def now(self) -> UnixTime:
        return time.time()

    async def pass_time(self, seconds: float) -> None:
        await sleep(seconds + 0.02)

    async def test_documented_portal_writes_a_token(self) -> None:
        script = documented("sh", "redis-cli").replace(
            "-p 6379", f"-p {self.server.port} --user portal --no-auth-warning"
        )
        environment = {**os.environ, "REDISCLI_AUTH": "CHANGE-ME-TOO"}
        written = subprocess.run(
            ["sh", "-eu"], input=script, env=environment, capture_output=True, text=True
        )
        self.assertNotIn("NOPERM", written.stderr)
        secret = written.stdout.strip().removeprefix("https://console.example.com/?token=")
        for index in (f"vncproxy:vm:{VM}", "vncproxy:user:alice"):
            self.assertEqual(self.server.cli("zrange", index, "0", "-1"), secret_id(secret))
            self.assertGreater(int(self.server.cli("pttl", index)), 590_000)
        grant = await self.make_store().redeem(secret)
        self.assertEqual((grant.token.vm, grant.token.user), (VM, "alice"))

    def test_documented_record_is_the_default_of_every_member(self) -> None:
        record = documented("json", '"v": 1')
        token = decode(record.encode())
        self.assertEqual(token, make_token(1_800_000_000))
        self.assertEqual(json.loads(encode(token)), json.loads(record))


class InterruptedStore(RedisTokenStore):
    """A proxy to which something happens between looking at a token and taking its use."""

    interrupt: Callable[[], object]

    async def issue(self, token: Token) -> str:
        secret = await super().issue(token)
        self._issued.clear()  # as if another proxy had issued it
        return secret

    async def _take(
        self, redis: Conversation, token_id: str, record: bytes, cookie_before: str = ""
    ) -> Grant:
        self.interrupt()
        return await super()._take(redis, token_id, record, cookie_before)


class ConcurrencyTests(RedisCase):
    async def test_token_revoked_while_it_is_redeemed_is_refused(self) -> None:
        await self.refused_when("revoked", TokenRevoked, "hset", "state", "revoked", "1")

    async def test_token_that_ends_while_it_is_redeemed_is_refused(self) -> None:
        await self.refused_when("expired", TokenExpired, "del", "token")

    async def test_record_changed_while_it_is_redeemed_is_refused(self) -> None:
        await self.refused_when("unknown", TokenUnknown, "set", "token", "{}", "ex", "60")

    async def refused_when(
        self, why: str, error: type[TokenRefused], command: str, kind: str, *words: str
    ) -> None:
        store = self.make_store(kind=InterruptedStore)
        assert isinstance(store, InterruptedStore)
        secret = await store.issue(self.token())
        key = f"vncproxy:{kind}:{secret_id(secret)}"
        store.interrupt = lambda: self.server.cli(command, key, *words)
        with self.assertRaises(error) as caught:
            await store.redeem(secret)
        self.assertIn(why, caught.exception.detail)

    async def test_token_that_this_proxy_issued_is_judged_by_what_redis_has_now(self) -> None:
        for kind, command in (
            (TokenUnknown, ("set", "token", "{}", "ex", "60")),
            (TokenUnknown, ("set", "token", encode(self.token(user="bob")).decode()[:-1])),
            (TokenExpired, ("del", "token")),
            (TokenRevoked, ("hset", "state", "revoked", "1")),
            (TokenUsed, ("hset", "state", "used", "1")),
        ):
            store = self.make_store()
            secret = await store.issue(self.token())
            word, key, *rest = command
            self.server.cli(word, f"vncproxy:{key}:{secret_id(secret)}", *rest)
            with self.assertRaises(kind):
                await store.redeem(secret)

    async def test_token_that_was_written_anew_is_redeemed_as_it_is_now(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        record = encode(self.token(user="bob")).decode()
        self.server.cli("set", f"vncproxy:token:{secret_id(secret)}", record, "ex", "60")
        self.assertEqual((await store.redeem(secret)).token.user, "bob")

    async def test_one_of_fifty_redemptions_through_two_proxies_wins(self) -> None:
        proxies = [self.make_store(), self.make_store()]
        secret = await proxies[0].issue(self.token())
        outcomes = await at_once(*(proxies[i % 2].redeem(secret) for i in range(50)))
        self.assertEqual(sum(isinstance(o, Grant) for o in outcomes), 1)
        self.assertEqual(sum(isinstance(o, TokenUsed) for o in outcomes), 49)

    async def test_cookie_of_one_proxy_re_enters_at_another(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        grant = await one.redeem(secret)
        await one.confirm(grant)
        self.assertTrue((await other.redeem(secret, grant.resume_secret)).resumed)

    async def test_session_that_opens_at_another_proxy_takes_the_place_of_one_that_opens(
        self,
    ) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        older = await one.redeem(secret)
        newer = await other.redeem(secret, older.resume_secret)
        with self.assertRaises(Superseded):
            await one.confirm(older)
        await one.restore(older)
        await other.confirm(newer)
        with self.assertRaises(TokenUsed):
            await one.redeem(secret)

    async def test_state_names_the_newest_session_of_a_cookie(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        grant = await one.redeem(secret)
        await one.confirm(grant)
        key, field = f"vncproxy:state:{secret_id(secret)}", f"newest:{grant.cookie_id}"
        self.assertEqual(self.server.cli("hget", key, field), grant.claim)
        newer = await other.redeem(secret, grant.resume_secret)
        self.assertEqual(self.server.cli("hget", key, field), newer.claim)

    async def test_use_of_a_proxy_that_died_comes_back(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token(policy=Policy(max_duration=60)))
        self.patch(redis_store, "_OPENING_MS", 1000)
        lost = await one.redeem(secret)
        with self.assertRaises(TokenUsed):
            await other.redeem(secret)
        await sleep(1.1)
        self.assertEqual((await other.show(secret_id(secret))).uses_left, 1)
        self.assertGreater((await other.redeem(secret)).age, 1)
        with self.assertRaises(Superseded):
            await one.confirm(lost)

    async def test_state_that_an_older_proxy_wrote_is_read(self) -> None:
        store = self.make_store()
        secret, cookie = await store.issue(self.token()), new_secret()
        key, now = f"vncproxy:state:{secret_id(secret)}", int(time.time() * 1000)
        resume = ("resume:" + secret_id(cookie), f"{now - 5000}:{now + 60_000}")
        record = encode(self.token()).decode()
        self.server.cli("hset", key, "used", "1", "record", record, *resume)
        grant = await store.redeem(secret, cookie)
        self.assertTrue(grant.resumed)
        self.assertLess(abs(grant.age - 5), 3)
        await store.confirm(grant)
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)

    async def test_revocation_at_one_proxy_holds_at_another(self) -> None:
        one, other = self.make_store(), self.make_store()
        secret = await one.issue(self.token())
        await other.revoke_vm(VM)
        with self.assertRaises(TokenRevoked):
            await one.redeem(secret)


class StorageTests(RedisCase):
    def everything(self) -> str:
        """Return all keys and values as text."""
        lines = []
        for key in self.server.cli("--scan").splitlines():
            read = {"string": ["get"], "hash": ["hgetall"], "zset": ["zrange", "0", "-1"]}
            first, *rest = read[self.server.cli("type", key)]
            lines += [key, self.server.cli(first, key, *rest)]
        return "\n".join(lines)

    def keys(self) -> list[str]:
        return self.server.cli("--scan").splitlines()

    async def test_nothing_but_hashes_is_stored(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret)
        stored = self.everything()
        assert grant.resume_secret is not None
        self.assertIn(secret_id(secret), stored)
        self.assertIn(secret_id(grant.resume_secret), stored)
        self.assertNotIn(secret, stored)
        self.assertNotIn(grant.resume_secret, stored)

    async def test_every_key_ends_by_itself(self) -> None:
        store = self.make_store()
        redeemed, restored, revoked = [await store.issue(self.token()) for _ in range(3)]
        await store.redeem(redeemed)
        await store.restore(await store.redeem(restored))
        await store.revoke(secret_id(revoked))
        await store.issue(self.token(ttl=-5))
        for key in self.keys():
            self.assertGreater(int(self.server.cli("pttl", key)), 0, key)

    async def test_restoring_what_is_gone_makes_no_key(self) -> None:
        store = self.make_store()
        await store.restore(Grant("0" * 64, self.token(), claim="0" * 16))
        self.assertEqual(self.keys(), [])

    async def test_indexes_forget_a_thousand_tokens_that_are_over(self) -> None:
        store = self.make_store()
        await store.issue(self.token(ttl=600))
        await at_once(*(store.issue(self.token(ttl=6)) for _ in range(1000)))
        index = f"vncproxy:vm:{VM}"
        self.assertGreater(int(self.server.cli("zcard", index)), 900)
        await sleep(6.1)
        await store.issue(self.token())
        self.assertEqual(self.server.cli("zcard", index), "2")
        self.assertEqual(self.server.cli("zcard", "vncproxy:user:alice"), "2")

    async def test_state_and_indexes_last_as_long_as_the_cookie(self) -> None:
        store = self.make_store(resume=10_000)
        secret = await store.issue(self.token(ttl=10))
        await store.redeem(secret)
        for key in (f"state:{secret_id(secret)}", f"vm:{VM}", "user:alice"):
            self.assertGreater(int(self.server.cli("ttl", f"vncproxy:{key}")), 9_990, key)

    async def test_indexes_of_what_is_over_are_gone(self) -> None:
        self.patch(redis_store, "_OPENING_MS", 0)
        store = self.make_store(resume=2)
        await store.redeem(await store.issue(self.token(ttl=2)))
        await sleep(2.3)
        self.assertEqual([key for key in self.keys() if ":state:" not in key], [])

    async def test_cookies_that_ended_are_removed_at_the_next_redemption(self) -> None:
        store = self.make_store(resume=0.1)
        secret = await store.issue(self.token(policy=Policy(uses=0)))
        for _ in range(3):
            await store.confirm(await store.redeem(secret))
        await sleep(0.2)
        await store.confirm(await store.redeem(secret))
        fields = self.server.cli("hkeys", f"vncproxy:state:{secret_id(secret)}").splitlines()
        for kind in ("resume:", "newest:"):
            self.assertEqual(sum(field.startswith(kind) for field in fields), 1, kind)
        self.assertEqual(sum(field.startswith("opening:") for field in fields), 0)

    async def test_prefix_keeps_two_installations_apart(self) -> None:
        secret = await self.make_store().issue(self.token())
        with self.assertRaises(TokenUnknown):
            await self.make_store(prefix="other:").redeem(secret)

    async def test_database_number_keeps_two_installations_apart(self) -> None:
        secret = await self.make_store(db=1).issue(self.token())
        with self.assertRaises(TokenUnknown):
            await self.make_store().redeem(secret)
        await self.make_store(db=1).redeem(secret)


class PortalTests(RedisCase):
    """Records that somebody else wrote."""

    def write(self, record: str | bytes, *options: str) -> str:
        secret = new_secret()
        text = record if isinstance(record, str) else record.decode()
        self.server.cli("set", f"vncproxy:token:{secret_id(secret)}", text, *options)
        return secret

    async def refusal(self, secret: str) -> type[Exception]:
        with self.assertRaises(TokenRefused) as caught:
            await self.make_store().redeem(secret)
        return type(caught.exception)

    async def test_record_alone_can_be_redeemed_once(self) -> None:
        secret = self.write(encode(self.token()), "EX", "600")
        self.assertEqual((await self.make_store().redeem(secret)).token.vm, VM)
        self.assertIs(await self.refusal(secret), TokenUsed)

    async def test_record_alone_can_be_shown_and_revoked(self) -> None:
        secret, store = self.write(encode(self.token()), "EX", "600"), self.make_store()
        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)
        self.assertTrue(await store.revoke(secret_id(secret)))
        self.assertIs(await self.refusal(secret), TokenRevoked)

    async def test_redeemed_record_is_found_by_vm_without_an_index_of_the_portal(self) -> None:
        secret, store = self.write(encode(self.token()), "EX", "600"), self.make_store()
        await store.redeem(secret)
        self.assertEqual(list(await store.revoke_vm(VM)), [secret_id(secret)])

    async def test_revoked_token_cannot_be_written_again(self) -> None:
        store = self.make_store()
        secret = self.write(encode(self.token()), "EX", "600")
        await store.revoke(secret_id(secret))
        key = f"vncproxy:token:{secret_id(secret)}"
        self.server.cli("set", key, encode(self.token()).decode(), "EX", "600")
        self.assertIs(await self.refusal(secret), TokenRevoked)

    async def test_record_without_expiry_gets_its_own(self) -> None:
        secret = self.write(encode(self.token(ttl=600, policy=Policy(uses=0))))
        await self.make_store().redeem(secret)
        ttl = int(self.server.cli("ttl", f"vncproxy:token:{secret_id(secret)}"))
        self.assertTrue(590 <= ttl <= 600, ttl)

    async def test_record_without_expiry_whose_time_is_over_is_refused(self) -> None:
        self.assertIs(await self.refusal(self.write(encode(self.token(ttl=-5)))), TokenExpired)

    async def test_malformed_records_are_unknown_and_logged(self) -> None:
        observed: list[LogEvent] = []
        store = self.make_store()
        self.patch(store, "log", Logger(observer=cast(ILogObserver, observed.append)))
        good = encode(self.token()).decode()
        for record in ("", "{}", "10.0.0.5:5900", good[:-1], good.replace('"v":1', '"v":2')):
            secret = self.write(record, "EX", "600")
            for refused in (store.redeem(secret), store.show(secret_id(secret))):
                with self.assertRaises(TokenUnknown):
                    await refused
        self.assertEqual(len(observed), 10)
        self.assertIn("v: ", observed[-1]["reason"])

    async def test_key_of_another_kind_is_unknown(self) -> None:
        secret = new_secret()
        self.server.cli("hset", f"vncproxy:token:{secret_id(secret)}", "host", "10.0.0.5")
        self.assertIs(await self.refusal(secret), TokenUnknown)
        self.flushLoggedErrors()

    async def test_odd_scores_in_an_index_do_no_harm(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        self.server.cli("zadd", f"vncproxy:vm:{VM}", "1e13", "junk", "inf", "more junk")
        self.server.cli("zadd", "vncproxy:user:alice", "9999999999999.5", "junk")
        await store.redeem(secret)
        self.assertEqual(list(await store.revoke_vm(VM)), [secret_id(secret)])

    async def test_index_of_another_kind_takes_no_use(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token(vm=VMAddress("kvm", "other")))
        self.server.cli("del", "vncproxy:user:alice")
        self.server.cli("set", "vncproxy:user:alice", "junk")
        self.assertIn("WRONGTYPE", await self.failure(store.redeem(secret)))
        self.server.cli("del", "vncproxy:user:alice")
        await store.redeem(secret)


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

        async def late(redis: Conversation) -> object:
            await redis.look(scripts.LOOK, ["vncproxy:token:x", "vncproxy:state:x"])
            redis._deadline = 1
            return await store._take(redis, secret_id(secret), encode(self.token()))

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
        self.assertIn("let go", await self.failure(store.ping()))
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
        self.assertIn("let go", await self.failure(waiting))

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


ACL = (
    "user default on nopass ~* &* +@all",
    "user short on >pw ~vncproxy:* -@all +eval +evalsha +time +get +hgetall",
)


class LogInTests(RedisCase):
    server_options = {"acl": ACL}

    async def test_wrong_password_is_named_and_never_shown(self) -> None:
        store = self.make_store(username="short", password="s3cret-typo")
        for _ in range(2):
            detail = await self.failure(store.ping())
            self.assertIn("refuses the log-in: check redis.username and redis.password", detail)
            self.assertNotIn("s3cret-typo", detail)
        self.assertNotIn("s3cret-typo", repr(vars(store._link)))

    async def test_corrected_user_works_without_a_new_store(self) -> None:
        store = self.make_store(username="late", password="pw")
        await self.failure(store.ping())
        self.server.cli("acl", "setuser", "late", "on", ">pw", "~*", "+@all")
        self.assertIn("redis 7", await store.ping())

    async def test_lack_of_a_permission_is_named(self) -> None:
        detail = await self.failure(self.make_store(username="short", password="pw").ping())
        self.assertIn("denies a permission, docs/redis.md has an ACL that suffices", detail)
        self.assertIn("SET", detail)

    async def test_foreign_prefix_is_a_lack_of_permission(self) -> None:
        store = self.make_store(username="short", password="pw", prefix="other:")
        self.assertIn("denies a permission", await self.failure(store.redeem("x")))

    async def test_missing_database_is_named(self) -> None:
        self.assertIn("check redis.db", await self.failure(self.make_store(db=99).ping()))


class PasswordTests(RedisCase):
    server_options = {"password": "pw"}

    async def test_password_without_a_user_is_enough(self) -> None:
        self.assertIn("redis 7", await self.make_store(password="pw").ping())

    async def test_missing_password_is_named(self) -> None:
        detail = await self.failure(self.make_store().ping())
        self.assertIn("asks for a log-in: set redis.password", detail)

    async def test_wrong_password_is_named(self) -> None:
        detail = await self.failure(self.make_store(password="wrong").ping())
        self.assertIn("check redis.username and redis.password", detail)


class NeedlessPasswordTests(RedisCase):
    async def test_needless_password_is_named(self) -> None:
        detail = await self.failure(self.make_store(password="pw").ping())
        self.assertIn("leave redis.password empty", detail)

    async def test_ping_names_version_and_place(self) -> None:
        version = self.server.cli("info", "server").partition("redis_version:")[2].split()[0]
        self.assertEqual(
            await self.make_store().ping(), f"redis {version} at 127.0.0.1:{self.server.port}"
        )

    async def test_ping_leaves_nothing_behind(self) -> None:
        await self.make_store().ping()
        self.assertEqual(self.server.cli("--scan"), "")

    async def test_replica_is_named(self) -> None:
        self.server.cli("replicaof", "127.0.0.1", str(free_port()))
        try:
            detail = await self.failure(self.make_store().ping())
        finally:
            self.server.cli("replicaof", "no", "one")
        self.assertIn("redis.host must name the primary", detail)

    async def test_unix_socket(self) -> None:
        store = self.make_store(path=self.server.path, port=1)
        self.assertIn(f"at {self.server.path}", await store.ping())

    async def test_missing_unix_socket_is_named(self) -> None:
        store = self.make_store(path=self.server.path + "x")
        self.assertIn("cannot be reached: ", await self.failure(store.ping()))

    async def test_unknown_host_is_named(self) -> None:
        detail = await self.failure(self.make_store(host="redis.invalid").ping())
        self.assertIn("redis at redis.invalid:", detail)

    async def test_server_of_another_kind_is_not_waited_for(self) -> None:
        store = self.make_store(tls=True, timeout=1.5)
        self.assertIn("redis at", await self.failure(store.ping()))


class TLSTests(RedisCase):
    server_options = {"tls": True}

    def settings(self, **changes: Any) -> RedisSettings:
        secure = RedisSettings(
            host="localhost", port=self.server.tls_port, tls=True, ca_file=self.server.ca_file
        )
        secure = replace(secure, timeout=self.call_limit)
        return replace(secure, **changes)

    async def test_verified_server_is_used(self) -> None:
        store = self.make_store()
        await store.redeem(await store.issue(self.token()))

    async def test_server_name_may_differ_from_the_host(self) -> None:
        store = self.make_store(host="127.0.0.1", server_name="localhost")
        self.assertIn("redis 7", await store.ping())

    async def test_certificate_for_another_name_is_refused(self) -> None:
        detail = await self.failure(self.make_store(host="127.0.0.1").ping())
        self.assertIn("another name: check redis.server_name", detail)

    async def test_unknown_authority_is_refused(self) -> None:
        detail = await self.failure(self.make_store(ca_file="").ping())
        self.assertIn("cannot be trusted: check redis.tls and redis.ca_file", detail)

    async def test_password_is_not_sent_to_a_server_that_is_not_trusted(self) -> None:
        await self.failure(self.make_store(ca_file="", password="pw").ping())
        self.assertNotIn("cmdstat_auth", self.server.cli("info", "commandstats"))

    async def test_plain_call_to_a_tls_port_fails(self) -> None:
        detail = await self.failure(self.make_store(tls=False).ping())
        self.assertIn("closed the connection", detail)

    async def test_hanging_server_fails_in_time_and_is_used_again(self) -> None:
        store = self.make_store(timeout=3.0)
        await store.ping()
        self.server.pause()
        try:
            await self.failure(store.ping())
        finally:
            self.server.resume()
        self.assertIn("redis 7", await store.ping())

    def test_unusable_file_of_authorities_is_a_mistake_in_the_configuration(self) -> None:
        for ca_file in ("/does/not/exist", __file__):
            with self.assertRaises(ConfigurationError) as caught:
                self.make_store(ca_file=ca_file)
            self.assertIn("redis.ca_file", caught.exception.detail)
