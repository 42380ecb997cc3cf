"""How real sentinels are reached, and what is said about them."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from pydantic import SecretStr
from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.trial.unittest import TestCase

from tests.components.ports import free_port
from tests.components.redis_case import documented, sleep
from tests.components.redis_sentinels import MASTER, SentinelServer
from tests.components.redis_server import RedisServer
from tests.doubles.external_tokens import source_context
from tests.tokens.store_contract import make_token
from vncproxy.config.redis import RedisSettings
from vncproxy.errors import ConfigurationError, StoreUnavailable
from vncproxy.tokens.external.websockify_redis import RedisTokens, RedisTokensSettings
from vncproxy.tokens.redis import RedisTokenStore

HOST = "127.0.0.1"
ADMIN = "user admin on >pw allchannels +@all"


class SentinelCase(TestCase):
    """Servers and sentinels that a test starts itself."""

    timeout = 300

    def server(self, **options: Any) -> RedisServer:
        server = RedisServer(**options)
        self.addCleanup(server.remove)
        server.start()
        return server

    def sentinel(
        self, primary: RedisServer, lines: Sequence[str] = (), host: str = HOST, **options: Any
    ) -> SentinelServer:
        sentinel = SentinelServer((host, primary.port), lines=lines, **options)
        self.addCleanup(sentinel.remove)
        return sentinel.start()

    def store(self, *sentinels: str, **changes: Any) -> RedisTokenStore:
        changes = {"master": MASTER, "timeout": 10.0, **changes}
        settings = RedisSettings(sentinels=sentinels, **changes)
        store = RedisTokenStore(reactor, settings, time.time, 3600)
        self.addCleanup(lambda: Deferred.fromCoroutine(store.close()))
        return store

    async def failure(self, store: RedisTokenStore) -> str:
        with self.assertRaises(StoreUnavailable) as caught:
            await store.check()
        return str(caught.exception.detail)

    async def report(self, store: RedisTokenStore) -> tuple[str, str]:
        """Return text and advice about the only sentinel."""
        ((_, text, advice),) = await store.sentinels()
        return text, advice


class ReportTests(SentinelCase):
    def setUp(self) -> None:
        self.primary = self.server()

    async def test_a_sentinel_in_order(self) -> None:
        self.server(options=["--replicaof", HOST, str(self.primary.port)])
        sentinel = self.sentinel(self.primary, quorum=1)
        store = self.store(sentinel.address)
        while "1 replicas" not in (await self.report(store))[0]:
            await sleep(0.2)

        text, advice = await self.report(store)

        self.assertEqual(
            text, f"names {HOST}:{self.primary.port}, 1 replicas and 0 other sentinels"
        )
        self.assertEqual(advice, "")
        self.assertIn(f'at {HOST}:{self.primary.port}, master "{MASTER}"', await store.ping())

    async def test_a_master_that_it_does_not_know(self) -> None:
        sentinel = self.sentinel(self.primary)
        store = self.store(sentinel.address, master="mymaster")

        text, advice = await self.report(store)

        self.assertEqual(text, f'does not know "mymaster"; it knows {MASTER}')
        self.assertIn("`sentinel monitor`", advice)
        self.assertEqual(
            await self.failure(store),
            f'no sentinel names the master "mymaster": sentinel at {sentinel.address} does not '
            "know it",
        )

    async def test_a_primary_that_needs_no_replica_to_take_changes_is_warned_of(self) -> None:
        store = self.store(self.sentinel(self.primary, quorum=1).address)
        self.assertIn("min-replicas-to-write 1", "".join(await store.losses()))
        self.primary.cli("config", "set", "min-replicas-to-write", "1")
        self.assertNotIn("min-replicas-to-write 1", "".join(await store.losses()))

    async def test_nothing_to_fail_over_to(self) -> None:
        store = self.store(self.sentinel(self.primary, quorum=1).address)
        text, advice = await self.report(store)
        self.assertIn("0 replicas", text)
        self.assertIn("there is nothing to fail over to", text)
        self.assertEqual(advice, "add a replica")

    async def test_too_few_sentinels_for_a_failover(self) -> None:
        store = self.store(self.sentinel(self.primary, quorum=2).address)
        text, advice = await self.report(store)
        self.assertIn("no quorum", text)
        self.assertEqual(advice, "start the other sentinels")

    async def test_one_that_is_not_there_and_one_that_hangs(self) -> None:
        good, hangs = [self.sentinel(self.primary, quorum=1) for _ in range(2)]
        hangs.pause()
        absent = f"{HOST}:{free_port()}"
        store = self.store(absent, hangs.address, good.address, timeout=4.0)

        await store.issue(make_token(time.time()))
        reports = {sentinel: text for sentinel, text, _ in await store.sentinels()}

        self.assertIn("cannot be reached: ", reports[absent])
        self.assertIn("does not answer in time", reports[hangs.address])
        self.assertIn(f"names {HOST}:{self.primary.port}", reports[good.address])
        self.assertEqual(list(reports), [absent, hangs.address, good.address])

    async def test_sentinels_that_disagree(self) -> None:
        other = self.server()
        right = [self.sentinel(self.primary, quorum=1) for _ in range(2)]
        wrong = self.sentinel(other, quorum=1)
        store = self.store(wrong.address, *(each.address for each in right))

        (_, text, _), *_ = await store.sentinels()

        self.assertIn(f"names {HOST}:{other.port}, and most of the others another one", text)

    async def test_a_server_that_a_sentinel_takes_for_the_primary_and_is_none(self) -> None:
        stale = self.sentinel(self.primary, ["sentinel down-after-milliseconds console 60000"])
        other = self.server()
        right = self.sentinel(other)
        self.primary.cli("replicaof", HOST, str(other.port))

        store = self.store(stale.address, right.address)
        await store.issue(make_token(time.time()))

        self.assertIn(f"at {HOST}:{other.port}", await store.ping())

    async def test_only_a_stale_one(self) -> None:
        stale = self.sentinel(self.primary)
        self.primary.cli("replicaof", HOST, str(free_port()))
        store = self.store(stale.address)
        self.assertEqual(
            await self.failure(store),
            f"redis at {HOST}:{self.primary.port} is a replica, although a sentinel names it: a "
            "failover may be under way",
        )

    async def test_something_that_is_no_sentinel(self) -> None:
        text, _ = await self.report(self.store(f"{HOST}:{self.primary.port}"))
        self.assertIn("unknown command 'SENTINEL'", text)


class TokenSourceTests(SentinelCase):
    async def test_websockifys_redis_is_found_by_sentinels_too(self) -> None:
        primary = self.server()
        sentinel = self.sentinel(primary, quorum=1)
        settings = RedisTokensSettings(sentinels=(sentinel.address,), master=MASTER, timeout=5.0)
        source = RedisTokens(source_context(reactor, settings=settings))
        self.addCleanup(lambda: Deferred.fromCoroutine(source.close()))
        primary.cli("set", "a-token-of-websockify", "192.0.2.1:5900")

        grant = await source.redeem("a-token-of-websockify")

        assert grant is not None and grant.endpoint is not None
        self.assertEqual((grant.endpoint.host, grant.endpoint.port), ("192.0.2.1", 5900))
        where = f"{HOST}:{primary.port}"
        self.assertEqual(await source.probe(), f'redis at {where}, master "{MASTER}" answers')
        ((_, text, _),) = await source.sentinels()
        self.assertIn(f"names {where}", text)


class NameTests(SentinelCase):
    async def test_names_that_sentinels_announce(self) -> None:
        primary = self.server(tls=True)
        lines = ["sentinel announce-hostnames yes"]
        sentinel = self.sentinel(primary, lines, host="localhost", quorum=1)
        self.assertIn("localhost", sentinel.cli("sentinel", "master", MASTER))
        store = self.store(sentinel.address)

        self.assertIn(f"at localhost:{primary.port}", await store.ping())


class TLSTests(SentinelCase):
    def setUp(self) -> None:
        self.primary = self.server(tls=True)
        # sentinels dial the port that they are told, which is the one with TLS
        self.primary.port, self.plain = self.primary.tls_port, self.primary.port
        self.primary_tls = {"tls": True, "ca_file": self.primary.ca_file}

    def tls_sentinel(self, host: str) -> SentinelServer:
        lines = ["tls-replication yes", "sentinel announce-hostnames yes"]
        return self.sentinel(self.primary, lines, host=host, quorum=1, tls=True)

    async def test_the_announced_name_is_verified(self) -> None:
        sentinel = self.tls_sentinel("localhost")
        secure = {"sentinel_tls": True, "sentinel_ca_file": sentinel.ca_file, **self.primary_tls}
        store = self.store(sentinel.address, **secure)
        self.assertIn(f"at localhost:{self.primary.tls_port}", await store.ping())

    async def test_another_name_is_refused_unless_it_is_configured(self) -> None:
        sentinel = self.tls_sentinel(HOST)
        secure = {"sentinel_tls": True, "sentinel_ca_file": sentinel.ca_file, **self.primary_tls}
        detail = await self.failure(self.store(sentinel.address, **secure))
        self.assertIn("another name: check redis.server_name", detail)

        store = self.store(sentinel.address, server_name="localhost", **secure)
        self.assertIn("redis 7", await store.ping())

    async def test_a_sentinel_that_cannot_be_trusted(self) -> None:
        sentinel = self.tls_sentinel("localhost")
        store = self.store(sentinel.address, sentinel_tls=True, **self.primary_tls)
        self.assertIn(
            "cannot be trusted: check redis.sentinel_tls and redis.sentinel_ca_file",
            await self.failure(store),
        )

    def test_a_file_of_authorities_that_cannot_be_used(self) -> None:
        with self.assertRaises(ConfigurationError) as caught:
            self.store("s1", sentinel_tls=True, sentinel_ca_file="/does/not/exist")
        self.assertIn("redis.sentinel_ca_file /does/not/exist", caught.exception.detail)


class AccountTests(SentinelCase):
    def setUp(self) -> None:
        self.primary = self.server()
        line = documented("conf", "+sentinel|").replace("CHANGE-ME", "horse").strip()
        self.instance = self.sentinel(self.primary, [line, ADMIN, "user default off"], quorum=1)

    def admin(self, *words: str) -> str:
        return self.instance.cli("--user", "admin", "--pass", "pw", "--no-auth-warning", *words)

    async def test_the_documented_one_suffices_for_everything(self) -> None:
        account = {"sentinel_username": "vncproxy", "sentinel_password": SecretStr("horse")}
        store = self.store(self.instance.address, **account)

        text, _ = await self.report(store)
        await store.issue(make_token(time.time()))
        while " sub=2 " not in self.admin("client", "list"):
            await sleep(0.1)

        self.assertIn("0 replicas and 0 other sentinels", text)
        self.assertIn("nothing to fail over to", text)

    async def test_a_wrong_password_is_named_and_not_shown(self) -> None:
        account = {"sentinel_username": "vncproxy", "sentinel_password": SecretStr("typo")}
        store = self.store(self.instance.address, **account)

        text, _ = await self.report(store)

        self.assertIn("check redis.sentinel_username and redis.sentinel_password", text)
        self.assertNotIn("typo", text)

    async def test_a_missing_one_is_named(self) -> None:
        text, _ = await self.report(self.store(self.instance.address))
        self.assertIn("asks for a log-in: set redis.sentinel_password", text)
