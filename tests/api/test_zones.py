"""What other zones may ask by the API, and what they are told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import ILogObserver, LogEvent, formatEvent, globalLogPublisher
from zope.interface import implementer

from tests.backends.zone.test_settings import ASKING
from tests.doubles.api import NOW, Answer, ApiTestCase
from vncproxy import __version__
from vncproxy.backends import new_context
from vncproxy.backends.zone import ZoneBackend, ZoneSettings
from vncproxy.errors import OverLimit, ProxyDraining
from vncproxy.model import ConsoleElsewhere, Policy, Visit, VMAddress
from vncproxy.zones.keys import PrivateKey
from vncproxy.zones.request import AcceptedKey, Act, Peer, Request, new_request, sign

KEY = PrivateKey.new()


@implementer(ILogObserver)
class Lines(list[str]):
    """The lines of the log."""

    def __call__(self, event: LogEvent) -> None:
        """Keep a line."""
        self.append(formatEvent(event))


class ZoneCase(ApiTestCase):
    """Madrid is asked by paris, which may see the machines of kvm."""

    def setUp(self) -> None:
        super().setUp()
        self.lines = Lines()
        globalLogPublisher.addObserver(self.lines)
        self.addCleanup(globalLogPublisher.removeObserver, self.lines)
        self.zone = "madrid"
        self.peer(Peer("paris", (AcceptedKey(KEY.public),), frozenset({"kvm"})))

    def peer(self, peer: Peer) -> None:
        self.zones[peer.name] = peer
        self.serve()

    def signed(self, act: Act = Act.TOKEN, key: PrivateKey = KEY, **changes: Any) -> str:
        now = changes.pop("now", NOW)
        names = changes.pop("iss", "paris"), changes.pop("aud", "madrid")
        wanted = {"vm": "kvm/web-01", "sub": "alice", "session": "7f3a", "via": ("paris",)}
        return sign(new_request(act, *names, now, **{**wanted, **changes}), key)

    def ask(self, **changes: Any) -> Answer:
        return self.call("POST", "/v1/zones/tokens", key=self.signed(**changes))

    def assertTold(self, answer: Answer, code: str, words: str) -> None:
        self.assertRefused(answer, 403, code, None)
        self.assertIn(words, answer.error["message"])
        self.assertEqual(len(self.flushed(code)), 1)

    def flushed(self, code: str) -> list[str]:
        return [line for line in self.lines if code in line]


class TokenTests(ZoneCase):
    def test_a_token_is_good_once_for_the_session_of_the_other_zone(self) -> None:
        answer = self.ask(policy=Policy(max_duration=60.0, uses=0, confirm=True))
        self.assertEqual(answer.status, 201)
        grant = self.successResultOf(self.redeemed(answer.body["token"]))
        token = grant.token
        self.assertEqual((str(token.vm), token.user), ("kvm/web-01", "alice"))
        self.assertEqual(token.visit, Visit("paris", "7f3a", ("paris",)))
        self.assertEqual((token.policy.max_duration, token.policy.uses), (60.0, 1))
        self.assertFalse(token.policy.confirm)
        self.assertIsNone(grant.resume_secret)
        self.assertEqual(token.expires_at - token.issued_at, 30)

    def redeemed(self, secret: str) -> Any:
        async def redeem() -> Any:
            return await self.store.redeem(secret)

        return Deferred.fromCoroutine(redeem())

    def test_the_zone_may_allow_less(self) -> None:
        self.peer(replace(self.zones["paris"], max_duration=10.0))
        answer = self.ask(policy=Policy(max_duration=60.0))
        grant = self.successResultOf(self.redeemed(answer.body["token"]))
        self.assertEqual(grant.token.policy.max_duration, 10.0)

    def test_networks_and_origins_are_those_of_the_users_zone(self) -> None:
        answer = self.ask(policy=Policy(allowed_origins=("https://portal.example.com",)))
        grant = self.successResultOf(self.redeemed(answer.body["token"]))
        self.assertEqual(grant.token.policy.allowed_origins, ())

    def test_an_unknown_zone(self) -> None:
        answer = self.ask(iss="oslo", via=("oslo",))
        self.assertTold(answer, "zone-unknown", "Another zone does not know this one.")

    def test_a_wrong_key_is_told_nothing_about_the_right_one(self) -> None:
        answer = self.ask(key=PrivateKey.new())
        self.assertTold(answer, "zone-key-refused", "Another zone does not accept the key")
        self.assertNotIn(KEY.id, answer.text)
        self.assertIn(KEY.id, self.flushed("zone-key-refused")[0])

    def test_no_request_at_all(self) -> None:
        for headers in ({}, {"Authorization": "Basic eA=="}):
            answer = self.call("POST", "/v1/zones/tokens", headers=headers)
            self.assertRefused(answer, 401, "unauthorized", None)

    def test_the_key_of_a_portal_is_none_of_a_zone(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}"}
        answer = self.call("POST", "/v1/zones/tokens", headers=headers)
        self.assertRefused(answer, 403, "zone-key-refused", None)

    def test_a_key_that_is_over(self) -> None:
        self.peer(replace(self.zones["paris"], keys=(AcceptedKey(KEY.public, NOW - 1),)))
        self.assertTold(self.ask(), "zone-key-expired", "accepted until 2026-01-02T03:04:04Z")

    def test_a_clock_that_is_ten_minutes_off(self) -> None:
        self.assertTold(self.ask(now=NOW + 600), "zone-clock", "600 s of difference")

    def test_the_same_request_twice(self) -> None:
        signed = self.signed()
        self.assertEqual(self.call("POST", "/v1/zones/tokens", key=signed).status, 201)
        again = self.call("POST", "/v1/zones/tokens", key=signed)
        self.assertTold(again, "zone-replayed", "came twice")

    def test_a_request_is_remembered_for_as_long_as_it_is_good(self) -> None:
        signed = self.signed(now=NOW + 29)
        self.assertEqual(self.call("POST", "/v1/zones/tokens", key=signed).status, 201)
        self.time = NOW + 29 + 60
        again = self.call("POST", "/v1/zones/tokens", key=signed)
        self.assertRefused(again, 403, "zone-replayed", None)
        self.time += 1
        again = self.call("POST", "/v1/zones/tokens", key=signed)
        self.assertRefused(again, 403, "zone-clock", None)

    def test_three_zones_in_a_row(self) -> None:
        answer = self.ask(via=("oslo", "paris"))
        self.assertTold(answer, "zone-hop-limit", "oslo -> paris -> madrid: 2 borders")

    def test_as_many_zones_as_are_allowed(self) -> None:
        self.peer(replace(self.zones["paris"], hops=2))
        self.assertEqual(self.ask(via=("oslo", "paris")).status, 201)

    def test_a_loop(self) -> None:
        self.peer(replace(self.zones["paris"], hops=8))
        answer = self.ask(via=("madrid", "paris"))
        self.assertTold(answer, "zone-loop", "madrid -> paris -> madrid")

    def test_a_zone_that_hides_where_it_has_been(self) -> None:
        for via in ((), ("oslo",), ("paris", "oslo")):
            self.assertRefused(self.ask(via=via), 403, "zone-key-refused", None)

    def test_a_backend_that_it_may_not_use(self) -> None:
        answer = self.ask(vm="esx/mail")
        self.assertTold(answer, "zone-forbidden", "may not use the backend 'esx'")

    def test_all_backends(self) -> None:
        self.peer(replace(self.zones["paris"], backends=frozenset({"*"})))
        self.assertEqual(self.ask(vm="esx/mail").status, 201)
        self.assertRefused(self.ask(vm="gone/mail"), 404, "vm-not-found", "vm")

    def test_no_address(self) -> None:
        for vm in ("", "kvm", "kvm/", "/web-01", "kvm/\n"):
            self.assertRefused(self.ask(vm=vm), 422, "vm-not-found", "vm")

    def test_a_policy_that_is_not_enforced(self) -> None:
        answer = self.ask(policy=Policy(record=True))
        self.assertTold(answer, "zone-policy-refused", "record: true is not enforced")

    def test_a_proxy_that_drains(self) -> None:
        self.sessions.full = ProxyDraining()
        self.assertTold(self.ask(), "zone-draining", "proxy-draining")

    def test_a_full_proxy_lets_the_session_wait_for_its_turn(self) -> None:
        self.sessions.full = OverLimit()
        self.assertEqual(self.ask().status, 201)

    def test_what_was_asked_is_what_was_signed(self) -> None:
        for path, act in (("tokens", Act.CHECK), ("checks", Act.TOKEN), ("checks", Act.ABOUT)):
            answer = self.call("POST", f"/v1/zones/{path}", key=self.signed(act))
            self.assertRefused(answer, 403, "zone-key-refused", None)

    def test_a_signed_request_is_no_key_of_the_api(self) -> None:
        answer = self.call("GET", "/v1/sessions", key=self.signed())
        self.assertRefused(answer, 401, "unauthorized", None)

    def test_the_log_says_who_gets_what_and_no_secret(self) -> None:
        answer = self.ask()
        (line,) = [line for line in self.lines if "gets token" in line]
        self.assertIn("zone paris gets token", line)
        self.assertIn("kvm/web-01, user alice, its session 7f3a", line)
        self.assertNotIn(answer.body["token"], "".join(self.lines))


class OtherRequestTests(ZoneCase):
    def test_a_machine_exists_or_not(self) -> None:
        for vm, status in (("kvm/web-01", 200), ("kvm/db-01", 200), ("kvm/web-02", 404)):
            answer = self.call("POST", "/v1/zones/checks", key=self.signed(Act.CHECK, vm=vm))
            self.assertEqual(answer.status, status)

    def oslo(self) -> list[tuple[str, ...]]:
        """Have one more zone, oslo; returns which zones the questions have passed that it gets."""
        reactor, settings = MemoryReactorClock(), ZoneSettings.model_validate(ASKING)
        calls: Any = None
        oslo = ZoneBackend(new_context(ZoneBackend, "oslo", settings, calls, reactor, "madrid"))
        asked: list[tuple[str, ...]] = []

        async def send(method: str, path: str, request: Request) -> dict[str, Any]:
            asked.append(request.via)
            return {}

        self.patch(oslo._connection, "send", send)
        self.backends |= {"oslo": cast(Any, oslo)}
        return asked

    def test_a_backend_points_to_a_zone_that_is_shown_or_not(self) -> None:
        asked, kvm = self.oslo(), self.backends["kvm"]

        async def locate(vm: str) -> ConsoleElsewhere:
            return ConsoleElsewhere(VMAddress("oslo", f"kvm/{vm}"))

        self.patch(kvm, "locate", locate)

        def check() -> Answer:
            return self.call("POST", "/v1/zones/checks", key=self.signed(Act.CHECK))

        self.peer(replace(self.zones["paris"], backends=frozenset({"kvm"})))
        self.assertTold(check(), "zone-forbidden", "the zone paris may not see the zone oslo")
        self.assertEqual(asked, [])
        self.peer(replace(self.zones["paris"], backends=frozenset({"kvm", "oslo"})))
        self.assertEqual(check().status, 200)
        self.assertEqual(asked, [("paris", "madrid")])

    def test_a_question_for_another_zone_says_which_zones_it_has_passed(self) -> None:
        asked = self.oslo()
        self.peer(replace(self.zones["paris"], backends=frozenset({"*"}), hops=2))

        def check(*via: str) -> Answer:
            signed = self.signed(Act.CHECK, vm="oslo/kvm/web-01", via=via)
            return self.call("POST", "/v1/zones/checks", key=signed)

        self.assertEqual(check("paris").status, 200)
        self.assertEqual(asked, [("paris", "madrid")])
        self.assertTold(check("oslo", "paris"), "zone-loop", "oslo -> paris -> madrid -> oslo")
        self.assertEqual(len(asked), 1)

    def test_the_zone_describes_itself(self) -> None:
        self.peer(replace(self.zones["paris"], max_duration=60.0))
        answer = self.call("GET", "/v1/zones/about", key=self.signed(Act.ABOUT))
        expected = {
            "zone": "madrid",
            "version": __version__,
            "time": NOW,
            "backends": ["kvm"],
            "hops": 1,
            "max_duration": 60.0,
            "idle_timeout": None,
            "mode": "control",
        }
        self.assertEqual((answer.status, answer.body), (200, expected))
