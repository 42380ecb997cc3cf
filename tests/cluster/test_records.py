"""Sessions and announcements as JSON."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.api import session
from tests.doubles.proxies import announced
from tests.properties import given
from tests.properties import strategies as st
from vncproxy.cluster import announcements, records
from vncproxy.model import Announcement, Border, Identity, LinkState, Mode, SessionFilter, VMAddress

NORTH = announced("north")
BOTH = Border("paris", "7f3a", "tokyo", "91")


class SessionTests(SynchronousTestCase):
    def test_it_comes_back_with_the_proxy_that_wrote_it(self) -> None:
        before = replace(session(), mode=Mode.VIEW_ONLY, held=True)

        after = records.read(records.parse(records.encode(before, 5000)), NORTH, 5000)

        self.assertEqual((after.proxy, after.proxy_id), ("north", NORTH.identity.proxy_id))
        for name in ("id", "vm", "user", "token_id", "client", "started_at", "seconds", "host",
                     "mode", "held"):  # fmt: skip
            self.assertEqual(getattr(after, name), getattr(before, name))

    def test_it_lasts_longer_by_the_clock_of_redis(self) -> None:
        members = records.parse(records.encode(session(), 5000))

        self.assertEqual(records.read(members, NORTH, 7500).seconds, 12.34 + 2.5)
        self.assertEqual(records.read(members, NORTH, 4000).seconds, 12.34)

    def test_what_is_not_known_yet_is_empty(self) -> None:
        text = records.encode(session(vm=None, user="", token_id=""), None)
        self.assertNotIn("vm", json.loads(text))

        after = records.read(records.parse(text), NORTH, 5000)

        self.assertEqual((after.vm, after.user, after.token_id), (None, "", ""))

    def test_the_zones_of_one_across_a_border_come_back(self) -> None:
        self.assertNotIn("zone", records.encode(session(), None))
        for border in (Border("paris", "7f3a"), Border(to_zone="tokyo", to_session="91"), BOTH):
            text = records.encode(session(border=border), None)
            after = records.read(records.parse(text), NORTH, 5000)
            self.assertEqual(after.border, border)
        for wanted, found in (
            (SessionFilter(from_zone="paris", to_zone="tokyo"), True),
            (SessionFilter(from_zone="tokyo"), False),
            (SessionFilter(to_zone="oslo"), False),
        ):
            self.assertEqual(wanted.accepts(session(border=BOTH)), found)
            self.assertFalse(wanted.accepts(session()))
            texts = records.texts_of(wanted)
            if found:
                self.assertTrue(all(each in text.encode() for each in texts))

    def test_its_place_is_found_in_the_text(self) -> None:
        for user in ("alice", '"id": "x", "started_at": 5', "é\u2028"):
            before = session(user=user, started_at=1_800_000_000.123457)
            text = records.encode(before, 5000).encode()
            self.assertEqual(records.cursor(text), before.cursor)

        for text in (b"", b"[]", b'{"id": "1"}', b'{"id": "1", "started_at": 1e999}', b"\xff"):
            self.assertEqual(records.cursor(text), "")

    def test_criteria_stand_in_the_text(self) -> None:
        text = records.encode(session(user='é"\\'), 5000).encode()

        for wanted, found in (
            (SessionFilter(), True),
            (SessionFilter(user='é"\\', vm=VMAddress("kvm", "web-01")), True),
            (SessionFilter(tokens=frozenset({"ab" * 32})), True),
            (SessionFilter(tokens=frozenset({"ab" * 32, "x"})), True),
            (SessionFilter(user="bob"), False),
            (SessionFilter(vm=VMAddress("kvm", "web-0")), False),
        ):
            self.assertEqual(all(each in text for each in records.texts_of(wanted)), found)

    def test_malformed_ones_are_refused(self) -> None:
        good = json.loads(records.encode(session(), 5000))
        spoiled: tuple[dict[str, Any], ...] = (
            {"id": 5},
            {"type": "ssh"},
            {"vm": "nothing"},
            {"vm": 7},
            {"started_at": "now"},
            {"started_at": None},
            {"at": "x"},
            {"bytes_up": []},
            {"bytes_up": float("inf")},
        )
        for changes in spoiled:
            members = records.parse(json.dumps({**good, **changes}))
            self.assertRaises(ValueError, records.read, members, NORTH, 5000)
        for text in ("", "[]", '{"v": 2}', "[" * 100_000):
            self.assertRaises(ValueError, records.parse, text)

    @given(st.binary())
    def test_any_bytes_raise_value_errors_only(self, data: bytes) -> None:
        self.assertRaises(ValueError, records.parse, data)


class AnnouncementTests(SynchronousTestCase):
    def test_it_comes_back(self) -> None:
        before = Announcement(
            Identity("a" * 16, "b" * 16, "north", "eu", 3, 2),
            "0.1.0",
            "https://n/",
            "http://n:6081/console",
            ("n",),
            {"kvm": "1"},
            "d",
            5,
            100,
            True,
            1.5,
            asks=("madrid",),
            accepts=("paris", "oslo"),
            links={
                "madrid": LinkState("them", 2, 1.5),
                "oslo": LinkState("us", 0, None, "no answer within 5 s"),
            },
            tunnel_port="192.0.2.1:40000 sha256:0a",
        )

        self.assertEqual(announcements.decode("b" * 16, announcements.encode(before)), before)

    def test_members_of_later_versions_are_ignored(self) -> None:
        text = json.dumps({**json.loads(announcements.encode(NORTH)), "later": 1})

        self.assertEqual(announcements.decode(NORTH.identity.worker_id, text), NORTH)

    def test_malformed_ones_are_logged_and_left_out(self) -> None:
        good = NORTH.identity.worker_id.encode() + b" " + announcements.encode(NORTH).encode()
        lines = [
            b"",
            b"x",
            b"x {}",
            b'x {"v": 1}',
            b"\xff \xff",
            b'x {"v": 1, "proxy": 1, "name": 2}',
            b'x {"v": 1, "proxy": "1", "name": "2", "limits": 5}',
            b'x {"v": 1, "proxy": "1", "name": "2", "backends": [1]}',
            b'x {"v": 1, "proxy": "1", "name": "2", "sessions": "many"}',
            b"x " + b"[" * 100_000,
        ]

        self.assertEqual(list(announcements.decode_all(b"\n".join([*lines, good]))), [NORTH])
        self.assertEqual(list(announcements.decode_all(b"")), [])
