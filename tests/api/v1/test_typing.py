"""Keys are typed over HTTP: what is asked of what types, and what is told of it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from twisted.internet.defer import Deferred

from tests.doubles.api import Answer, ApiTestCase
from vncproxy.api import Scope
from vncproxy.errors import (
    ConsoleInUse,
    EndedByAdministrator,
    KeysInterrupted,
    VNCProxyError,
)
from vncproxy.keyboard import Pause, Press, Typed, TypingOrder, load_layout, read_chord
from vncproxy.model import Mode, PolicyBounds, Sharing, VMPatterns

US = load_layout("us")
SECRET = "hunter2-Tr0ub4dor"


class Live:
    """A session that types."""

    id = "7f3a0001c44be902"

    def __init__(self) -> None:
        self.ending = False
        self.reason: VNCProxyError | None = None

    def cancel(self, why: VNCProxyError) -> None:
        self.ending, self.reason = True, why


class TypingTestCase(ApiTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.orders: list[TypingOrder] = []
        self.live = Live()
        self.result: Deferred[Typed] = Deferred()
        self.done(Typed(self.live.id, 3, 1.23456, True))
        self.type_keys = self.take_order
        self.serve()

    def done(self, typed: Typed) -> None:
        self.result = Deferred()
        self.result.callback(typed)

    def failed(self, why: Exception) -> None:
        self.result = Deferred()
        self.result.errback(why)

    async def take_order(self, order: TypingOrder, on_session: Callable[[Any], object]) -> Typed:
        self.orders.append(order)
        on_session(self.live)
        return await self.result

    def type(self, key: str | None = None, **body: object) -> Answer:
        asked = {"vm": "kvm/web-01", **body}
        return self.call("POST", "/v1/screen/keys", asked, key=key)

    def lines(self, event: str) -> list[dict[str, Any]]:
        return [line for line in self.audit if line["event"] == event]


class OrderTests(TypingTestCase):
    def test_a_text(self) -> None:
        answer = self.type(text="aB\n")

        self.assertEqual(answer.status, 200)
        self.assertEqual(
            answer.body,
            {
                "vm": "kvm/web-01",
                "session": self.live.id,
                "keys": 3,
                "characters": 3,
                "seconds": 1.235,
                "sent": "codes",
            },
        )
        (order,) = self.orders
        self.assertEqual((str(order.vm), order.user), ("kvm/web-01", "root"))
        self.assertEqual(order.script.steps, tuple(map(Press, US.strokes("aB\n"))))
        self.assertEqual((order.script.rate, order.codes, order.takes_over), (20.0, True, False))

    def test_keys_pauses_texts_and_what_is_held(self) -> None:
        keys = ["ctrl+alt+delete", {"pause": 1.5}, {"text": "z"}, {"hold": "f8", "seconds": 3}]
        self.assertEqual(self.type(keys=keys, layout="de", rate=5).status, 200)
        german = load_layout("de")
        self.assertEqual(
            self.orders[0].script.steps,
            (
                Press(read_chord("ctrl+alt+delete", german)),
                Pause(1.5),
                *map(Press, german.strokes("z")),
                Press(read_chord("f8", german), 3.0),
            ),
        )
        self.assertEqual(self.orders[0].script.rate, 5)

    def test_taking_over_is_a_policy(self) -> None:
        self.type(text="a", take_over=True, user="ci job 7")
        self.assertTrue(self.orders[0].takes_over)
        self.assertIs(self.orders[0].policy.sharing, Sharing.TAKE_OVER)
        self.assertEqual(self.orders[0].user, "ci job 7")

    def test_the_policy_is_within_the_bounds_of_the_key(self) -> None:
        bounds = PolicyBounds(mode=Mode.VIEW_ONLY, record=True, max_duration=60.0)
        key = self.key_with(Scope.TYPE, policy=bounds)
        self.type(key, text="a")
        policy = self.orders[0].policy
        self.assertEqual((policy.view_only, policy.record, policy.max_duration), (True, True, 60.0))

    def test_a_key_that_may_not_take_over(self) -> None:
        key = self.key_with(Scope.TYPE, policy=PolicyBounds(sharing=Sharing.SHARED))
        answer = self.type(key, text="a", take_over=True)
        self.assertRefused(answer, 403, "forbidden", "policy.sharing")
        self.assertEqual(self.orders, [])

    def test_the_machine_in_the_query(self) -> None:
        for path in ("/v1/screen/keys", "/v1/keys"):
            request = self.begin("POST", f"{path}?vm=kvm/web-01", {"text": "a"})
            self.asked[request] = "POST", "/v1/screen/keys"
            self.assertEqual(self.finish(request).status, 200, path)
        self.assertEqual([str(order.vm) for order in self.orders], ["kvm/web-01"] * 2)

    def test_a_request_that_is_sent_again_types_once(self) -> None:
        headers = {"Authorization": f"Bearer {self.key}", "Idempotency-Key": "job-7"}
        for replayed in (None, "true"):
            answer = self.call(
                "POST", "/v1/screen/keys", {"vm": "kvm/web-01", "text": "a"}, headers=headers
            )
            self.assertEqual(
                (answer.status, answer.headers.get("idempotent-replayed")), (200, replayed)
            )
        self.assertEqual(len(self.orders), 1)


class RefusalTests(TypingTestCase):
    def test_what_cannot_be_asked_for(self) -> None:
        for field, body in (
            ("text", {}),
            ("text", {"text": "a", "keys": ["a"]}),
            ("text", {"text": ""}),
            ("text", {"text": "x" * 4097}),
            ("text", {"text": "aж"}),
            ("text", {"text": "a\0"}),
            ("text", {"text": 7}),
            ("keys", {"keys": []}),
            ("keys", {"keys": ["a"] * 1001}),
            ("keys", {"keys": [{"text": "x" * 2100}, {"text": "x" * 2100}]}),
            ("keys.1", {"keys": ["a", "no-such-key"]}),
            ("keys.0", {"keys": [{"pause": 0}]}),
            ("keys.0", {"keys": [{"pause": 61}]}),
            ("keys.0", {"keys": [{"pause": 1, "text": "a"}]}),
            ("keys.0", {"keys": [{"hold": "a+b+c+d+e+f+g", "seconds": 1}]}),
            ("keys.0", {"keys": [None]}),
            ("layout", {"text": "a", "layout": "xx"}),
            ("layout", {"text": "a", "layout": "../us"}),
            ("rate", {"text": "a", "rate": 0}),
            ("rate", {"text": "a", "rate": 101}),
            ("rate", {"text": "x" * 4000, "rate": 1}),
            ("user", {"text": "a", "user": ""}),
            ("secret", {"text": "a", "secret": True}),
        ):
            self.assertRefused(self.type(**body), 422, "invalid-field", field)
        self.assertEqual(self.orders, [])

    def test_no_machine_and_two(self) -> None:
        answer = self.call("POST", "/v1/screen/keys", {"text": "a"})
        self.assertRefused(answer, 422, "invalid-field", "vm")
        answer = self.call(
            "POST", "/v1/screen/keys?vm=kvm/db-01", {"vm": "kvm/web-01", "text": "a"}
        )
        self.assertRefused(answer, 422, "invalid-field", "vm")

    def test_a_key_needs_the_scope_and_the_machine(self) -> None:
        key = self.key_with(Scope.READ, Scope.ISSUE, Scope.SCREENSHOT)
        self.assertRefused(self.type(key, text="a"), 403, "forbidden", None)
        key = self.key_with(Scope.TYPE, vms=VMPatterns.parse(["kvm/db-*"]))
        self.assertRefused(self.type(key, text="a"), 403, "forbidden", "vm")
        self.assertEqual(self.orders, [])

    def test_why_it_was_not_typed(self) -> None:
        self.failed(ConsoleInUse("alone", public="One viewer at a time."))
        answer = self.type(text="a")
        self.assertEqual((answer.status, answer.error["code"]), (503, "console-in-use"))

    def test_how_much_was_typed(self) -> None:
        self.failed(KeysInterrupted.after(EndedByAdministrator(), 1, 3))
        answer = self.type(text="abc")
        self.assertEqual((answer.status, answer.error["code"]), (409, "keys-interrupted"))
        self.assertIn("1 of 3 keys", answer.error["message"])
        (line,) = self.lines("api-type")
        self.assertEqual((line["keys"], line["of"], line["session"]), (1, 3, self.live.id))


class SecretTests(TypingTestCase):
    def test_what_was_typed_is_nowhere(self) -> None:
        self.type(text=SECRET)
        (line,) = self.lines("api-type")
        self.assertEqual((line["characters"], line["of"]), (len(SECRET), len(SECRET)))
        self.assertNotIn(SECRET, f"{self.audit}{self.orders}")

    def test_what_could_not_be_typed_is_told_to_the_caller_alone(self) -> None:
        answer = self.type(text=f"{SECRET}ж")
        self.assertIn("ж", answer.error["message"])
        answer = self.type(keys=[SECRET])
        self.assertIn(SECRET, answer.error["message"])
        self.assertEqual(len(self.lines("api-refuse")), 2)
        self.assertNotIn("ж", str(self.audit))
        self.assertNotIn(SECRET, str(self.audit))


class EndTests(TypingTestCase):
    def begin_typing(self, key: str) -> Deferred[Any]:
        self.result = Deferred()
        return self.begin("POST", "/v1/screen/keys", {"vm": "kvm/web-01", "text": "a"}, key=key)

    def test_a_revoked_key_ends_it(self) -> None:
        created = self.call(
            "POST", "/v1/keys", {"name": "ci", "scopes": ["type"]}, key=self.keys_key()
        )
        asked = self.begin_typing(created.body["key"])
        self.clock.pump([1.0] * 3)
        self.assertFalse(self.live.ending)
        self.call("DELETE", f"/v1/keys/{created.body['id']}", key=self.keys_key())
        self.clock.pump([1.0] * 3)
        self.assertIsInstance(self.live.reason, EndedByAdministrator)
        self.result.errback(KeysInterrupted.after(EndedByAdministrator(), 0, 1))
        self.assertEqual(self.finish(asked).status, 409)

    def test_a_key_that_expires_ends_it(self) -> None:
        asked = self.begin_typing(self.key_with(Scope.TYPE, expires=self.time + 60))
        self.time += 61
        self.clock.pump([1.0] * 2)
        self.assertIsInstance(self.live.reason, EndedByAdministrator)
        self.result.errback(KeysInterrupted.after(EndedByAdministrator(), 0, 1))
        self.finish(asked)

    def test_nothing_looks_at_the_key_of_a_session_that_has_ended(self) -> None:
        self.type(text="a")
        self.live.ending = True
        self.clock.advance(20)
        self.assertEqual(self.clock.getDelayedCalls(), [])

    def keys_key(self) -> str:
        if not hasattr(self, "_keys_key"):
            self._keys_key = self.key_with(Scope.KEYS, Scope.TYPE)
        return self._keys_key
