"""Links to live sessions, and who drives, by requests of the API."""

from __future__ import annotations

from dataclasses import replace
from ipaddress import ip_network
from typing import Any

from tests.doubles.api import ApiTestCase, session
from vncproxy.api import Scope
from vncproxy.model import Mode, Policy, PolicyBounds, SessionInfo, SessionPhase, Sharing

ONE_DRIVER = Policy(sharing=Sharing.ONE_DRIVER)


class InviteTests(ApiTestCase):
    def bounded_key(self, bounds: PolicyBounds) -> str:
        key = self.add_key("portal", Scope.ISSUE, policy=bounds)
        self.serve()
        return key

    def invite(self, key: str, policy: Policy) -> Any:
        host = self.sessions.add(replace(session(), policy=policy))
        body = {"user": "Bob", "mode": "control"}
        return self.call("POST", f"/v1/sessions/{host.id}/invite", body, key=key)

    def test_a_guest_gets_no_more_than_the_key_may_give(self) -> None:
        key = self.bounded_key(PolicyBounds(mode=Mode.VIEW_ONLY, banner="Be careful.", approval=1))
        answer = self.invite(key, Policy(may_invite=Mode.CONTROL))
        self.assertEqual(answer.status, 201, answer.text)
        policy = answer.body["policy"]
        self.assertEqual(
            (policy["mode"], policy["banner"], policy["approval"]), ("view-only", "Be careful.", 1)
        )

    def test_a_session_beyond_the_bounds_of_the_key_is_named_by_its_field(self) -> None:
        key = self.bounded_key(PolicyBounds(client_networks=(ip_network("10.0.0.0/8"),)))
        networks = (ip_network("192.0.2.0/24"),)
        answer = self.invite(key, Policy(may_invite=Mode.CONTROL, client_networks=networks))
        self.assertEqual(answer.status, 403)
        self.assertEqual(answer.error["field"], "policy.client_networks")


class DriveTests(ApiTestCase):
    def drive(self, **changes: Any) -> tuple[int, str]:
        host: SessionInfo = replace(session(), policy=ONE_DRIVER, **changes)
        self.sessions.add(host)
        answer = self.call("POST", f"/v1/sessions/{host.id}/drive")
        return answer.status, answer.error["code"]

    def test_one_who_may_only_watch_does_not_drive(self) -> None:
        self.assertEqual(self.drive(mode=Mode.VIEW_ONLY), (409, "no-single-driver"))

    def test_one_who_waits_does_not_drive(self) -> None:
        for state in (SessionPhase.WAITING, SessionPhase.OPENING):
            self.assertEqual(self.drive(state=state), (409, "no-single-driver"))

    def test_one_whose_control_is_only_held_back_is_made_the_driver(self) -> None:
        # nothing here knows the drivers, so what is asked for does not come about
        answer = self.drive(mode=Mode.VIEW_ONLY, held=True)
        self.assertEqual(answer, (409, "driver-stays"))
