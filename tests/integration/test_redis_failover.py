"""A Redis that is not in charge any more, or late: what it costs, against real servers."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Awaitable, Callable
from typing import Any, cast

from twisted.internet import reactor
from twisted.internet.defer import Deferred
from twisted.protocols.portforward import ProxyFactory

from tests.components.ports import free_port
from tests.components.redis_case import InterruptedStore, RedisCase, at_once, outcome, sleep
from tests.components.redis_server import RedisServer
from tests.tokens.store_contract import VM
from vncproxy.errors import StoreUnavailable, TokenRevoked, TokenUsed
from vncproxy.model import Grant, secret_id
from vncproxy.redis import link
from vncproxy.redis import protocol as protocols
from vncproxy.tokens.redis import RedisTokenStore


class MovableAddress:
    """An address behind which another server can be put: as a name or a balancer does it.

    Connections that exist stay with the server that they were made to.
    """

    def __init__(self, case: RedisCase, server: RedisServer) -> None:
        self.factory: Any = ProxyFactory("127.0.0.1", server.port)
        self.factory.noisy = False
        listening = cast(Any, reactor).listenTCP(0, self.factory, interface="127.0.0.1")
        case.addCleanup(listening.stopListening)
        self.port = listening.getHost().port

    def lead_to(self, server: RedisServer) -> None:
        self.factory.port = server.port


class FailoverTests(RedisCase):
    """A connection that leads to a server which is not in charge is left for another one."""

    call_limit = 10.0

    def setUp(self) -> None:
        super().setUp()
        self.other = RedisServer()
        self.addCleanup(self.other.remove)
        self.other.start()
        self.address = MovableAddress(self, self.server)
        self.patch(link, "REDIAL_AFTER", 0.2)

    async def store_in_use(self) -> RedisTokenStore:
        """Return a store that has been connected for longer than it keeps any connection."""
        store = self.make_store(port=self.address.port)
        await store.issue(self.token())
        await sleep(0.3)
        return store

    async def is_left(self, store: RedisTokenStore, why: str) -> None:
        """Fail once for a reason, and then use the server that the address leads to."""
        self.address.lead_to(self.other)
        self.assertIn(why, await self.failure(store.issue(self.token())))
        await store.issue(self.token())
        self.assertIn("vncproxy:token:", self.other.cli("--scan"))

    async def until(self, done: Callable[[], Awaitable[bool] | bool]) -> None:
        give_up = time.monotonic() + 60
        while not done():
            self.assertLess(time.monotonic(), give_up)
            await sleep(0.02)

    async def test_primary_that_became_a_replica(self) -> None:
        store = await self.store_in_use()
        self.server.cli("replicaof", "127.0.0.1", str(self.other.port))
        await self.is_left(store, "is a read-only replica")

    async def test_replica_is_left_by_calls_that_only_look(self) -> None:
        store = await self.store_in_use()
        secret = await store.issue(self.token())
        self.other.cli("replicaof", "127.0.0.1", str(self.server.port))
        await self.until(lambda: secret_id(secret) in self.other.cli("--scan"))
        self.other.cli("replicaof", "no", "one")
        self.server.cli("replicaof", "127.0.0.1", str(self.other.port))
        self.address.lead_to(self.other)
        self.assertIn("read-only replica", await self.failure(store.show(secret_id(secret))))
        await store.redeem(secret)

    async def test_server_that_loads_its_data(self) -> None:
        self.server.cli("mset", *(word for i in range(2000) for word in (f"key-{i}", "x" * 100)))
        self.server.cli("save")
        self.server.stop()
        self.server.options += ["--loading-process-events-interval-bytes", "1024"]
        self.server.options += ["--key-load-delay", "50000"]
        self.server.start(loaded=False)
        store = self.make_store(port=self.address.port)
        self.assertIn("still loading", await self.failure(store.issue(self.token())))
        self.address.lead_to(self.other)
        await sleep(0.3)
        await outcome(store.issue(self.token()))
        await store.issue(self.token())
        self.assertIn("vncproxy:token:", self.other.cli("--scan"))
        self.assertIn("loading:1", self.server.cli("info", "persistence"))

    async def test_replica_that_lost_its_primary(self) -> None:
        store = await self.store_in_use()
        self.server.cli("config", "set", "replica-serve-stale-data", "no")
        self.server.cli("replicaof", "127.0.0.1", str(free_port()))
        await self.is_left(store, "is a replica that has lost its primary")

    async def test_primary_that_was_cut_off_from_its_replicas(self) -> None:
        store = await self.store_in_use()
        self.server.cli("config", "set", "min-replicas-to-write", "1")
        await self.is_left(store, "has lost its replicas")

    async def test_one_that_only_looks_fails_there_too(self) -> None:
        store = await self.store_in_use()
        self.server.cli("config", "set", "min-replicas-to-write", "1")
        self.assertIn("has lost its replicas", await self.failure(store.check()))

    async def test_right_server_in_trouble_keeps_its_connection(self) -> None:
        store = await self.store_in_use()
        before = self.connections()
        self.server.cli("config", "set", "maxmemory", "1")
        self.assertIn("maxmemory", await self.failure(store.issue(self.token())))
        self.server.cli("config", "set", "maxmemory", "0")
        await store.issue(self.token())
        self.assertEqual(self.connections(), before)

    async def test_server_that_is_busy_with_a_script_is_named(self) -> None:
        store = await self.store_in_use()
        before = self.connections()
        self.server.cli("config", "set", "busy-reply-threshold", "1")
        words = ["redis-cli", "-s", self.server.path, "eval", "while true do end", "0"]
        with subprocess.Popen(words, stdout=subprocess.DEVNULL) as endless:
            await sleep(0.3)
            self.assertIn("busy with a script", await self.failure(store.issue(self.token())))
            self.server.cli("script", "kill")
            endless.wait(60)
        await store.issue(self.token())
        self.assertEqual(self.connections(), before)

    async def test_server_that_cannot_save_is_named(self) -> None:
        store = await self.store_in_use()
        (self.server.folder / "dump.rdb").mkdir()
        self.server.cli("config", "set", "save", "3600 1")
        self.server.cli("bgsave")
        await self.until(
            lambda: "rdb_last_bgsave_status:err" in self.server.cli("info", "persistence")
        )
        self.assertIn("cannot save to its disk", await self.failure(store.issue(self.token())))

    async def test_redials_of_a_replica_are_bounded(self) -> None:
        self.patch(link, "REDIAL_AFTER", 60.0)
        store = await self.store_in_use()
        self.server.cli("replicaof", "127.0.0.1", str(free_port()))
        before = self.connections()
        for _ in range(20):
            await self.failure(store.issue(self.token()))
        self.assertEqual(self.connections(), before)

    def connections(self) -> int:
        """Return how many connections over TCP there have been."""
        clients = self.server.cli("client", "list").splitlines()
        return max(int(line.split()[0].partition("=")[2]) for line in clients if ":0 " not in line)


class CrowdedServerTests(RedisCase):
    server_options = {"options": ["--maxclients", "3"]}

    async def test_server_without_room_for_another_connection_is_named(self) -> None:
        stores = [self.make_store() for _ in range(3)]
        for store in stores:
            await store.check()
        store = self.make_store()
        for _ in range(2):  # the error may be lost with the connection
            detail = await self.failure(store.check())
            self.assertRegex(detail, "raise its maxclients|closed the connection")
        await stores.pop().close()
        await sleep(0.1)
        await store.check()


class FullServerTests(RedisCase):
    """With ``maxmemory`` reached no token is issued, and those that there are work to the end."""

    async def full(self, store: RedisTokenStore) -> None:
        await store.ping()
        self.server.cli("config", "set", "maxmemory", "1")

    async def test_issuing_is_refused_in_words(self) -> None:
        store = self.make_store()
        await self.full(store)
        detail = await self.failure(store.issue(self.token()))
        self.assertIn("has reached its maxmemory and refuses to store more", detail)
        self.assertEqual(self.server.cli("--scan"), "")

    async def test_token_is_redeemed_resumed_and_revoked(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await self.full(store)
        grant = await store.redeem(secret)
        await store.confirm(grant)
        self.assertTrue((await store.redeem(secret, grant.resume_secret)).resumed)
        self.assertTrue(await store.revoke(grant.token_id))
        with self.assertRaises(TokenRevoked):
            await store.redeem(secret)

    async def test_it_counts_as_ready(self) -> None:
        store = self.make_store()
        await self.full(store)

        await store.check()

        self.assertIn("maxmemory", await self.failure(store.ping()))

    async def test_a_replica_does_not(self) -> None:
        store = self.make_store()
        await store.check()
        self.server.cli("replicaof", "127.0.0.1", "1")

        self.assertIn("read-only replica", await self.failure(store.check()))

    async def test_use_is_given_back(self) -> None:
        store = self.make_store(resume=0)
        secret = await store.issue(self.token())
        await self.full(store)
        await store.restore(await store.redeem(secret))
        await store.redeem(secret)

    async def test_tokens_of_a_machine_are_revoked(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await self.full(store)
        self.assertEqual(list(await store.revoke_vm(VM)), [secret_id(secret)])


class LateAnswerTests(RedisCase):
    """A late answer fails its own call; a server that has stopped answering is left."""

    call_limit = 3.0

    async def test_late_answer_fails_no_other_call(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        self.server.pause()
        late = Deferred.fromCoroutine(outcome(store.ping()))
        await sleep(2.0)
        other = Deferred.fromCoroutine(store.redeem(secret))
        self.assertIsInstance(await late, StoreUnavailable)
        self.server.resume()
        self.assertIsInstance(await other, Grant)

    async def test_use_that_was_taken_without_an_answer_is_given_back_at_once(self) -> None:
        store = self.make_store(kind=InterruptedStore)
        assert isinstance(store, InterruptedStore)
        secret = await store.issue(self.token())
        deaf = cast(Any, store._link._protocol).transport
        store.interrupt = deaf.pauseProducing
        self.assertIn("does not answer", await self.failure(store.redeem(secret)))
        self.assertIn("used\n", self.server.cli("hgetall", f"vncproxy:state:{secret_id(secret)}"))
        store.interrupt = lambda: None
        await sleep(0.2)
        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)
        await store.confirm(await store.redeem(secret))
        with self.assertRaises(TokenUsed):
            await store.redeem(secret)

    async def test_answer_of_a_call_that_was_given_up_is_no_other_calls(self) -> None:
        store = self.make_store()
        secrets = [await store.issue(self.token(user=str(n))) for n in range(20)]
        given_up = Deferred.fromCoroutine(outcome(store.redeem(secrets[0])))
        rest = Deferred.fromCoroutine(at_once(*(store.redeem(s) for s in secrets[1:])))
        given_up.addErrback(lambda _: None)
        given_up.cancel()
        users = [o.token.user if isinstance(o, Grant) else o for o in await rest]
        self.assertEqual(users, [str(n) for n in range(1, 20)])

    async def test_server_that_hangs_is_left_with_its_connection(self) -> None:
        store = self.make_store()
        address = MovableAddress(self, self.server)
        other = RedisServer()
        self.addCleanup(other.remove)
        other.start()
        store = self.make_store(port=address.port)
        await store.ping()
        self.server.pause()
        address.lead_to(other)
        self.assertIn("does not answer in time", await self.failure(store.ping()))
        await store.ping()
        self.server.resume()

    async def test_calls_that_a_slow_server_has_not_answered_are_bounded(self) -> None:
        self.patch(link, "MOST_UNANSWERED", 5)
        store = self.make_store()
        await store.ping()
        self.server.pause()
        calls = at_once(*(store.ping() for _ in range(7)))
        self.server.resume()
        refused = [o for o in await calls if isinstance(o, StoreUnavailable)]
        self.assertEqual(len(refused), 2)
        self.assertIn("has not answered 5 calls yet", refused[0].detail)

    async def test_answer_to_no_call_ends_the_connection(self) -> None:
        store = self.make_store()
        await store.ping()
        protocol = store._link._protocol
        assert isinstance(protocol, protocols.Protocol)
        protocol.dataReceived(b"+OK\r\n")
        await sleep(0.05)
        self.assertFalse(protocol.connected)
        await store.ping()
