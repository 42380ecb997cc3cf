"""Processes of the cluster at a real Redis, with no more than the documented permissions."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Collection
from dataclasses import replace
from typing import Any

from twisted.internet import reactor
from twisted.internet.defer import Deferred

from tests.components.redis_case import RedisCase, documented, sleep
from tests.doubles.api import session
from tests.doubles.cluster import LocalSessions
from vncproxy.cluster.cluster import Cluster
from vncproxy.errors import EndedByAdministrator, StoreUnavailable, Superseded
from vncproxy.model import Announcement, Ended, Identity, SessionFilter, SessionInfo, Unconfirmed
from vncproxy.tokens.redis import RedisSettings

IN_TIME = 30.0
WHY = EndedByAdministrator("by key 'portal'")


class Member:
    """One process of the cluster.

    Attributes:
        revoked: tokens that are revoked.
        looked_up: tokens that were looked up.
        drained: how often it was told to drain.
    """

    def __init__(self, name: str, settings: RedisSettings, worker: int = 0) -> None:
        self.sessions = LocalSessions()
        self.revoked: set[str] = set()
        self.looked_up: list[str] = []
        self.drained = 0
        worker_id = (name + str(worker)).encode().hex().ljust(16, "0")
        self.identity = Identity(name.encode().hex().ljust(16, "0"), worker_id, name, "", worker)
        self.cluster = Cluster(
            self.identity,
            settings,
            self.sessions,
            lambda: Announcement(self.identity, sessions=len(self.sessions.live)),
            self._look_up,
            self._drain,
            reactor,
        )

    async def _look_up(self, tokens: Collection[str]) -> frozenset[str]:
        self.looked_up += tokens
        return frozenset(self.revoked & {*tokens})

    def _drain(self) -> None:
        self.drained += 1

    def open(self, session_id: str, **more: Any) -> SessionInfo:
        """Let it have a session."""
        name, proxy_id = self.identity.name, self.identity.proxy_id
        info = replace(session(session_id, **more), proxy=name, proxy_id=proxy_id)
        self.sessions.add(info)
        self.cluster.publisher.opened(info)
        return info

    def close(self, session_id: str) -> None:
        """End one of its sessions."""
        self.cluster.publisher.closed(self.sessions.live.pop(session_id), WHY)

    async def seen(self, **criteria: Any) -> list[str]:
        """Return the ids of the sessions of all that meet criteria."""
        return [each.id for each in await self.cluster.sessions.list(SessionFilter(**criteria))]


class ClusterCase(RedisCase):
    def setUp(self) -> None:
        acl = documented("", "user vncproxy on").splitlines()
        self.server_options = {"acl": [*acl, "user default on nopass ~* &* +@all"]}
        super().setUp()

    def settings(self, **changes: Any) -> RedisSettings:
        return super().settings(**{"username": "vncproxy", "password": "CHANGE-ME", **changes})

    async def member(self, name: str, worker: int = 0, **settings: Any) -> Member:
        """Start a process, and wait until it is announced and reads orders."""
        member = Member(name, self.settings(**settings), worker)
        member.cluster.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(member.cluster.stop()))
        worker_id = member.identity.worker_id
        await self.until(lambda: self.cli("exists", f"worker:{worker_id}") == "1")
        await self.until(lambda: self.readers(f"acks:{worker_id}") == "1")
        return member

    def cli(self, command: str, key: str, *words: str) -> str:
        return self.server.cli(command, f"vncproxy:{key}", *words)

    def readers(self, channel: str) -> str:
        return self.server.cli("pubsub", "numsub", f"vncproxy:{channel}").split()[-1]

    async def until(self, done: Callable[[], Any]) -> None:
        give_up = time.monotonic() + IN_TIME
        while not done():
            self.assertLess(time.monotonic(), give_up)
            await sleep(0.02)

    def order(self, *, wake: bool = True, **members: Any) -> None:
        """Give an order as another program does."""
        text = json.dumps({"v": 1, "kind": "end", **members})
        self.cli("xadd", "orders", "*", "order", text)
        if wake:
            self.server.cli("publish", "vncproxy:orders", "")


class ListTests(ClusterCase):
    async def test_sessions_of_all_are_in_order_and_in_pages(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        for number in range(450):
            (one if number % 3 else other).open(f"{number:04}", started_at=1e9 + number)
        await self.until(lambda: self.cli("hlen", f"sessions:{one.identity.worker_id}") == "300")
        await self.until(lambda: self.cli("hlen", f"sessions:{other.identity.worker_id}") == "150")
        expected = [f"{number:04}" for number in range(450)]

        for member in (one, other):
            self.assertEqual(await member.seen(), expected)
            self.assertEqual(await member.seen(proxy="other"), expected[::3])
            page, after = [], ""
            while batch := await member.cluster.sessions.list(limit=100, after=after):
                page += [each.id for each in batch]
                after = batch[-1].cursor
            self.assertEqual(page, expected)

    async def test_what_ended_is_removed_and_malformed_ones_are_left_out(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        for name in ("1", "2"):
            one.open(name)
        key = f"sessions:{one.identity.worker_id}"
        await self.until(lambda: self.cli("hlen", key) == "2")
        for name, text in (("x", "{"), ("y", '{"v": 1, "id": "y", "started_at": 5}'), ("z", "\n[")):
            self.cli("hset", key, name, text)

        self.assertEqual(await other.seen(), ["1", "2"])
        one.close("1")
        await self.until(lambda: self.cli("hexists", key, "1") == "0")
        self.assertEqual(await other.seen(), ["2"])

    async def test_one_is_found(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        one.open("1")
        await self.until(lambda: self.cli("exists", f"sessions:{one.identity.worker_id}") == "1")

        found = await other.cluster.sessions.get("1")
        assert found is not None
        self.assertEqual((found.proxy, found.user), ("one", "alice"))
        self.assertIsNone(await other.cluster.sessions.get("2"))

    async def test_sessions_here_are_known_without_redis(self) -> None:
        one = await self.member("one", timeout=1)
        one.open("1")
        self.server.pause()
        self.addCleanup(self.server.resume)

        self.assertEqual(await one.seen(proxy=one.identity.proxy_id), ["1"])
        found = await one.cluster.sessions.get("1")
        assert found is not None
        self.assertEqual(int(await one.cluster.sessions.end("1", WHY)), 1)
        await self.failure(one.cluster.sessions.list())

    async def test_what_was_lost_is_written_again(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        one.open("1")
        key = f"sessions:{one.identity.worker_id}"
        await self.until(lambda: self.cli("exists", key) == "1")

        self.cli("del", key)
        for _ in range(3):
            await one.cluster.publisher.check(0)
            await sleep(0.3)

        self.assertEqual(await other.seen(), ["1"])

    async def test_what_begins_while_everything_is_written_again_is_written(self) -> None:
        """The list of many sessions is made in pieces, between which others begin and end."""
        south = await self.member("south")
        key = f"sessions:{south.identity.worker_id}"
        for session_id in ("5e551011", "5e551012"):
            south.open(session_id)
        await self.until(lambda: self.cli("hlen", key) == "2")

        def change() -> None:
            south.open("5e551013")
            south.close("5e551012")

        south.sessions.after_list = change

        self.cli("del", key)

        await self.until(lambda: {*self.cli("hkeys", key).split()} == {"5e551011", "5e551013"})
        self.assertIsNone(south.sessions.after_list)

    async def test_bytes_are_written_again(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        one.open("1")
        await self.until(lambda: self.cli("exists", f"sessions:{one.identity.worker_id}") == "1")
        changed = replace(one.sessions.live["1"], user="bob", bytes_up=71)
        one.sessions.add(changed)

        await one.cluster.publisher.check(1)
        await sleep(0.5)

        self.assertEqual(await other.seen(user="bob"), ["1"])

    async def test_a_process_that_stops_is_gone_at_once(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        one.open("1")
        await self.until(lambda: self.cli("exists", f"sessions:{one.identity.worker_id}") == "1")
        self.assertEqual(len(await other.cluster.workers()), 2)

        await one.cluster.stop()

        self.assertEqual([w.identity.name for w in await other.cluster.workers()], ["other"])
        self.assertEqual(await other.seen(), [])
        self.assertEqual(self.cli("exists", f"sessions:{one.identity.worker_id}"), "0")


class OrderTests(ClusterCase):
    async def test_all_confirm_and_the_sum_is_returned(self) -> None:
        members = [await self.member(name) for name in ("one", "two", "three")]
        for number, member in enumerate(members):
            for each in range(number + 1):
                member.open(f"{number}-{each}")
            member.open(f"{number}-bob", user="bob")

        ended = await members[0].cluster.sessions.end_where(
            WHY, SessionFilter(user="alice"), "key 'portal'"
        )

        self.assertEqual(ended, Ended(6))
        for number, member in enumerate(members):
            self.assertEqual(list(member.sessions.live), [f"{number}-bob"])
            for why in member.sessions.ended.values():
                self.assertEqual((why.code, why.detail), (WHY.code, WHY.detail))

    async def test_backends_limit_what_ends(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        for member in (one, other):
            member.open(f"{member.identity.name}-1")

        nothing = await one.cluster.sessions.end_where(
            WHY, SessionFilter(backends=frozenset({"esx"}))
        )
        both = await one.cluster.sessions.end_where(
            WHY, SessionFilter(backends=frozenset({"esx", "kvm"}))
        )

        self.assertEqual((nothing, both), (Ended(0), Ended(2)))

    async def test_one_session_is_ended_at_its_process_alone(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        other.open("1")
        await self.until(lambda: self.cli("exists", f"sessions:{other.identity.worker_id}") == "1")

        self.assertEqual(await one.cluster.sessions.end("1", WHY), Ended(1))
        self.assertEqual(other.sessions.live, {})
        self.assertEqual(await one.cluster.sessions.end("1", WHY), Ended(0))

    async def test_a_process_that_does_not_answer_is_named(self) -> None:
        one = await self.member("one")
        self.cli("zadd", "workers", str(int(time.time() * 1000) + 60_000), "f" * 16)
        announced = {"v": 1, "proxy": "e" * 16, "name": "silent"}
        self.cli("set", f"worker:{'f' * 16}", json.dumps(announced))

        began = time.monotonic()
        ended = await one.cluster.sessions.end_where(WHY, SessionFilter(user="alice"))

        self.assertGreater(time.monotonic() - began, 0.9)
        self.assertEqual(ended, Ended(0, (Unconfirmed("e" * 16, "silent", "f" * 16),)))
        # those whom it does not concern are not waited for
        began = time.monotonic()
        await one.cluster.sessions.end_where(WHY, SessionFilter(proxy="one"))
        self.assertLess(time.monotonic() - began, 0.9)

    async def test_what_another_version_orders_is_confirmed_as_unknown(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        one.open("1")
        answers: list[bytes] = []
        self.patch(other.cluster._giver, "confirmed", answers.append)

        unknown: tuple[dict[str, Any], ...] = {"v": 2}, {"kind": "pause"}, {"country": "FR"}
        for members in unknown:
            self.order(**{"id": "7", "from": other.identity.worker_id, "user": "alice", **members})
        await self.until(lambda: len(answers) >= 3)

        expected = {"order": "7", "worker": one.identity.worker_id, "ended": 0, "unknown": True}
        self.assertEqual([json.loads(each) for each in answers], [expected] * 3)
        self.assertEqual(list(one.sessions.live), ["1"])

    async def test_malformed_confirmations_are_ignored(self) -> None:
        one = await self.member("one")
        for answer in ("", "[", "5", "{}", '{"order": []}', '{"order": "1", "worker": 2}', "null"):
            self.server.cli("publish", f"vncproxy:acks:{one.identity.worker_id}", answer)

        self.assertEqual(
            await one.cluster.sessions.end_where(WHY, SessionFilter(user="alice")), Ended(0)
        )

    async def test_a_proxy_is_drained_at_all_its_processes(self) -> None:
        workers = [await self.member("one", number) for number in (1, 2)]
        other = await self.member("other")

        late = await other.cluster.drain("one", by="key 'portal'")

        self.assertEqual(late.unconfirmed, ())
        self.assertEqual([each.drained for each in (*workers, other)], [1, 1, 0])

    async def test_a_session_elsewhere_is_replaced(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        other.open("1")
        other.open("2")

        one.cluster.replace(f"{other.identity.worker_id}/1", "session 9", Superseded.code)
        await self.until(lambda: "1" in other.sessions.ended)

        self.assertIsInstance(other.sessions.ended["1"], Superseded)
        self.assertEqual(list(other.sessions.live), ["2"])


class MissedOrderTests(ClusterCase):
    async def test_orders_before_its_start_are_no_concern_of_a_process(self) -> None:
        self.order(user="alice")
        await sleep(0.05)
        one = await self.member("one")
        one.open("1")

        await sleep(0.3)

        self.assertEqual(list(one.sessions.live), ["1"])

    async def test_neither_are_they_when_the_clock_of_redis_was_set_back_meanwhile(self) -> None:
        in_an_hour = str(int(time.time() * 1000) + 3_600_000)
        text = json.dumps({"v": 1, "kind": "drain", "proxy": "one"})
        self.cli("xadd", "orders", f"{in_an_hour}-0", "order", text)
        one = await self.member("one")
        one.open("1")

        self.order(user="alice")

        await self.until(lambda: not one.sessions.live)
        self.assertEqual((one.drained, one.looked_up), (0, []))

    async def test_orders_since_its_start_are_obeyed_although_redis_was_reached_late(self) -> None:
        late = Member("late", self.settings())
        late.open("1")
        await sleep(0.05)
        self.order(user="alice")
        await sleep(0.5)

        late.cluster.start()
        self.addCleanup(lambda: Deferred.fromCoroutine(late.cluster.stop()))

        await self.until(lambda: not late.sessions.live)
        self.assertEqual(late.looked_up, [])

    async def test_it_obeys_without_a_message(self) -> None:
        one = await self.member("one")
        one.open("1")
        self.order(user="alice", wake=False)

        await self.until(lambda: not one.sessions.live)  # with a heartbeat

    async def test_nothing_is_missed_in_order(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        for _ in range(3):
            await one.cluster.sessions.end_where(WHY, SessionFilter(user="nobody"))
        await other.cluster.sessions.end_where(WHY, SessionFilter(user="nobody"))
        one.open("1")
        await one.cluster.sessions.end_where(WHY, SessionFilter(user="nobody"))

        self.assertEqual((one.looked_up, other.looked_up), ([], []))

    async def test_orders_that_were_trimmed_are_made_up_for(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        await other.cluster.sessions.end_where(WHY, SessionFilter(user="nobody"))
        one.open("1", token_id="aa" * 32)
        one.open("2", token_id="bb" * 32)
        one.revoked = {"aa" * 32}
        self.patch(one.cluster, "message_received", lambda channel, message: None)

        self.order(user="nobody")
        self.cli("xtrim", "orders", "maxlen", "0")
        await other.cluster.sessions.end_where(WHY, SessionFilter(user="nobody"))

        await self.until(lambda: one.looked_up)
        await self.until(lambda: list(one.sessions.live) == ["2"])

    async def test_an_emptied_redis_is_noticed(self) -> None:
        one, other = await self.member("one"), await self.member("other")
        await other.cluster.sessions.end_where(WHY, SessionFilter(user="nobody"))
        one.open("1", token_id="aa" * 32)
        one.revoked = {"aa" * 32}

        self.server.cli("flushall")
        self.server.cli("publish", "vncproxy:orders", "")

        await self.until(lambda: not one.sessions.live)

    async def test_no_session_begins_until_what_was_missed_is_read(self) -> None:
        one = await self.member("one", timeout=1)
        self.assertIsNone(one.cluster.refusal())
        self.server.kill()
        await self.until(one.cluster.refusal)
        self.assertIsInstance(one.cluster.refusal(), StoreUnavailable)

        self.server.start()

        await self.until(lambda: one.cluster.refusal() is None)

    async def test_a_subscription_that_fails_is_made_up_for_by_reading(self) -> None:
        one = await self.member("one")
        self.server.cli("acl", "setuser", "vncproxy", "-subscribe")
        self.server.cli("client", "kill", "type", "pubsub")
        await sleep(0.5)
        one.open("1")
        self.assertIsNone(one.cluster.refusal())

        self.order(user="alice", wake=False)
        began = time.monotonic()
        await self.until(lambda: not one.sessions.live)

        self.assertLess(time.monotonic() - began, 4)
        self.assertIsNone(one.cluster.refusal())
