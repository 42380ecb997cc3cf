"""What every store of logins promises."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from vncproxy.interfaces import ILoginStore

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

A, B = "a" * 64, "b" * 64


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
        await store.add(A, '{"user": "ä\\n"}', 60)
        self.assertEqual(await store.find(A), '{"user": "ä\\n"}')
        self.assertIsNone(await store.find(B))

        self.assertIs(await store.remove(A), True)
        self.assertIs(await store.remove(A), False)
        self.assertIsNone(await store.find(A))

    async def test_a_login_ends(self) -> None:
        store = self.make_logins()
        await store.add(A, "{}", 0.2)
        await store.add(B, "{}", 60)
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
