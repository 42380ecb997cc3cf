"""The memory store keeps the contract, and the JSON record refuses unknown keys."""

from __future__ import annotations

import json
import re
from typing import Any

import txredisapi
from twisted.internet.error import ConnectionAborted, ConnectionDone
from twisted.internet.task import Clock
from twisted.trial.unittest import SynchronousTestCase, TestCase

from tests.properties import given
from tests.properties import strategies as st
from tests.tokens.renewal_contract import RenewalContract
from tests.tokens.store_contract import VM, good_once, make_token
from vncproxy.errors import Superseded, TokenExpired, TokenUnknown, TokenUsed
from vncproxy.model import LONGEST_WAIT, ConsoleType, Policy, UnixTime, VMAddress, secret_id
from vncproxy.redis.diagnosis import diagnose
from vncproxy.tokens import scripts
from vncproxy.tokens.memory import MemoryTokenStore
from vncproxy.tokens.records import MalformedRecord, decode, encode
from vncproxy.tokens.resume import OPENING, REMEMBER

NOW = 1_800_000_000.0


class MemoryTokenStoreTests(RenewalContract, TestCase):
    short = 10.0

    def setUp(self) -> None:
        self.clock = Clock()
        self.clock.advance(NOW)
        self.wall_step = 0.0

    def make_store(self, resume: float = 3600) -> MemoryTokenStore:
        return MemoryTokenStore(self.wall_time, resume, self.clock.seconds)

    def wall_time(self) -> UnixTime:
        return self.clock.seconds() + self.wall_step

    def now(self) -> UnixTime:
        return self.wall_time()

    async def pass_time(self, seconds: float) -> None:
        self.clock.advance(seconds)

    async def test_tokens_that_are_long_over_are_forgotten(self) -> None:
        store = self.make_store()
        for _ in range(100):
            await store.issue(self.token(ttl=10))
        await self.pass_time(10 + REMEMBER)
        await store.issue(self.token())
        self.assertEqual(await store.ping(), "memory of this process, 1 tokens")

    async def test_token_that_can_be_resumed_is_not_forgotten(self) -> None:
        store = self.make_store(resume=3 * REMEMBER)
        secret = await store.issue(self.token(ttl=10))
        _, cookie = await self.redeem_with_cookie(store, secret)
        await self.pass_time(2 * REMEMBER)
        await store.issue(self.token())
        self.assertTrue((await store.redeem(secret, cookie)).resumed)

    async def test_token_that_was_resumed_is_forgotten_in_the_end(self) -> None:
        store = self.make_store(resume=3 * REMEMBER)
        secret = await store.issue(self.token(ttl=10))
        await store.redeem(secret)
        for _ in range(3):
            await self.pass_time(REMEMBER)
            await store.issue(self.token())
        await self.pass_time(OPENING)
        await store.issue(self.token())
        await self.assertRefused(TokenUnknown, store, secret)

    async def test_use_of_a_session_that_never_opened_comes_back(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        lost = await store.redeem(secret)
        await self.pass_time(OPENING - 1)
        await self.assertRefused(TokenUsed, store, secret)
        await self.pass_time(1)
        grant = await store.redeem(secret)
        self.assertEqual(grant.age, OPENING)
        with self.assertRaises(Superseded):
            await store.confirm(lost)

    async def test_use_of_a_session_that_waits_for_consent_is_kept_for_as_long(self) -> None:
        store = self.make_store()
        for policy in (Policy(banner="text"), Policy(approval=1)):
            secret = await store.issue(self.token(policy=policy, ttl=2 * LONGEST_WAIT))
            waiting = await store.redeem(secret)
            await self.pass_time(LONGEST_WAIT)
            await self.assertRefused(TokenUsed, store, secret)
            await store.confirm(waiting)

    async def test_step_of_the_wall_clock_changes_no_life(self) -> None:
        store = self.make_store(resume=600)
        fresh, spent = await store.issue(self.token(ttl=600)), await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, spent)
        for step in (-3600.0, 3600.0):
            self.wall_step = step
            self.assertEqual((await store.show(secret_id(fresh))).uses_left, 1)
            self.assertTrue((await store.redeem(spent, cookie)).resumed)
            await store.enter(good_once(f"of {step}"))
            with self.assertRaises(TokenUsed):
                await store.enter(good_once(f"of {step}"))
        self.wall_step = -3600
        await self.pass_time(600)
        await self.assertRefused(TokenExpired, store, fresh)
        await self.assertRefused(TokenExpired, store, spent, cookie)

    async def test_secret_is_not_kept(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        _, cookie = await self.redeem_with_cookie(store, secret)
        self.assertNotIn(secret, repr(vars(store)))
        self.assertNotIn(cookie, repr(vars(store)))
        self.assertIn(secret_id(secret), repr(vars(store)))

    async def test_closing_is_harmless(self) -> None:
        await self.make_store().close()


def make_record(**changes: Any) -> bytes:
    record = {
        "v": 1,
        "vm": "kvm/web-01",
        "user": "alice",
        "type": "novnc",
        "policy": {"uses": 2},
        "issued_at": NOW,
        "expires_at": NOW + 600,
    }
    return json.dumps({**record, **changes}).encode()


class RecordTests(SynchronousTestCase):
    def assertMalformed(self, record: bytes, complaint: str) -> None:
        with self.assertRaises(MalformedRecord) as caught:
            decode(record)
        self.assertIn(complaint, str(caught.exception))

    def test_record_is_read(self) -> None:
        self.assertEqual(decode(make_record()), make_token(NOW, policy=Policy(uses=2)))

    def test_policy_may_be_left_out(self) -> None:
        record = json.loads(make_record())
        del record["policy"]
        self.assertEqual(decode(json.dumps(record).encode()).policy, Policy())

    def test_written_record_is_the_documented_one(self) -> None:
        written = json.loads(encode(make_token(NOW, vm=VM, type=ConsoleType.XVPVNC)))
        self.assertEqual(
            written,
            {
                "v": 1,
                "vm": "kvm/web-01",
                "user": "alice",
                "type": "xvpvnc",
                "policy": {
                    "mode": "control",
                    "sharing": "shared",
                    "max_duration": None,
                    "idle_timeout": None,
                    "client_networks": [],
                    "allowed_origins": [],
                    "record": False,
                    "uses": 1,
                },
                "issued_at": NOW,
                "expires_at": NOW + 600,
            },
        )

    def test_other_version_is_refused(self) -> None:
        self.assertMalformed(make_record(v=2), "v: ")

    def test_unknown_member_is_refused(self) -> None:
        self.assertMalformed(make_record(colour="red"), "colour: ")

    def test_unknown_part_of_the_policy_is_refused(self) -> None:
        self.assertMalformed(make_record(policy={"clipboard": False}), "policy.clipboard: ")

    def test_vm_without_backend_is_refused(self) -> None:
        self.assertMalformed(make_record(vm="web-01"), "vm: ")
        self.assertMalformed(make_record(vm=5), "vm: ")

    def test_number_that_is_no_time_is_refused(self) -> None:
        self.assertMalformed(make_record(expires_at=float("inf")), "expires_at: ")
        self.assertMalformed(make_record(expires_at=1e300), "expires_at: ")

    def test_what_is_no_json_is_refused(self) -> None:
        self.assertMalformed(b"", "record: ")
        self.assertMalformed(b"10.0.0.5:5900", "record: ")
        self.assertMalformed(b"[]", "record: ")

    def test_complaint_does_not_quote_values(self) -> None:
        with self.assertRaises(MalformedRecord) as caught:
            decode(make_record(vm="quoted", user=["quoted"], policy={"mode": "quoted"}))
        self.assertNotIn("quoted", str(caught.exception))

    @given(st.binary(max_size=60))
    def test_random_bytes_are_malformed(self, record: bytes) -> None:
        self.assertRaises(MalformedRecord, decode, record)

    @given(
        user=st.text(st.characters(exclude_categories=["Cs"])),
        vm=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=255),
        uses=st.integers(min_value=0, max_value=2**63),
    )
    def test_what_is_written_is_read(self, user: str, vm: str, uses: int) -> None:
        token = make_token(NOW, user=user, vm=VMAddress("kvm", vm), policy=Policy(uses=uses))
        self.assertEqual(decode(encode(token)), token)


class DiagnosisTests(SynchronousTestCase):
    def test_call_that_fell_with_another_call_says_so(self) -> None:
        said = diagnose(txredisapi.ConnectionError("Lost connection"), ConnectionAborted())
        self.assertIn("did not answer another call in time", said)

    def test_connection_that_redis_ended_is_told(self) -> None:
        said = diagnose(txredisapi.ConnectionError("Lost connection"), ConnectionDone())
        self.assertEqual(said, "closed the connection")

    def test_arguments_that_redis_quotes_are_left_out(self) -> None:
        error = txredisapi.ResponseError(
            "unknown command 'AUTH', with args beginning with: 's3cret'"
        )
        self.assertEqual(diagnose(error, None), "answers: unknown command 'AUTH'")

    def test_error_without_words_is_named(self) -> None:
        self.assertEqual(diagnose(OSError(), None), "cannot be reached: OSError")


def all_scripts() -> dict[str, str]:
    return {name: getattr(scripts, name) for name in scripts.__all__ if name != "PRELUDE"}


class ScriptTests(SynchronousTestCase):
    def test_probe_tries_every_command_that_a_script_uses(self) -> None:
        used = set(re.findall(r"redis\.p?call\('(\w+)'", "".join(all_scripts().values())))
        tried = set(re.findall(r"\{'(\w+)'", scripts.PROBE)) | {"TIME"}
        self.assertEqual(used - tried, set())

    def test_every_script_that_changes_something_begins_with_the_time_limit(self) -> None:
        for name, text in all_scripts().items():
            if name != "LOOK":
                self.assertTrue(text.startswith(scripts.PRELUDE), name)

    def test_looking_changes_nothing(self) -> None:
        unnamed = "redis.pcall('HDEL', KEYS[2], '')"  # a field that no script ever sets
        self.assertEqual(scripts.LOOK.count(unnamed), 1)
        used = set(re.findall(r"redis\.p?call\('(\w+)'", scripts.LOOK.replace(unnamed, "")))

        self.assertEqual(used, {"TIME", "GET", "HGETALL"})
