"""Requests between zones: signed by one, verified by the other."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import jwt
from twisted.trial.unittest import SynchronousTestCase

from tests.properties import given
from tests.properties import strategies as st
from vncproxy.errors import (
    ZoneClock,
    ZoneError,
    ZoneKeyExpired,
    ZoneKeyRefused,
    ZonePolicyRefused,
    ZoneUnknown,
)
from vncproxy.model import Clipboard, Mode, Policy, Sharing
from vncproxy.zones.keys import PrivateKey
from vncproxy.zones.request import (
    LEEWAY,
    LIFETIME,
    TYPE,
    AcceptedKey,
    Act,
    Peer,
    Request,
    narrowed,
    new_request,
    sign,
    verify,
)

NOW = 1_767_323_045.0
KEY, OTHER = PrivateKey.new(), PrivateKey.new()
PARIS = Peer("paris", (AcceptedKey(KEY.public),), frozenset({"kvm"}))


def request(**changes: Any) -> Request:
    return new_request(
        Act.TOKEN,
        changes.pop("iss", "paris"),
        changes.pop("aud", "madrid"),
        changes.pop("now", NOW),
        **{"vm": "kvm/web-01", "sub": "alice", "session": "7f3a", "via": ("paris",), **changes},
    )


class VerifyTests(SynchronousTestCase):
    def verify(self, text: str, *peers: Peer, now: float = NOW) -> tuple[Request, Peer]:
        return verify(text, "madrid", {each.name: each for each in peers or (PARIS,)}, now)

    def assertRefused(self, kind: type[ZoneError], text: str, words: str, *peers: Peer) -> None:
        with self.assertRaisesRegex(kind, words) as caught:
            self.verify(text, *peers)
        self.assertIs(type(caught.exception), kind)

    def test_a_request_arrives_as_it_was_sent(self) -> None:
        sent = request(policy=Policy(max_duration=60.0, idle_timeout=5.0))
        self.assertEqual(self.verify(sign(sent, KEY)), (sent, PARIS))

    def test_each_of_two_keys_is_accepted(self) -> None:
        peer = replace(PARIS, keys=(AcceptedKey(KEY.public), AcceptedKey(OTHER.public)))
        for key in (KEY, OTHER):
            self.verify(sign(request(), key), peer)

    def test_another_key_is_refused(self) -> None:
        self.assertRefused(ZoneKeyRefused, sign(request(), OTHER), f"key '{OTHER.id}' is none")

    def test_a_key_that_calls_itself_another_is_refused(self) -> None:
        claims = request().model_dump(mode="json")
        headers = {"kid": KEY.id, "typ": TYPE}
        text = jwt.encode(claims, OTHER.key, algorithm="EdDSA", headers=headers)
        self.assertRefused(ZoneKeyRefused, text, "not signed with the key")

    def test_a_key_is_good_until_its_end(self) -> None:
        peer = replace(PARIS, keys=(AcceptedKey(KEY.public, NOW + 1),))
        text = sign(request(), KEY)
        self.verify(text, peer)
        with self.assertRaisesRegex(ZoneKeyExpired, "until 2026-01-02T03:04:06Z"):
            self.verify(text, peer, now=NOW + 1)

    def test_a_public_key_is_no_secret_to_sign_with(self) -> None:
        claims = request().model_dump(mode="json")
        raw = KEY.public.key.public_bytes_raw()
        headers = {"kid": KEY.id, "typ": TYPE}
        text = jwt.encode(claims, raw, algorithm="HS256", headers=headers)
        self.assertRefused(ZoneKeyRefused, text, "not a request of a zone")
        none = jwt.encode(claims, "", algorithm="none", headers=headers)
        self.assertRefused(ZoneKeyRefused, none, "not a request of a zone")

    def test_another_kind_of_token_with_the_same_key_is_no_request(self) -> None:
        text = jwt.encode(request().model_dump(mode="json"), KEY.key, algorithm="EdDSA")
        self.assertRefused(ZoneKeyRefused, text, "not a request of a zone")

    def test_a_zone_without_a_table_is_unknown(self) -> None:
        text = sign(request(iss="oslo"), KEY)
        self.assertRefused(ZoneUnknown, text, "'oslo', which may not ask")

    def test_a_zone_that_may_not_ask_is_unknown(self) -> None:
        self.assertRefused(ZoneUnknown, sign(request(), KEY), "may not ask", Peer("paris"))

    def test_a_request_for_another_zone_is_refused(self) -> None:
        text = sign(request(aud="tokyo"), KEY)
        self.assertRefused(ZoneUnknown, text, "asks the zone 'tokyo', and this is 'madrid'")

    def test_clocks_may_differ_by_seconds_and_not_by_ten_minutes(self) -> None:
        text = sign(request(), KEY)
        for now in (NOW - LEEWAY, NOW + LIFETIME + LEEWAY):
            self.verify(text, now=now)
        for now in (NOW - LEEWAY - 1, NOW + LIFETIME + LEEWAY + 1):
            with self.assertRaises(ZoneClock):
                self.verify(text, now=now)
        with self.assertRaisesRegex(ZoneClock, "600 s of difference; 30 s are allowed"):
            self.verify(text, now=NOW - 600)

    def test_a_zone_cannot_make_its_request_last(self) -> None:
        text = sign(request().model_copy(update={"exp": int(NOW) + 10**6}), KEY)
        with self.assertRaises(ZoneClock):
            self.verify(text, now=NOW + LIFETIME + LEEWAY + 1)

    def test_a_member_of_a_later_version_is_refused(self) -> None:
        claims = {**request().model_dump(mode="json"), "watermark": True}
        text = jwt.encode(claims, KEY.key, algorithm="EdDSA", headers={"kid": KEY.id, "typ": TYPE})
        self.assertRefused(ZonePolicyRefused, text, "watermark: Extra inputs")

    def test_a_policy_that_cannot_be_is_refused(self) -> None:
        claims = request().model_dump(mode="json")
        for policy in (
            {"hours": ["mon"]},
            {"uses": -1},
            {"max_duration": -5},
            {"mode": "root"},
            {"new": 1},
            "all",
        ):
            with self.subTest(policy=policy):
                text = jwt.encode(
                    {**claims, "policy": policy},
                    KEY.key,
                    algorithm="EdDSA",
                    headers={"kid": KEY.id, "typ": TYPE},
                )
                self.assertRefused(ZonePolicyRefused, text, "policy")

    def test_texts_that_would_change_a_log_are_refused(self) -> None:
        claims = request().model_dump(mode="json")
        for name, value in (
            ("sub", "alice\x1b[2J"),
            ("sub", "alice\u202e"),
            ("session", "7f3a\n"),
            ("via", ["paris\n"]),
            ("via", ["a b"]),
        ):
            with self.subTest(name=name, value=value):
                headers = {"kid": KEY.id, "typ": TYPE}
                changed = {**claims, name: value}
                text = jwt.encode(changed, KEY.key, algorithm="EdDSA", headers=headers)
                self.assertRefused(ZonePolicyRefused, text, name)

    def test_what_nests_too_deeply_is_no_request(self) -> None:
        deep = base64.urlsafe_b64encode(b"[" * 8000).decode().rstrip("=")
        self.assertRefused(ZoneKeyRefused, f"{deep[:100]}.{deep}.x", "not a signed request")

    @given(st.text(max_size=60) | st.binary(max_size=60).map(lambda b: b.decode("latin-1")))
    def test_what_is_no_request_raises_nothing_else(self, text: str) -> None:
        for each in (text, f"{text}.{text}.{text}"):
            with self.assertRaises(ZoneError):
                self.verify(each)

    @given(
        st.recursive(
            st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner),
            max_leaves=8,
        ),
        st.sampled_from(sorted(Request.model_fields)),
    )
    def test_any_value_of_a_member_raises_our_errors_alone(self, value: Any, name: str) -> None:
        claims = {**request().model_dump(mode="json"), name: value}
        claims = json.loads(json.dumps(claims))
        headers = {"kid": KEY.id, "typ": TYPE}
        try:
            text = jwt.encode(claims, KEY.key, algorithm="EdDSA", headers=headers)
        except TypeError:  # PyJWT signs no iss that is no text
            return
        try:
            self.verify(text)
        except ZoneError:
            return


class NarrowedTests(SynchronousTestCase):
    def test_the_less_of_both_counts(self) -> None:
        peer = replace(PARIS, max_duration=100.0, idle_timeout=50.0)
        for asked, granted in (
            ((None, None), (100, 50)),
            ((60, 70), (60, 50)),
            ((200, 5), (100, 5)),
        ):
            with self.subTest(asked=asked):
                policy = narrowed(Policy(max_duration=asked[0], idle_timeout=asked[1]), peer)
                self.assertEqual((policy.max_duration, policy.idle_timeout), granted)

    def test_nothing_is_added_where_nothing_is_set(self) -> None:
        policy = narrowed(Policy(), PARIS)
        self.assertEqual((policy.max_duration, policy.idle_timeout), (None, None))

    def test_the_zone_may_allow_looking_only(self) -> None:
        peer = replace(PARIS, mode=Mode.VIEW_ONLY)
        for asked in Mode:
            self.assertIs(narrowed(Policy(mode=asked), peer).mode, Mode.VIEW_ONLY)
            self.assertIs(narrowed(Policy(mode=asked), PARIS).mode, asked)

    def test_every_other_restriction_goes_along(self) -> None:
        network = ip_network("192.0.2.0/24")
        policy = Policy(
            *(Mode.VIEW_ONLY, Sharing.EXCLUSIVE, 5.0, 6.0, (network,), ("https://a",), True, 3),
            *(True, Clipboard.NONE, 9),
        )
        there = replace(policy, client_networks=(), allowed_origins=(), uses=1, confirm=False)
        self.assertEqual(narrowed(policy, PARIS), there)

    def test_it_is_good_once_and_asks_no_browser(self) -> None:
        policy = narrowed(Policy(uses=0, confirm=True), PARIS)
        self.assertEqual((policy.uses, policy.confirm), (1, False))
