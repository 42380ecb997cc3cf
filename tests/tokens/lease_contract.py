"""What every token store promises about limits: mixed into a test case that makes the store."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from twisted.trial.unittest import TestCase

from tests.tokens.store_contract import good_once
from vncproxy.errors import OverLimit, TokenRefused, TokenUsed
from vncproxy.model import (
    ConsoleType,
    Grant,
    Limits,
    Policy,
    SessionLease,
    Token,
    VMAddress,
    secret_id,
)

if TYPE_CHECKING:
    _Case = TestCase
else:
    _Case = object

WORKER = "1" * 16

UNLIMITED = Limits(sessions_per_vm=10**6, sessions_per_user=0, sessions_per_address=10**6)

HOSTILE = (
    "a/b",
    "a:b",
    "a",
    "a/",
    ":a",
    "user:a",
    "a\0",
    "\0a",
    "a\nb",
    "ä☃🜁",
    "*",
    "{a}",
    "a" * 4096,
    "a" * 4095,
    "../../x",
)
"""Names that must neither be taken for one another, nor change where a key is."""


HOSTILE_MACHINES = [name for name in HOSTILE if len(name) < 256 and name.isprintable()]
"""Those of them that a machine can have."""


class LeaseCase(_Case):
    """Sessions that begin, for a test case that provides ``make_store`` and ``token``."""

    def make_store(self) -> Any:
        """Return a store that counts no session yet, in which `WORKER` is announced."""
        raise NotImplementedError

    def token(self, **changes: Any) -> Token:
        """Return a token that is good for a while."""
        raise NotImplementedError

    def lease(self, client: Any = "192.0.2.1", **limits: int) -> SessionLease:
        """Return the lease of a new session, with limits that are high unless they are given."""
        self.sessions: count[int] = getattr(self, "sessions", count(1))
        fields: dict[str, Any] = {
            name: getattr(UNLIMITED, name) for name in UNLIMITED.__dataclass_fields__
        }
        return SessionLease(
            f"{next(self.sessions):016x}", WORKER, client, Limits(**{**fields, **limits})
        )

    async def begin(self, store: Any, lease: SessionLease, **token: Any) -> Grant:
        """Let a session of a new token begin."""
        grant: Grant = await store.redeem(await store.issue(self.token(**token)), lease=lease)
        return grant

    async def begin_of_other_issuer(
        self, store: Any, lease: SessionLease, once: str, **token: Any
    ) -> None:
        grant = good_once(once)
        await store.enter(Grant(**{**_fields(grant), "token": self.token(**token)}), lease)

    async def refused(self, work: Any, *words: str) -> OverLimit:
        with self.assertRaises(OverLimit) as caught:
            await work
        for word in words:
            self.assertIn(word, caught.exception.detail)
        error: OverLimit = caught.exception
        return error

    async def settle(self, store: Any) -> None:
        """Return when the store has noted all sessions that have left."""


class LeaseContract(LeaseCase):
    """Tests of the limits in ITokenStore."""

    # Each limit

    async def test_sessions_of_one_machine(self) -> None:
        store = self.make_store()
        for user in "ab":
            await self.begin(store, self.lease(sessions_per_vm=2), user=user)
        error = await self.refused(
            self.begin(store, self.lease(sessions_per_vm=2), user="c"),
            "2 sessions of kvm/web-01, limits.sessions_per_vm",
        )
        self.assertEqual((error.vm, error.user), ("kvm/web-01", "c"))  # for the audit log
        self.assertEqual(
            (error.option, error.sentence()),
            ("sessions_per_vm", "Too many people have this console open. Try again later."),
        )
        other = VMAddress("kvm", "db-01")
        await self.begin(store, self.lease(sessions_per_vm=1), vm=other)

    async def test_sessions_of_one_user(self) -> None:
        store = self.make_store()
        for vm in ("one", "two"):
            await self.begin(store, self.lease(sessions_per_user=2), vm=VMAddress("kvm", vm))
        error = await self.refused(
            self.begin(store, self.lease(sessions_per_user=2)),
            "2 sessions of user alice, limits.sessions_per_user",
        )
        self.assertEqual(
            error.sentence(), "You have too many consoles open. Close one and try again."
        )
        await self.begin(store, self.lease(sessions_per_user=1), user="bob")

    async def test_sessions_of_one_address(self) -> None:
        store = self.make_store()
        for user in "ab":
            await self.begin(store, self.lease(sessions_per_address=2), user=user)
        await self.refused(
            self.begin(store, self.lease(sessions_per_address=2)),
            "2 sessions from 192.0.2.1, limits.sessions_per_address",
        )
        await self.begin(store, self.lease("192.0.2.2", sessions_per_address=1))

    async def test_a_user_without_a_limit_has_any_number(self) -> None:
        store = self.make_store()
        for _ in range(20):
            await self.begin(store, self.lease(sessions_per_user=0))

    async def test_sessions_without_a_user_are_no_user_s(self) -> None:
        store = self.make_store()
        for once in "abc":
            lease = self.lease(sessions_per_user=1)
            await self.begin_of_other_issuer(store, lease, once, user="")

    async def test_without_a_lease_nothing_is_counted(self) -> None:
        store = self.make_store()
        for _ in range(3):
            await store.redeem(await store.issue(self.token()))
        await self.begin(store, self.lease(sessions_per_vm=1))

    # What a refusal takes

    async def test_over_the_limit_no_use_is_taken(self) -> None:
        store = self.make_store()
        first = self.lease()
        grant = await self.begin(store, first)
        secret = await store.issue(self.token())
        for cookie in (None, "guess-guess-guess"):
            await self.refused(store.redeem(secret, cookie, lease=self.lease(sessions_per_vm=1)))
        self.assertEqual((await store.show(secret_id(secret))).uses_left, 1)

        store.leave(first, grant.token)
        await store.redeem(secret, lease=self.lease(sessions_per_vm=1))

    async def test_a_refused_session_counts_for_nothing(self) -> None:
        store = self.make_store()
        await self.begin(store, self.lease("192.0.2.1"))
        for _ in range(3):
            await self.refused(
                self.begin(store, self.lease("192.0.2.2", sessions_per_vm=1), user="bob")
            )
        await self.begin(
            store,
            self.lease("192.0.2.2", sessions_per_address=1, sessions_per_user=1),
            user="bob",
        )

    async def test_a_token_that_is_refused_says_nothing_of_limits(self) -> None:
        store = self.make_store()
        secret = await store.issue(self.token())
        await store.confirm(await store.redeem(secret, lease=self.lease()))
        for refused in (secret, "unknown-unknown-unknown"):
            with self.assertRaises(TokenRefused):
                await store.redeem(refused, lease=self.lease(sessions_per_vm=1))

    async def test_a_token_of_another_issuer_is_not_consumed_over_the_limit(self) -> None:
        store = self.make_store()
        first = self.lease()
        grant = await self.begin(store, first)
        lease = self.lease(sessions_per_vm=1)
        await self.refused(self.begin_of_other_issuer(store, lease, "jti"))
        store.leave(first, grant.token)
        await self.begin_of_other_issuer(store, lease, "jti")
        with self.assertRaises(TokenUsed):
            await self.begin_of_other_issuer(store, self.lease(), "jti")

    # Leaving

    async def test_there_is_room_again_when_one_has_left(self) -> None:
        store, limits = self.make_store(), {"sessions_per_vm": 1}
        for _ in range(3):
            lease = self.lease(**limits)
            grant = await self.begin(store, lease)
            await self.refused(self.begin(store, self.lease(**limits)))
            store.leave(lease, grant.token)

    async def test_leaving_twice_or_without_having_entered_is_harmless(self) -> None:
        store = self.make_store()
        lease, stays = self.lease(), self.lease()
        grant = await self.begin(store, lease)
        await self.begin(store, stays)
        for _ in range(2):
            store.leave(lease, grant.token)
            store.leave(self.lease(), grant.token)
        await self.refused(self.begin(store, self.lease(sessions_per_vm=1)), "1 sessions")

    # The same browser

    async def test_a_session_of_the_same_cookie_takes_the_place_of_the_older_one(self) -> None:
        limits = {"sessions_per_vm": 1, "sessions_per_user": 1, "sessions_per_address": 1}
        store, lease = self.make_store(), self.lease(**limits)
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, lease=lease)
        await store.confirm(grant)
        for _ in range(3):
            older, lease = lease, self.lease(**limits)
            again = await store.redeem(secret, grant.resume_secret, lease=lease)
            self.assertEqual((again.resumed, again.replaced), (True, older.name))
            await store.confirm(again)
            store.leave(older, grant.token)
            await self.refused(self.begin(store, self.lease(**limits)))
        store.leave(lease, grant.token)
        await self.begin(store, self.lease(**limits))

    async def test_a_session_of_the_same_cookie_that_still_opens_is_replaced(self) -> None:
        limits = {"sessions_per_vm": 1, "sessions_per_user": 1, "sessions_per_address": 1}
        store, lease = self.make_store(), self.lease(**limits)
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, lease=lease)
        again = await store.redeem(secret, grant.resume_secret, lease=self.lease(**limits))
        self.assertEqual((again.resumed, again.replaced), (False, lease.name))
        await store.confirm(again)
        await self.refused(self.begin(store, self.lease(**limits)))

    async def test_a_session_that_has_ended_is_not_replaced(self) -> None:
        store, lease = self.make_store(), self.lease()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, lease=lease)
        await store.confirm(grant)
        store.leave(lease, grant.token)
        await self.settle(store)
        await self.begin(store, self.lease())
        await self.refused(
            store.redeem(secret, grant.resume_secret, lease=self.lease(sessions_per_vm=1))
        )
        again = await store.redeem(secret, grant.resume_secret, lease=self.lease())
        self.assertEqual(again.replaced, "")

    async def test_replacing_one_at_another_address_counts_there(self) -> None:
        store, lease = self.make_store(), self.lease("192.0.2.1")
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, lease=lease)
        await store.confirm(grant)
        await self.begin(store, self.lease("192.0.2.2"))
        await self.refused(
            store.redeem(
                secret, grant.resume_secret, lease=self.lease("192.0.2.2", sessions_per_address=1)
            )
        )
        moved = self.lease("192.0.2.2", sessions_per_address=2, sessions_per_vm=2)
        self.assertEqual(
            (await store.redeem(secret, grant.resume_secret, lease=moved)).replaced, lease.name
        )

    async def test_a_refused_try_leaves_an_opening_session_its_use_and_its_place(self) -> None:
        store, lease = self.make_store(), self.lease()
        secret = await store.issue(self.token())
        grant = await store.redeem(secret, lease=lease)
        await self.begin(store, self.lease("192.0.2.2"))
        elsewhere = self.lease("192.0.2.2", sessions_per_address=1)
        await self.refused(store.redeem(secret, grant.resume_secret, lease=elsewhere))
        await store.confirm(grant)
        await self.refused(self.begin(store, self.lease(sessions_per_vm=2)), "2 sessions")

    # Limits that change

    async def test_a_lower_limit_lets_sessions_stay_and_re_enter_and_none_begin(self) -> None:
        store, lower = self.make_store(), {"sessions_per_vm": 1}
        secret, lease = await store.issue(self.token()), self.lease()
        grant = await store.redeem(secret, lease=lease)
        await store.confirm(grant)
        for _ in range(3):
            await self.begin(store, self.lease())
        await self.refused(self.begin(store, self.lease(**lower)), "4 sessions")
        again = await store.redeem(secret, grant.resume_secret, lease=self.lease(**lower))
        self.assertEqual(again.replaced, lease.name)
        await self.refused(self.begin(store, self.lease(**lower)), "4 sessions")

    async def test_each_proxy_refuses_by_its_own_limit(self) -> None:
        store = self.make_store()
        for most in (1, 3, 3):
            await self.begin(store, self.lease(sessions_per_vm=most))
        await self.refused(self.begin(store, self.lease(sessions_per_vm=1)), "3 sessions")
        await self.refused(self.begin(store, self.lease(sessions_per_vm=3)), "3 sessions")
        await self.begin(store, self.lease(sessions_per_vm=4))

    # Hostile names

    async def test_users_of_any_name_are_counted_apart(self) -> None:
        store, limits = self.make_store(), {"sessions_per_user": 1}
        for user in HOSTILE:
            await self.begin(store, self.lease(**limits), user=user)
        for user in HOSTILE:
            await self.refused(self.begin(store, self.lease(**limits), user=user))

    async def test_machines_of_any_name_are_counted_apart(self) -> None:
        store, limits = self.make_store(), {"sessions_per_vm": 1}
        for vm in HOSTILE_MACHINES:
            await self.begin(store, self.lease(**limits), vm=VMAddress("kvm", vm))
        for vm in HOSTILE_MACHINES:
            await self.refused(self.begin(store, self.lease(**limits), vm=VMAddress("kvm", vm)))

    async def test_a_machine_a_user_and_an_address_of_one_name_are_three(self) -> None:
        store = self.make_store()
        await self.begin(store, self.lease("a"), user="a", vm=VMAddress("a", "a"))
        one = {"sessions_per_vm": 2, "sessions_per_user": 2, "sessions_per_address": 2}
        await self.begin(store, self.lease("a", **one), user="a", vm=VMAddress("a", "a"))

    async def test_viewers_without_cookies_are_counted(self) -> None:
        store, limits = self.make_store(), {"sessions_per_vm": 2}
        policy = Policy(uses=0)
        secret = await store.issue(self.token(type=ConsoleType.XVPVNC, policy=policy))
        for _ in range(2):
            grant = await store.redeem(secret, lease=self.lease(**limits))
            self.assertEqual(grant.replaced, "")
            await store.confirm(grant)
        await self.refused(store.redeem(secret, lease=self.lease(**limits)))


def _fields(grant: Grant) -> dict[str, Any]:
    return {name: getattr(grant, name) for name in Grant.__dataclass_fields__}
