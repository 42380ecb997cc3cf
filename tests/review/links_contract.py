"""What every store of links to recordings promises."""

from __future__ import annotations

from collections.abc import Coroutine
from typing import TYPE_CHECKING, Any

from zope.interface.verify import verifyObject

from vncproxy.interfaces import IReviewLinks
from vncproxy.review.limits import LINKS_OF_A_SESSION

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

A, B, C = "a" * 64, "b" * 64, "c" * 64
RECORD = '{"user": "*[a]? ü"}'


class ReviewLinksContract(TestCase):
    """A mixin for a store of one kind."""

    def make_links(self) -> Any:
        raise NotImplementedError

    def pass_time(self, seconds: float) -> Coroutine[Any, Any, None]:
        raise NotImplementedError

    def test_it_provides_the_interface(self) -> None:
        self.assertTrue(verifyObject(IReviewLinks, self.make_links()))

    async def test_a_link_is_good_until_it_is_revoked(self) -> None:
        links = self.make_links()
        self.assertEqual(await links.use([A], 60), [None])
        self.assertIs(await links.add(A, "s1", RECORD, 60, 60), True)
        await links.add(B, "s1", "{}", 60, 60)
        self.assertEqual(await links.use([A, C, B], 60), [RECORD, None, "{}"])

        self.assertEqual(await links.revoke("s1", A), 1)
        self.assertEqual(await links.revoke("s1", A), 0)
        self.assertEqual(await links.use([A, B], 60), [None, "{}"])

    async def test_all_links_of_a_session_are_revoked(self) -> None:
        links = self.make_links()
        for link, session in ((A, "s1"), (B, "s1"), (C, "s2")):
            await links.add(link, session, "{}", 60, 60)
        self.assertEqual(await links.revoke("s1"), 2)
        self.assertEqual(await links.revoke("s1"), 0)
        self.assertEqual(await links.use([A, B, C], 60), [None, None, "{}"])

    async def test_a_link_is_revoked_by_the_session_that_it_is_of(self) -> None:
        links = self.make_links()
        await links.add(A, "s1", "{}", 60, 60)
        self.assertEqual(await links.revoke("s2", A), 0)
        self.assertEqual(await links.use([A], 60), ["{}"])

    async def test_a_link_that_is_not_used_in_time_ends(self) -> None:
        links = self.make_links()
        await links.add(A, "s1", "{}", 0.2, 60)
        await self.pass_time(0.3)
        self.assertEqual(await links.use([A], 60), [None])
        self.assertEqual(await links.revoke("s1"), 0)

    async def test_a_link_in_use_stays_good_for_some_time(self) -> None:
        links = self.make_links()
        await links.add(A, "s1", "{}", 0.5, 60)
        await links.add(B, "s1", "{}", 0.5, 0.6)
        self.assertEqual(await links.use([A, B], 30), ["{}", "{}"])
        await self.pass_time(0.7)
        self.assertEqual(await links.use([A, B], 30), ["{}", None])

    async def test_use_does_not_shorten_a_link(self) -> None:
        links = self.make_links()
        await links.add(A, "s1", "{}", 60, 60)
        await links.use([A], 0.1)
        await self.pass_time(0.2)
        self.assertEqual(await links.use([A], 60), ["{}"])

    async def test_a_session_has_so_many_links(self) -> None:
        links = self.make_links()
        for number in range(LINKS_OF_A_SESSION):
            self.assertTrue(await links.add(f"{number:064x}", "s1", "{}", 0.8, 60))
        self.assertIs(await links.add(A, "s1", "{}", 60, 60), False)
        self.assertIs(await links.add(B, "s2", "{}", 60, 60), True)
        self.assertEqual(await links.use([A], 60), [None])
        await self.pass_time(0.9)
        self.assertIs(await links.add(A, "s1", "{}", 60, 60), True)

    async def test_the_sessions_that_have_a_link_which_is_good(self) -> None:
        links = self.make_links()
        for link, session in ((A, "s1"), (B, "s2"), (C, "s2")):
            await links.add(link, session, "{}", 60, 60)
        self.assertEqual(await links.linked([]), frozenset())
        self.assertEqual(await links.linked(["s2", "s3", "s1"]), {"s1", "s2"})

        await links.revoke("s1")
        await links.revoke("s2", B)
        self.assertEqual(await links.linked(["s1", "s2"]), {"s2"})
