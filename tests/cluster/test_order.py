"""Orders as JSON: what is understood, and what is not."""

from __future__ import annotations

import json
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.cluster.order import Kind, Order, UnknownOrder, decode, encode
from vncproxy.errors import EndedByAdministrator, Superseded, TakenOver
from vncproxy.model import Decision, Mode, SessionFilter, Verdict, VMAddress


def written(**changes: Any) -> str:
    return json.dumps({"v": 1, "id": "1", "kind": "end", "user": "alice", **changes})


class OrderTests(SynchronousTestCase):
    def test_every_member_comes_back(self) -> None:
        wanted = SessionFilter(
            VMAddress("kvm", "web-01"),
            "alice",
            "north",
            frozenset({"kvm"}),
            ids=frozenset({"a", "b"}),
            tokens=frozenset({"c"}),
            signer="portal",
        )
        order = Order("1", Kind.END, wanted, "superseded", "key 'portal'", "f" * 16, "e" * 16)

        self.assertEqual(decode(encode(order)), order)

    def test_a_change_names_one_session_and_its_mode(self) -> None:
        wanted = SessionFilter(ids=frozenset({"a"}))
        order = Order("1", Kind.CHANGE, wanted, worker="e" * 16, mode=Mode.VIEW_ONLY)
        self.assertEqual(decode(encode(order)), order)

        change: dict[str, Any] = {"kind": "change", "sessions": ["a"], "mode": "control"}
        self.assertIs(decode(written(**change)).mode, Mode.CONTROL)
        spoiled: tuple[dict[str, Any], ...] = ({"mode": None}, {"mode": "x"}, {"sessions": []})
        for each in (*spoiled, {"sessions": ["a", "b"]}):
            self.assertRaises(ValueError, decode, written(**{**change, **each}))
        self.assertRaises(ValueError, decode, written(mode="control"))

    def test_a_message_names_one_session_and_its_text(self) -> None:
        wanted = SessionFilter(ids=frozenset({"a"}))
        order = Order("1", Kind.MESSAGE, wanted, worker="e" * 16, text="18:00 <b>\u05d0")
        self.assertEqual(decode(encode(order)), order)

        message: dict[str, Any] = {"kind": "message", "sessions": ["a"], "text": "x"}
        self.assertEqual(decode(written(**message)).text, "x")
        spoiled: tuple[dict[str, Any], ...] = ({"text": None}, {"text": 1}, {"sessions": []})
        for each in (*spoiled, {"sessions": ["a", "b"]}, {"kind": "end"}):
            self.assertRaises(ValueError, decode, written(**{**message, **each}))

    def test_a_decision_comes_back(self) -> None:
        for decision in (
            Decision(Verdict.APPROVE, "portal", "bob"),
            Decision(Verdict.DENY, "desk", reason="not today"),
        ):
            wanted = SessionFilter(ids=frozenset({"a"}))
            order = Order(
                "1", Kind.DECIDE, wanted, giver="f" * 16, worker="e" * 16, decision=decision
            )
            self.assertEqual(decode(encode(order)), order)

    def test_a_decision_without_a_verdict_or_a_key_is_malformed(self) -> None:
        for changes in ({}, {"verdict": "maybe", "key": "k"}, {"verdict": "approve"}):
            with self.assertRaises(ValueError) as caught:
                decode(written(kind="decide", sessions=["a"], **changes))
            self.assertNotIsInstance(caught.exception, UnknownOrder)

    def test_a_short_one_has_defaults(self) -> None:
        order = decode('{"v": 1, "kind": "end", "vm": "kvm/web-01"}')

        self.assertEqual(order.wanted, SessionFilter(vm=VMAddress("kvm", "web-01")))
        self.assertEqual((order.id, order.giver, order.worker), ("", "", ""))
        self.assertEqual(order.reason, "ended-by-administrator")

    def test_what_may_restrict_it_makes_it_unknown(self) -> None:
        for changes in ({"v": 2}, {"kind": "pause"}, {"country": "FR"}):
            with self.assertRaises(UnknownOrder) as caught:
                decode(written(**changes, **{"from": "f" * 16}))
            self.assertEqual(caught.exception.args[1:], ("1", "f" * 16))

    def test_an_end_without_criteria_is_malformed(self) -> None:
        for changes in ({"user": None}, {"user": None, "reason": "closed"}):
            self.assertRaises(ValueError, decode, written(**changes))

    def test_an_empty_list_matches_nothing(self) -> None:
        order = decode(written(user=None, sessions=[]))

        self.assertEqual(order.wanted.ids, frozenset())

    def test_malformed_ones_are_refused(self) -> None:
        for text in (
            "",
            "[]",
            "1",
            "null",
            '{"v": 1}',
            written(user=1),
            written(sessions="abc"),
            written(sessions=[1]),
            written(vm="nothing"),
            written(vm=["kvm/web-01"]),
            written(**{"from": 5}),
            "[" * 100_000,
            written(by="x" * 2_000_000),
        ):
            with self.assertRaises(ValueError, msg=text[:50]) as caught:
                decode(text)
            self.assertNotIsInstance(caught.exception, UnknownOrder)

    @given(st.binary())
    def test_any_bytes_raise_value_errors_only(self, data: bytes) -> None:
        self.assertRaises(ValueError, decode, data)

    def test_its_reason_is_an_end_of_a_session(self) -> None:
        for reason, kind in (
            ("superseded", Superseded),
            ("ended-by-administrator", EndedByAdministrator),
            ("token-unknown", EndedByAdministrator),
            ("of-a-later-version", EndedByAdministrator),
        ):
            self.assertIs(type(decode(written(reason=reason)).error()), kind)

    def test_who_takes_a_console_over_is_known_to_the_user_s_proxy(self) -> None:
        for by, user in (
            ("session 00000000000000ff of bob", "bob"),
            ("session 00000000000000ff of of bob\n", "of bob\n"),
            ("session 00000000000000ff", ""),
            ("the portal of bob", ""),
        ):
            error = decode(written(reason="taken-over", by=by)).error()
            assert isinstance(error, TakenOver)
            self.assertEqual((type(error), error.by), (TakenOver, user))

    def test_its_reason_says_who_gave_it(self) -> None:
        self.assertEqual(decode(written(by="the portal")).error().detail, "by the portal")
