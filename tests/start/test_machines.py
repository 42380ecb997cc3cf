"""The machines of users at the start page: listed, pictured and opened."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.internet.defer import Deferred

from tests.doubles.start_page import COOKIE, OWN, StartTestCase, Unlisted, policy
from vncproxy.api import Scope
from vncproxy.errors import BackendError
from vncproxy.model import PolicyBounds
from vncproxy.start.visitor import UserPolicy
from vncproxy.testing import StaticConsoles


class MachineTests(StartTestCase):
    def names(self) -> list[str]:
        return [row["vm"] for row in self.machines(self.log_in())["vms"]]

    def test_users_see_the_machines_of_their_policies(self) -> None:
        self.configure(policy("kvm/web-*"), policy("kvm/db-01", groups=("others",)))
        self.assertEqual(self.names(), ["kvm/web-01"])

        self.openid.user["groups"] = ["staff", "others"]
        self.assertEqual(self.names(), ["kvm/db-01", "kvm/web-01"])

        self.openid.user["groups"] = []
        self.assertEqual(self.names(), [])

    def test_a_policy_for_all_or_for_a_user(self) -> None:
        self.openid.user["groups"] = []
        self.configure(policy("kvm/web-*", groups=("*",)))
        self.assertEqual(self.names(), ["kvm/web-01"])

        of_user = policy("kvm/db-*", groups=())
        self.configure(UserPolicy(frozenset(), frozenset({"u-1"}), of_user.access))
        self.assertEqual(self.names(), ["kvm/db-01"])

    def test_the_first_policy_for_a_machine_counts(self) -> None:
        short = PolicyBounds(max_duration=60.0)
        self.configure(policy("kvm/web-*", policy=short), policy())
        cookie = self.log_in()

        for vm, most in (("kvm/web-01", 60.0), ("kvm/db-01", None)):
            body = json.loads(self.post(f"/start/open?vm={vm}", OWN, cookie=cookie).body)
            token = parse_qs(urlsplit(body["url"]).query)["token"][0]
            grant = self.successResultOf(Deferred.fromCoroutine(self.store.redeem(token)))
            self.assertEqual(grant.token.policy.max_duration, most)

    def test_machines_of_others_are_not_opened(self) -> None:
        self.configure(policy("kvm/web-*"))
        cookie = self.log_in()
        for vm in ("kvm/db-01", "kvm/nothing", "esx/mail"):
            answer = self.post(f"/start/open?vm={vm}", OWN, cookie=cookie)
            self.assertEqual(answer.status, 403, vm)
            picture = self.go(f"/start/picture?vm={vm}", cookies={COOKIE: cookie})
            self.assertEqual((picture.status, picture.body), (403, picture.body))
        self.assertEqual([event for event, _ in self.notes], ["login"])

    def test_a_machine_that_is_gone(self) -> None:
        answer = self.post("/start/open?vm=kvm/gone", OWN, cookie=self.log_in())

        self.assertEqual(answer.status, 422)
        self.assertIn("no machine 'gone'", json.loads(answer.body)["error"]["message"])

    def test_a_policy_that_may_not_issue_opens_nothing(self) -> None:
        self.configure(policy(scopes=frozenset({Scope.READ})))
        cookie = self.log_in()

        (row, _) = self.machines(cookie)["vms"]
        self.assertEqual((row["opens"], row["picture"]), (False, False))
        self.assertEqual(self.post("/start/open?vm=kvm/web-01", OWN, cookie=cookie).status, 403)

    def test_a_backend_is_asked_once_for_many_users(self) -> None:
        asked: list[int] = []
        list_machines = self.kvm.list

        async def listed() -> Any:
            asked.append(1)
            return await list_machines()

        self.patch(self.kvm, "list", listed)
        cookie = self.log_in()
        for _ in range(5):
            self.machines(cookie)
        self.assertEqual(len(asked), 1)

        self.wait(5)
        self.machines(cookie)
        self.assertEqual(len(asked), 2)

    def named(self, backend: StaticConsoles) -> Any:
        """Return the list where a policy names a machine of another backend."""
        self.configure(policy("blind/a", "blind/b*", "kvm/web-01", "gone/x"), blind=backend)
        found = self.machines(self.log_in())
        rows = [(row["vm"], row["state"], row["power"]) for row in found["vms"]]
        self.assertEqual(rows, [("blind/a", "", ""), ("kvm/web-01", "running", "on")])
        return found["errors"]

    def test_a_backend_that_cannot_list_has_the_machines_that_policies_name(self) -> None:
        self.assertEqual(self.named(Unlisted()), [])

    def test_so_has_one_that_fails_and_its_error_is_told(self) -> None:
        async def fail() -> Any:
            raise BackendError("no route", public="It is away.")

        blind = StaticConsoles(name="blind")
        self.patch(blind, "list", fail)

        self.assertEqual(self.named(blind), [{"backend": "blind", "message": "It is away."}])

    def test_a_machine_that_a_list_does_not_have_is_not_shown(self) -> None:
        self.configure(policy("kvm/gone", "kvm/web-01"))

        self.assertEqual(self.names(), ["kvm/web-01"])

    def test_pictures(self) -> None:
        cookies = {COOKIE: self.log_in()}
        answer = self.go("/start/picture?vm=kvm/web-01", cookies=cookies)
        self.assertEqual((answer.status, answer.body), (200, b"kvm/web-01 320"))
        self.assertEqual(answer.header("content-type"), "image/jpeg")

        known = self.go("/start/picture?vm=kvm/web-01", 'If-None-Match: "tag"', cookies=cookies)
        self.assertEqual((known.status, known.body), (304, b""))

    def test_no_pictures_of_what_is_shown_after_consent_only(self) -> None:
        for bounds in (
            PolicyBounds(banner="Read this."),
            PolicyBounds(approval=1),
            PolicyBounds(record=True),
        ):
            self.configure(policy(policy=bounds))
            cookie = self.log_in()

            self.assertFalse(self.machines(cookie)["vms"][0]["picture"])
            answer = self.go("/start/picture?vm=kvm/web-01", cookies={COOKIE: cookie})
            self.assertEqual(answer.status, 403)
