"""The Redis store keeps the contract against a real redis-server, and its documented records."""

from __future__ import annotations

import json
import os
import subprocess
import time
from typing import Any, cast

from twisted.logger import ILogObserver, LogEvent, Logger

from tests.components.redis_case import RedisCase, at_once, documented, sleep
from tests.tokens.renewal_contract import RenewalContract
from tests.tokens.store_contract import VM, make_token
from vncproxy.errors import (
    TokenExpired,
    TokenRefused,
    TokenRevoked,
    TokenUnknown,
    TokenUsed,
)
from vncproxy.model import Grant, Policy, UnixTime, VMAddress, new_secret, secret_id
from vncproxy.tokens import redis_sessions
from vncproxy.tokens.records import decode, encode
from vncproxy.tokens.redis import RedisSettings, RedisTokenStore


class RedisTokenStoreTests(RenewalContract, RedisCase):
    """The contract, with no more than the permissions of the documented ACL."""

    short = 2.0

    def setUp(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()
        self.server_options = {"acl": [*acl, "user default on nopass ~* &* +@all"]}
        super().setUp()

    def settings(self, **changes: Any) -> RedisSettings:
        return super().settings(**{"username": "vncproxy", "password": "CHANGE-ME", **changes})

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
        record = documented("json", '"policy"')
        token = decode(record.encode())
        self.assertEqual(token, make_token(1_800_000_000))
        self.assertEqual(json.loads(encode(token)), json.loads(record))


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

    async def test_use_of_a_session_that_waits_for_consent_is_kept_for_as_long(self) -> None:
        store = self.make_store()
        for policy, seconds in ((Policy(), 120), (Policy(banner="text"), 3720)):
            secret = await store.issue(self.token(policy=policy))
            await store.redeem(secret)
            values = self.server.cli("hgetall", f"vncproxy:state:{secret_id(secret)}").split()
            opening = next(n for n, word in enumerate(values) if word.startswith("opening:"))
            first, _, until = values[opening + 1].partition(":")
            self.assertEqual((int(until) - int(first)) / 1000, seconds)

    async def test_indexes_of_what_is_over_are_gone(self) -> None:
        self.patch(redis_sessions, "_OPENING_MS", 0)
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
    """Records that another program wrote."""

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
