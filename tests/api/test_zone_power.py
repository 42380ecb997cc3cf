"""The power of machines for users of another zone: narrowed by this zone, none by default."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from typing import Any

from twisted.internet.defer import Deferred
from twisted.internet.testing import MemoryReactorClock
from zope.interface.verify import verifyObject

from tests.api.test_zones import KEY, ZoneCase
from tests.backends.zone.test_settings import ASKING
from tests.doubles.api import Answer
from vncproxy.backends import new_context
from vncproxy.backends.zone import ZoneBackend, ZoneSettings
from vncproxy.backends.zone.backend import POWER_TIME
from vncproxy.backends.zone.errors import refused
from vncproxy.errors import PowerDenied, PowerStateUnfit, PowerUnsupported, ZoneForbidden
from vncproxy.interfaces import IPower
from vncproxy.model import ConsoleEndpoint, Journey, Policy, PowerAction, Transport
from vncproxy.testing import PoweredConsoles
from vncproxy.zones.request import AcceptedKey, Act, Peer, Request, sign

RESET, OFF = PowerAction.RESET, PowerAction.OFF


class PowerCase(ZoneCase):
    """Paris may reset madrid's machines."""

    def setUp(self) -> None:
        super().setUp()
        endpoint = ConsoleEndpoint(Transport.TCP, "192.0.2.1", 5900)
        self.host = PoweredConsoles({"web-01": endpoint}, "kvm")
        self.backends["kvm"] = self.host  # type: ignore[assignment]
        self.paris = Peer("paris", (AcceptedKey(KEY.public),), frozenset({"kvm"}))
        self.peer(replace(self.paris, power=frozenset({RESET})))


class ZonePowerTests(PowerCase):
    def act(self, action: PowerAction | None = RESET, **changes: Any) -> Answer:
        key = self.signed(Act.POWER, action=action, **changes)
        return self.call("POST", "/v1/zones/power", key=key)

    def test_what_is_accepted_is_done_and_recorded_with_the_session_there(self) -> None:
        answer = self.act()
        body = {"vm": "kvm/web-01", "action": "reset", "done": True}
        self.assertEqual((answer.status, answer.body), (200, body))
        self.assertEqual(self.host.done, [("web-01", RESET)])
        [line] = [each for each in self.audit if each["event"] == "power"]
        self.assertEqual((line["user"], line["from_zone"]), ("alice", "paris"))
        self.assertEqual((line["from_session"], line["outcome"]), ("7f3a", "done"))

    def test_nothing_is_accepted_by_default(self) -> None:
        self.peer(self.paris)
        self.assertRefused(self.act(), 403, "zone-forbidden", None)
        self.assertEqual(self.host.done, [])

    def test_what_is_not_accepted_is_not_done(self) -> None:
        for action in (OFF, None):
            self.assertRefused(self.act(action), 403, "zone-forbidden", None)
        self.assertRefused(self.act(vm="xen/web-01"), 403, "zone-forbidden", None)
        self.assertEqual(self.host.done, [])

    def test_a_request_of_another_kind_or_sent_twice_does_nothing(self) -> None:
        key = self.signed(Act.CHECK, action=RESET)
        self.assertEqual(self.call("POST", "/v1/zones/power", key=key).status, 403)
        key = self.signed(Act.POWER, action=RESET)
        self.assertEqual(self.call("POST", "/v1/zones/power", key=key).status, 200)
        self.assertEqual(self.call("POST", "/v1/zones/power", key=key).status, 403)
        self.assertEqual(self.host.done, [("web-01", RESET)])

    def test_an_api_key_is_no_signature(self) -> None:
        self.assertEqual(self.call("POST", "/v1/zones/power").status, 403)
        self.assertEqual(self.host.done, [])

    def test_why_it_was_not_done_is_said(self) -> None:
        self.host.off.add("web-01")
        self.assertRefused(self.act(), 409, "power-state", None)
        self.host.off.clear()
        self.host.fail = PowerDenied("no right")
        self.assertRefused(self.act(), 502, "power-denied", None)

    def test_two_requests_at_a_time_are_one(self) -> None:
        self.host.wait = Deferred()
        begun = [
            self.begin("POST", "/v1/zones/power", key=self.signed(Act.POWER, action=RESET))
            for _ in range(2)
        ]
        self.host.wait.callback(None)
        self.assertEqual([self.finish(each).status for each in begun], [200, 200])
        self.assertEqual(self.host.done, [("web-01", RESET)])


class AskingTests(PowerCase):
    """The other side: what paris asks with, and what it makes of the answers."""

    def setUp(self) -> None:
        super().setUp()
        self.time = time.time()
        settings = ZoneSettings.model_validate({**ASKING, "power": True})
        calls: Any = None
        reactor = MemoryReactorClock()
        context = new_context(ZoneBackend, "madrid", settings, calls, reactor, "paris")
        self.backend = ZoneBackend(context)
        self.limits: list[float] = []
        self.patch(self.backend._connection, "send", self.send)

    async def send(
        self, method: str, path: str, request: Request, patience: float = 0.0
    ) -> dict[str, Any]:
        self.limits.append(patience)
        answer = self.call(method, path, key=sign(request, KEY))
        if answer.status >= 300:
            raise refused("madrid", answer.status, json.dumps(answer.body).encode())
        body: dict[str, Any] = answer.body
        return body

    def request(self, action: PowerAction = RESET) -> Deferred[bool]:
        journey = Journey("7f3a", "alice", "192.0.2.1", Policy(power=(RESET, OFF)))
        return Deferred.fromCoroutine(self.backend.request_power("kvm/web-01", action, journey))

    def test_it_is_asked_once_in_the_name_of_the_user(self) -> None:
        self.assertTrue(verifyObject(IPower, self.backend))
        self.assertTrue(self.successResultOf(self.request()))
        self.assertEqual((self.host.done, self.limits), ([("web-01", RESET)], [POWER_TIME]))
        [line] = [each for each in self.audit if each["event"] == "power"]
        self.assertEqual((line["user"], line["from_session"]), ("alice", "7f3a"))

    def test_what_it_refuses_is_told_in_its_words(self) -> None:
        self.failureResultOf(self.request(OFF), ZoneForbidden)
        self.host.off.add("web-01")
        error = self.failureResultOf(self.request(), PowerStateUnfit).value
        self.assertEqual(error.sentence(), "The virtual machine is shut off.")
        self.host.off.clear()
        self.host.allowed = ()
        self.failureResultOf(self.request(), PowerUnsupported)
        self.host.allowed, self.host.fail = (RESET,), PowerDenied("no right")
        self.failureResultOf(self.request(), PowerDenied)

    def test_a_machine_without_a_console_is_not_off_for_that(self) -> None:
        asking = Deferred.fromCoroutine(self.backend.is_off("kvm/web-01"))
        self.assertIs(self.successResultOf(asking), False)

    def test_without_the_switch_nothing_is_offered(self) -> None:
        settings = ZoneSettings.model_validate(ASKING)
        self.assertFalse(settings.power)
        self.assertEqual(len(self.backend.power_actions()), 5)
