"""What every token store promises about sessions that share their machine with no others."""

from __future__ import annotations

from typing import Any

from tests.tokens.lease_contract import WORKER, LeaseCase
from vncproxy.errors import ConsoleOccupied
from vncproxy.model import (
    ConsoleType,
    Grant,
    Limits,
    Policy,
    SessionLease,
    Sharing,
    Visit,
    VMAddress,
    secret_id,
)

EXCLUSIVE, TAKE_OVER = Policy(sharing=Sharing.EXCLUSIVE), Policy(sharing=Sharing.TAKE_OVER)
KEEP = 10.0


class SharingCase(LeaseCase):
    """Sessions whose policies decide which may be there together."""

    async def pass_time(self, seconds: float) -> None:
        """Let time pass for the store."""
        raise NotImplementedError

    async def occupied(self, work: Any) -> ConsoleOccupied:
        with self.assertRaises(ConsoleOccupied) as caught:
            await work
        error: ConsoleOccupied = caught.exception
        return error

    async def leave(self, store: Any, lease: SessionLease, grant: Grant, keep: float = 0) -> None:
        """End a session, and let the store note that."""
        fields = {name: getattr(lease, name) for name in lease.__dataclass_fields__}
        store.leave(SessionLease(**{**fields, "keep": keep}), grant.token)
        await self.settle(store)

    async def open_by(
        self, store: Any, policy: Policy = EXCLUSIVE, **token: Any
    ) -> tuple[str, SessionLease, Grant]:
        """Open a session; returns the link's secret, the lease and the grant."""
        lease = self.lease()
        secret = await store.issue(self.token(policy=policy, **token))
        grant = await store.redeem(secret, lease=lease)
        await store.confirm(grant)
        return secret, lease, grant


class SharingContract(SharingCase):
    """Tests of `Sharing` in ITokenStore."""

    # Exclusive

    async def test_an_exclusive_session_is_alone(self) -> None:
        store = self.make_store()
        await self.open_by(store, user="alice")
        for policy in (Policy(), EXCLUSIVE):
            secret = await store.issue(self.token(policy=policy, user="bob"))
            error = await self.occupied(store.redeem(secret, lease=self.lease()))
            self.assertEqual((error.by, error.vm, error.user), ("alice", "kvm/web-01", "bob"))
            assert error.age is not None
            self.assertTrue(0 <= error.age < 60, error.age)
            self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)
        await self.begin(store, self.lease(), vm=VMAddress("kvm", "db-01"))

    async def test_none_begins_where_another_is(self) -> None:
        store = self.make_store()
        _, lease, grant = await self.open_by(store, Policy(), user="alice")
        error = await self.occupied(self.begin(store, self.lease(), policy=EXCLUSIVE))
        self.assertIn(lease.session_id, error.detail)
        await self.begin(store, self.lease())  # the refused one has left nothing behind
        await self.leave(store, lease, grant)
        await self.occupied(self.begin(store, self.lease(), policy=EXCLUSIVE))

    async def test_it_leaves_the_machine_to_others(self) -> None:
        store = self.make_store()
        for policy in (EXCLUSIVE, TAKE_OVER, EXCLUSIVE):
            _, lease, grant = await self.open_by(store, policy)
            await self.occupied(self.begin(store, self.lease()))
            await self.leave(store, lease, grant)
        await self.begin(store, self.lease())
        await self.begin(store, self.lease())

    async def test_a_token_of_another_issuer_meets_it_too(self) -> None:
        store = self.make_store()
        _, lease, grant = await self.open_by(store)
        await self.occupied(self.begin_of_other_issuer(store, self.lease(), "jti"))
        await self.leave(store, lease, grant)
        await self.begin_of_other_issuer(store, self.lease(), "jti")

    # The same browser

    async def test_its_browser_takes_its_place_again_and_again(self) -> None:
        store = self.make_store()
        secret, lease, grant = await self.open_by(store)
        for _ in range(3):
            older, lease = lease, self.lease()
            again = await store.redeem(secret, grant.resume_secret, lease=lease)
            self.assertEqual((again.replaced, again.ousted), (older.name, ()))
            await store.confirm(again)
            await self.leave(store, older, grant, KEEP)
            await self.occupied(self.begin(store, self.lease()))

    async def test_its_machine_is_kept_for_its_browser_for_a_moment(self) -> None:
        store = self.make_store()
        secret, lease, grant = await self.open_by(store, user="alice")
        await self.leave(store, lease, grant, KEEP)
        error = await self.occupied(self.begin(store, self.lease(), user="bob"))
        self.assertEqual(error.by, "alice")
        again = await store.redeem(secret, grant.resume_secret, lease=(lease := self.lease()))
        self.assertEqual((again.resumed, again.replaced), (True, ""))
        await self.leave(store, lease, again, 0.2)
        await self.pass_time(0.3)
        await self.begin(store, self.lease())
        await self.occupied(store.redeem(secret, grant.resume_secret, lease=self.lease()))

    async def test_it_is_kept_for_another_link_of_its_user(self) -> None:
        store = self.make_store()
        _, lease, grant = await self.open_by(store, user="alice")
        await self.occupied(self.begin(store, self.lease(), user="alice"))  # while it lives
        await self.leave(store, lease, grant, KEEP)
        await self.begin(store, self.lease(), user="alice")

    async def test_it_is_kept_for_no_viewer_without_a_cookie(self) -> None:
        store = self.make_store()
        _, lease, grant = await self.open_by(store, type=ConsoleType.XVPVNC)
        await self.leave(store, lease, grant, KEEP)
        await self.begin(store, self.lease())

    async def test_it_is_kept_for_a_cookie_that_was_renewed(self) -> None:
        store = self.make_store()
        secret, lease, grant = await self.open_by(store)
        handed_over = await store.renew(grant, 60)
        await self.occupied(self.begin(store, self.lease()))
        again = await store.redeem(secret, handed_over, lease=self.lease())
        self.assertEqual([each.name for each in again.ousted], [lease.name])
        self.assertEqual([each.why for each in again.ousted], ["superseded"])

    async def test_its_try_that_still_opens_is_replaced_by_the_next(self) -> None:
        store, lease = self.make_store(), self.lease()
        secret = await store.issue(self.token(policy=EXCLUSIVE))
        grant = await store.redeem(secret, lease=lease)
        again = await store.redeem(secret, grant.resume_secret, lease=self.lease())
        self.assertEqual(again.replaced, lease.name)
        await self.occupied(self.begin(store, self.lease()))

    async def test_a_zone_s_session_of_the_same_user_takes_its_place(self) -> None:
        store, visit = self.make_store(), Visit("madrid", "1", ("madrid",))
        fields: dict[str, Any] = {"type": ConsoleType.XVPVNC, "visit": visit, "user": "alice"}
        _, lease, grant = await self.open_by(store, **fields)
        _, again, _ = await self.open_by(store, **fields)
        await self.occupied(self.begin(store, self.lease(), user="alice"))
        await self.leave(store, lease, grant, KEEP)
        await self.leave(store, again, grant, KEEP)
        await self.occupied(self.begin(store, self.lease(), user="alice"))
        _, _, grant = await self.open_by(store, **fields)
        self.assertEqual(grant.ousted, ())
        await self.occupied(
            self.begin(store, self.lease(), **{**fields, "user": "bob"}, policy=EXCLUSIVE)
        )

    # Take-over

    async def test_taking_over_ends_all_others(self) -> None:
        store = self.make_store()
        live = [(await self.open_by(store, Policy()))[1:] for _ in range(3)]
        for _ in range(2):
            _, lease, grant = await self.open_by(store, TAKE_OVER, user="bob")
            self.assertEqual({each.name for each in grant.ousted}, {each.name for each, _ in live})
            self.assertEqual({each.why for each in grant.ousted}, {"taken-over"})
            self.assertEqual(grant.company, 1)
            for each in live:
                await self.leave(store, *each)
            live = [(lease, grant)]
        self.assertEqual((await self.occupied(self.begin(store, self.lease()))).by, "bob")
        await self.occupied(self.begin(store, self.lease(), policy=EXCLUSIVE))

    async def test_those_that_did_not_end_yet_are_named_to_the_next_too(self) -> None:
        store = self.make_store()
        _, lease, grant = await self.open_by(store, Policy())
        _, taker, _ = await self.open_by(store, TAKE_OVER)
        _, _, last = await self.open_by(store, TAKE_OVER)
        self.assertEqual({each.name for each in last.ousted}, {lease.name, taker.name})
        await self.leave(store, lease, grant)

    async def test_an_exclusive_session_is_taken_over_and_its_kept_machine_too(self) -> None:
        store = self.make_store()
        _, lease, grant = await self.open_by(store)
        _, taker, taken = await self.open_by(store, TAKE_OVER)
        self.assertEqual([each.name for each in taken.ousted], [lease.name])
        await self.leave(store, lease, grant, KEEP)  # keeps nothing: it is another's
        await self.leave(store, taker, taken, KEEP)
        _, _, last = await self.open_by(store, TAKE_OVER)
        self.assertEqual(last.ousted, ())

    async def test_a_page_that_comes_back_by_itself_takes_nothing(self) -> None:
        store = self.make_store()
        secret, lease, grant = await self.open_by(store, TAKE_OVER, user="alice")
        await self.open_by(store, TAKE_OVER, user="bob")
        await self.leave(store, lease, grant, KEEP)
        again = store.redeem(secret, grant.resume_secret, lease=self.lease())
        error = await self.occupied(again)
        self.assertEqual((error.by, error.may_take), ("bob", True))

        mine = self.lease()
        asked = SessionLease(mine.session_id, WORKER, mine.client, mine.limits, takes=True)
        back = await store.redeem(secret, grant.resume_secret, lease=asked)
        self.assertEqual([each.why for each in back.ousted], ["taken-over"])

    async def test_asking_to_take_is_of_no_use_to_others(self) -> None:
        store = self.make_store()
        await self.open_by(store)
        for policy in (Policy(), EXCLUSIVE):
            mine = self.lease()
            asked = SessionLease(mine.session_id, WORKER, mine.client, mine.limits, takes=True)
            await self.occupied(self.begin(store, asked, policy=policy))

    async def test_who_is_taken_over_counts_no_more(self) -> None:
        store, limits = self.make_store(), {"sessions_per_vm": 1, "sessions_per_user": 1}
        await self.begin(store, self.lease())
        grant = await self.begin(store, self.lease(**limits), policy=TAKE_OVER)
        self.assertEqual(len(grant.ousted), 1)

    # One session for each user

    async def test_a_user_s_newest_session_ends_the_others(self) -> None:
        store, one = self.make_store(), {"one_session_per_user": True}
        live = []
        for vm in ("one", "two", "three"):
            lease = self.lease()
            live.append((lease, await self.begin(store, lease, vm=VMAddress("kvm", vm))))
        await self.begin(store, self.lease(**one), user="bob")
        for vm in ("four", "one"):
            lease = self.lease(**one)
            grant = await self.begin(store, lease, vm=VMAddress("kvm", vm), policy=EXCLUSIVE)
            names = {ended.name for ended, _ in live}
            self.assertEqual({each.name for each in grant.ousted}, names)
            self.assertEqual({each.why for each in grant.ousted}, {"user-elsewhere"})
            for each in live:
                await self.leave(store, *each)
            live = [(lease, grant)]
        await self.begin(store, self.lease(), vm=VMAddress("kvm", "four"), user="bob")

    async def test_a_user_of_another_zone_ends_none_of_the_same_name(self) -> None:
        store, one = self.make_store(), {"one_session_per_user": True}
        await self.begin(store, self.lease(**one), vm=VMAddress("kvm", "one"))
        visit = Visit("madrid", "1", ("madrid",))
        grant = await self.begin(store, self.lease(**one), visit=visit, type=ConsoleType.XVPVNC)
        self.assertEqual(grant.ousted, ())
        limits = {**one, "sessions_per_user": 2}
        await self.refused(
            self.begin(store, self.lease(**limits), visit=visit, type=ConsoleType.XVPVNC)
        )

    async def test_a_refused_session_ends_none_of_its_user(self) -> None:
        store, one = self.make_store(), {"one_session_per_user": True}
        await self.open_by(store, user="bob")
        lease = self.lease(sessions_per_user=1)
        await self.begin(store, lease, vm=VMAddress("kvm", "db-01"))
        await self.occupied(self.begin(store, self.lease(**one)))
        await self.refused(
            self.begin(store, self.lease(sessions_per_user=1), vm=VMAddress("kvm", "x")),
            "1 sessions of user alice",
        )

    async def test_a_user_re_enters_by_a_cookie_as_before(self) -> None:
        store = self.make_store()
        secret, lease, grant = await self.open_by(store, Policy())
        again = await store.redeem(
            secret, grant.resume_secret, lease=self.lease(one_session_per_user=True)
        )
        self.assertEqual((again.replaced, again.ousted), (lease.name, ()))

    # Company

    async def test_a_session_knows_how_many_there_are(self) -> None:
        store = self.make_store()
        grants = [await self.begin(store, self.lease()) for _ in range(3)]
        self.assertEqual([grant.company for grant in grants], [1, 2, 3])

    async def test_limits_hold_beside(self) -> None:
        store, limits = self.make_store(), Limits()
        self.assertFalse(limits.one_session_per_user)
        await self.open_by(store, vm=VMAddress("kvm", "x"))
        await self.refused(self.begin(store, self.lease(sessions_per_user=1)), "limits.sessions")
