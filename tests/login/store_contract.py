"""What every store of logins promises."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from vncproxy.interfaces import ILoginStore
from vncproxy.login.limits import LOGINS_OF_A_USER

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

A, B, C = "a" * 64, "b" * 64, "c" * 64


class LoginStoreContract(TestCase):
    """A mixin for a store of one kind."""

    def make_logins(self) -> Any:
        raise NotImplementedError

    def pass_time(self, seconds: float) -> Coroutine[Any, Any, None]:
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(ILoginStore, self.make_logins()))

    async def test_a_login_is_found_until_it_is_removed(self) -> None:
        store = self.make_logins()
        self.assertIsNone(await store.find(A))
        await store.add(A, "alice", '{"user": "ä\\n"}', 60)
        self.assertEqual(await store.find(A), '{"user": "ä\\n"}')
        self.assertIsNone(await store.find(B))

        self.assertIs(await store.remove(A), True)
        self.assertIs(await store.remove(A), False)
        self.assertIsNone(await store.find(A))

    async def test_a_login_ends(self) -> None:
        store = self.make_logins()
        await store.add(A, "alice", "{}", 0.2)
        await store.add(B, "alice", "{}", 60)
        await self.pass_time(0.3)

        self.assertIsNone(await store.find(A))
        self.assertIs(await store.remove(A), False)
        self.assertEqual(await store.find(B), "{}")

    async def test_a_name_is_given_once_within_its_time(self) -> None:
        store = self.make_logins()
        self.assertIs(await store.first(A, 0.2), True)
        self.assertIs(await store.first(A, 0.2), False)
        self.assertIs(await store.first(B, 60), True)
        await self.pass_time(0.3)

        self.assertIs(await store.first(A, 60), True)
        self.assertIs(await store.first(B, 60), False)

    async def test_all_logins_of_a_user_end(self) -> None:
        store = self.make_logins()
        await store.add(A, "alice", "{}", 60)
        await store.add(B, "alice", "{}", 60)
        await store.add(C, "bob", "{}", 60)

        self.assertEqual(await store.remove_user("alice"), 2)
        self.assertEqual([await store.find(each) for each in (A, B, C)], [None, None, "{}"])
        self.assertEqual(await store.remove_user("alice"), 0)
        self.assertEqual(await store.remove_user("nobody"), 0)

    async def test_a_user_has_so_many_logins(self) -> None:
        store = self.make_logins()
        for number in range(LOGINS_OF_A_USER + 2):
            await store.add(f"{number:064}", "alice", "{}", 60 + number)

        self.assertEqual(
            [await store.find(f"{number:064}") for number in range(4)], [None, None, "{}", "{}"]
        )
        self.assertEqual(await store.remove_user("alice"), LOGINS_OF_A_USER)
