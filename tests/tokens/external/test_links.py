"""Signed links that name a machine: what their claims make, and which are refused."""

from __future__ import annotations

import time
from typing import Any

from twisted.internet.defer import Deferred

from tests.tokens.external.test_jwt import KEY_TEXT, SECRET, JWTCase
from vncproxy.api.v1.parameters import JTI, parse_one
from vncproxy.config.scope import Access, Scope
from vncproxy.errors import PolicyUnsupported, TokenUnknown
from vncproxy.model import Mode, SignedLink, VMAddress
from vncproxy.testing import StaticConsoles
from vncproxy.tokens.external.link_claims import link_id
from vncproxy.tokens.external.store import StoreWithSources
from vncproxy.tokens.memory import MemoryTokenStore

PATTERNS = Access(scopes=frozenset({Scope.READ}), vms=["kvm/web-*"]).vms  # type: ignore[arg-type]


class LinkCase(JWTCase):
    def links(self, **table: Any) -> Any:
        return self.source(KEY_TEXT, vms=PATTERNS, **table)

    def sign(self, **changes: Any) -> str:
        now = int(time.time())
        link = {"vm": "kvm/web-01", "sub": "alice", "iat": now, "exp": now + 60, "jti": "1"}
        return self.token(host=None, port=None, **{**link, **changes})

    def read(self, source: Any, link: str) -> SignedLink | None:
        found: SignedLink | None = self.successResultOf(
            Deferred.fromCoroutine(source.read_link(link))
        )
        return found

    def good(self, **changes: Any) -> SignedLink:
        found = self.read(self.links(), self.sign(**changes))
        assert found is not None
        return found

    def refused(self, kind: type[Exception] = TokenUnknown, **changes: Any) -> str:
        reading = Deferred.fromCoroutine(self.links().read_link(self.sign(**changes)))
        return str(self.failureResultOf(reading, kind).value)


class ClaimsTests(LinkCase):
    def test_the_whole_policy_is_honoured(self) -> None:
        link = self.good(policy={"mode": "view-only", "max_duration": 60, "uses": 3})

        policy = link.token.policy
        self.assertEqual((policy.mode, policy.max_duration, policy.uses), (Mode.VIEW_ONLY, 60, 3))
        self.assertEqual((link.token.vm, link.token.user), (VMAddress("kvm", "web-01"), "alice"))
        self.assertEqual((link.token.signer, link.is_over), ("old", False))

    def test_one_jti_is_one_token_however_it_is_signed(self) -> None:
        self.assertEqual(self.good().token_id, self.good(nbf=1).token_id)
        self.assertNotEqual(self.good().token_id, self.good(jti="2").token_id)

    def test_without_jti_a_link_is_good_any_number_of_times(self) -> None:
        link = self.good(jti=None)

        self.assertEqual(link.token.policy.uses, 0)
        self.assertIn("needs a jti", self.refused(jti=None, policy={"uses": 2}))

    def test_a_link_whose_time_is_over_can_only_be_re_entered(self) -> None:
        now = int(time.time())

        self.assertTrue(self.good(iat=now - 100, exp=now - 50).is_over)

    def test_what_is_not_enforced_is_refused_in_words(self) -> None:
        self.refused(PolicyUnsupported, policy={"exclusive_at_server": True})

    def test_claims_that_are_not_good(self) -> None:
        now = int(time.time())
        for change, words in (
            ({"vm": "kvm"}, "vm"),
            ({"vm": 7}, "vm"),
            ({"sub": None}, "sub"),
            ({"sub": ""}, "sub"),
            ({"iat": None}, "iat"),
            ({"iat": now + 60}, "iat"),
            ({"exp": now + 90_000}, "exp"),
            ({"iat": now, "exp": now}, "exp"),
            ({"policy": {"max": 1}}, "policy.max"),
            ({"jti": ""}, "jti"),
            ({"iat": "soon"}, "iat"),
            ({"only_from": "10.0.0.1"}, "only_from"),
        ):
            self.assertIn(words, self.refused(**change), change)

    def test_a_link_that_could_not_be_revoked_by_its_jti_is_refused_in_words(self) -> None:
        for jti in ("order 42", "order\t42", "bestellung-ä", "1\n", "x" * 257, ""):
            self.assertIn("1 to 256 visible characters", self.refused(jti=jti), jti)
        for jti in ("order/42", "x" * 256, "!~"):
            name, asked = parse_one({b"jti": [f"old/{jti}".encode()]}, [JTI])
            self.assertEqual((name, asked), ("jti", f"old/{jti}"))
            self.assertEqual(self.good(jti=jti).token_id, link_id("old", f"jti:{jti}"))

    def test_bounds_of_the_signer(self) -> None:
        source = self.source(KEY_TEXT, vms=PATTERNS, policy={"max_duration": 60})
        found = self.read(source, self.sign())
        assert found is not None
        self.assertEqual(found.token.policy.max_duration, 60)

    def test_what_is_no_link_is_left_to_others(self) -> None:
        for token in (self.token(), self.token(SECRET[::-1] * 2), "a", "a.b.c", "a.b.c.d.e"):
            self.assertIsNone(self.read(self.links(), token))
        self.assertIsNone(self.read(self.source(), self.sign()))


class MachineTests(LinkCase):
    def test_a_link_names_machines_of_its_signer_alone(self) -> None:
        own = MemoryTokenStore(time.time, 60, time.monotonic)
        backends = {"kvm": StaticConsoles(), "esx": StaticConsoles()}
        store = StoreWithSources(own, {"old": self.links()}, backends)
        for vm, good in (("kvm/web-01", True), ("kvm/db-01", False), ("esx/web-01", False)):
            redeeming = Deferred.fromCoroutine(store.redeem(self.sign(vm=vm, jti=vm)))
            if good:
                self.assertEqual(str(self.successResultOf(redeeming).token.vm), vm)
            else:
                self.failureResultOf(redeeming, TokenUnknown)
