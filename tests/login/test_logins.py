"""Logins by the secrets in cookies."""

from __future__ import annotations

from typing import Any

from twisted.internet.task import Clock
from twisted.trial.unittest import TestCase

from vncproxy.login.login import Login, decode, encode
from vncproxy.login.logins import Logins
from vncproxy.login.memory import MemoryLogins
from vncproxy.model import secret_id

NOW = 1_767_323_045.0
ALICE = Login("u-1", "Alice", ("staff",), NOW + 100, issuer="https://id.example")


class LoginsTests(TestCase):
    def setUp(self) -> None:
        self.clock = Clock()
        self.store = MemoryLogins(self.clock.seconds)
        self.logins = Logins(self.store, lambda: NOW + self.clock.seconds())

    async def test_who_has_a_cookie(self) -> None:
        secret = await self.logins.begin(ALICE)

        self.assertEqual(await self.logins.find(secret), ALICE)
        self.assertRegex(secret, r"^[\w-]{43}$")
        self.assertIsNone(await self.store.find(secret), "stored by its SHA-256 only")
        self.assertIsNotNone(await self.store.find(secret_id(secret)))

    async def test_a_cookie_ends(self) -> None:
        secret = await self.logins.begin(ALICE)
        self.clock.advance(100)

        self.assertIsNone(await self.logins.find(secret))

    async def test_a_login_takes_the_place_of_the_one_before(self) -> None:
        before = await self.logins.begin(ALICE)
        secret = await self.logins.begin(ALICE, before)

        self.assertIsNone(await self.logins.find(before))
        self.assertEqual(await self.logins.find(secret), ALICE)

    async def test_what_is_no_cookie(self) -> None:
        for text in ("", "x", "a" * 5000, "ä" * 43, "../x", "*"):
            self.assertIsNone(await self.logins.find(text))
            self.assertIs(await self.logins.end(text), False)

    async def test_a_record_of_another_version_is_no_login(self) -> None:
        for record in ("", "{}", "[]", encode(ALICE).replace('"v":1', '"v":2')):
            await self.store.add(secret_id("s" * 43), "u-1", record, 60)

            self.assertIsNone(await self.logins.find("s" * 43), record)
            self.assertIsNone(decode(record))

    def test_a_record_is_one_line(self) -> None:
        record = encode(Login("a\u2028b", "c", (), NOW))
        self.assertEqual(len(record.split("\n")), 1)
        found: Any = decode(record)
        self.assertEqual(found.user, "a\u2028b")
