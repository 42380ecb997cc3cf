"""Users of Keystone: which machines exist for them, and what their links may do."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twisted.internet.defer import Deferred
from zope.interface import implementer

from tests.api.nova.test_consoles import NovaTestCase
from tests.doubles.api import Listing
from vncproxy.api import IAuthenticator, Scope
from vncproxy.api.caller import Caller
from vncproxy.api.keys import ApiKeys
from vncproxy.api.nova.callers import AuthTokenKeys
from vncproxy.api.nova.keystone_callers import KeystoneCallers
from vncproxy.api.nova.policies import KeystonePolicy
from vncproxy.errors import BackendError, KeystoneUnavailable
from vncproxy.interfaces import IMachineIds, IMachineOwners
from vncproxy.model import Ownership, PolicyBounds, Token, VMAddress, VMPatterns, VMSummary
from vncproxy.openstack.keystone import InDomain, KeystoneToken, Named
from vncproxy.openstack.recent import RecentTokens

URI = "https://keystone.example.com/v3"
DOMAIN = Named(id="default", name="Default")


def token(project: str = "web", *roles: str) -> KeystoneToken:
    return KeystoneToken(
        user=InDomain(id="5f03", name="alice", domain=DOMAIN),
        project=InDomain(id=f"id-{project}", name=project, domain=DOMAIN) if project else None,
        roles=tuple(Named(id=role, name=role) for role in roles or ("member",)),
        expires_at=datetime(2100, 1, 1, tzinfo=UTC),
    )


def policy(
    *projects: str,
    roles: Sequence[str] = ("member",),
    scopes: Sequence[Scope] = (Scope.ISSUE, Scope.READ),
    vms: Sequence[str] = ("*",),
    tags: Sequence[str] = (),
    own: bool = True,
    **access: Any,
) -> KeystonePolicy:
    rights = Caller("policy", frozenset(scopes), vms=VMPatterns.parse(vms), **access)
    return KeystonePolicy(
        frozenset(projects or ("*",)), frozenset(roles), rights, frozenset(tags), own
    )


@implementer(IMachineIds, IMachineOwners)
class Owned(Listing):
    """A backend that knows owners."""

    def __init__(self, name: str, owners: Mapping[str, Ownership]) -> None:
        super().__init__(name, dict.fromkeys(owners, "running"))
        self.known = owners
        self.asked: list[Sequence[str]] = []
        self.broken: Exception | None = None
        self.hangs = False

    def fixed_part(self, vm: str) -> str:
        return "" if vm in self.names else vm

    async def owners(self, vms: Sequence[str]) -> Mapping[str, Ownership]:
        self.asked.append(list(vms))
        if self.hangs:
            await Deferred()
        if self.broken:
            raise self.broken
        return {vm: self.known[vm] for vm in vms if vm in self.known}


class KeystoneCase(NovaTestCase):
    def setUp(self) -> None:
        self.tokens: dict[str, KeystoneToken] = {"web": token(), "db": token("db")}
        self.policies = [policy()]
        self.away = False
        self.questions: list[str] = []
        self.owned = Owned(
            "own",
            {
                "web-01": Ownership("id-web"),
                "web-02": Ownership("id-web", frozenset({"console", "lab"})),
                "db-01": Ownership("id-db"),
                "free": Ownership(),
            },
        )
        super().setUp()
        self.backends["own"] = self.owned
        self.serve()

    async def look_up(self, sent: str) -> KeystoneToken | None:
        self.questions.append(sent)
        if self.away:
            raise KeystoneUnavailable("connection refused")
        return self.tokens.get(sent)

    def ways(self) -> list[IAuthenticator]:
        recent = RecentTokens(self.look_up, 0, self.clock.seconds, lambda: self.time)
        callers = KeystoneCallers(recent, self.policies, URI)
        return [AuthTokenKeys(ApiKeys(self.keys)), callers]

    def servers(self, key: str = "web") -> list[str]:
        answer = self.ask("GET", "/servers", key=key)
        self.assertEqual(answer.status, 200, answer.text)
        return sorted(each["name"] for each in answer.body["servers"])

    def allow(self, *policies: KeystonePolicy) -> None:
        self.policies = list(policies)
        self.serve()

    def issued(self, vm: str, key: str = "web") -> Token:
        url = self.console(vm, key=key).body["remote_console"]["url"]
        return self.result(self.store.redeem(url.rpartition("%3D")[2])).token


class OwnershipTests(KeystoneCase):
    def test_a_user_sees_the_machines_of_its_project(self) -> None:
        self.assertEqual(self.servers("web"), ["web-01", "web-02"])
        self.assertEqual(self.servers("db"), ["db-01"])

    def test_a_machine_of_another_project_does_not_exist(self) -> None:
        for path in ("/servers/own/db-01", "/servers/db-01"):
            self.assertFault(self.ask("GET", path, key="web"), 404, "itemNotFound")
        self.assertFault(self.console("own/db-01", key="web"), 404, "itemNotFound")
        self.assertEqual(self.issued("own/db-01", key="db").vm.vm, "db-01")

    def test_no_machine_exists_where_a_backend_knows_no_owners(self) -> None:
        self.assertFault(self.console("kvm/web-01", key="web"), 404, "itemNotFound")

    def test_a_policy_for_any_owner_opens_machines_without_one(self) -> None:
        self.allow(policy(own=False, vms=["own/free", "own/db-*"]))
        self.assertEqual(self.servers(), ["db-01", "free"])
        self.assertEqual(self.owned.asked, [])

    def test_an_empty_owner_is_nobodys(self) -> None:
        nameless = token().model_copy(
            update={"project": InDomain.model_construct(id="", name="", domain=DOMAIN)}
        )
        self.tokens["empty"] = nameless
        self.assertEqual(self.servers("empty"), [])

    def test_an_id_of_two_machines_is_unique_for_a_user_that_sees_one(self) -> None:
        self.backends["own2"] = Owned("own2", {"web-01": Ownership("id-db")})
        self.serve()
        self.assertEqual(self.issued("web-01", key="web").vm.backend, "own")
        self.assertEqual(self.issued("web-01", key="db").vm.backend, "own2")

    def test_owners_are_asked_for_the_machines_in_question_only(self) -> None:
        self.ask("GET", "/servers?name=web-01", key="web")
        self.assertEqual(self.owned.asked, [["web-01"]])

    def test_a_backend_that_does_not_say_whose_its_machines_are(self) -> None:
        self.owned.broken = BackendError("libvirt is gone: secret")
        answer = self.ask("GET", "/servers", key="web")
        self.assertFault(answer, 503, "serviceUnavailable", "owners of the machines")
        self.assertNotIn("secret", answer.text)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_a_backend_that_hangs(self) -> None:
        self.owned.hangs = True
        headers = {"X-Auth-Token": "web"}
        waiting = self.begin("GET", "/v2.1/servers", headers=headers)
        self.treq.flush()
        self.clock.advance(30)
        self.assertFault(self.finish(waiting), 503, "serviceUnavailable")


class PolicyTests(KeystoneCase):
    def test_a_machine_needs_one_of_the_tags(self) -> None:
        self.allow(policy(tags=["console", "other"]))
        self.assertEqual(self.servers(), ["web-02"])

    def test_projects_by_name_and_by_id(self) -> None:
        for name in ("id-web", "Default/web"):
            self.allow(policy(name))
            self.assertEqual(self.servers("web"), ["web-01", "web-02"])
            self.assertFault(self.ask("GET", "/servers", key="db"), 403, "forbidden")
        for name in ("web", "default/web", "Other/web"):
            self.allow(policy(name))
            self.assertFault(self.ask("GET", "/servers", key="web"), 403, "forbidden")

    def test_roles(self) -> None:
        self.tokens["reader"] = token("web", "reader")
        self.tokens["other"] = token("web", "Member")
        self.assertFault(self.ask("GET", "/servers", key="reader"), 403, "forbidden")
        self.assertEqual(self.servers("other"), ["web-01", "web-02"])
        self.allow(policy(roles=["*"]))
        self.assertEqual(self.servers("reader"), ["web-01", "web-02"])

    def test_a_token_for_no_project(self) -> None:
        self.tokens["unscoped"] = token("")
        answer = self.ask("GET", "/servers", key="unscoped")
        self.assertFault(answer, 403, "forbidden", "The token is for no project")

    def test_the_first_policy_for_a_machine_decides_what_its_links_may_do(self) -> None:
        short = policy(vms=["own/web-01"], policy=PolicyBounds(max_duration=60.0))
        self.allow(short, policy())
        self.assertEqual(self.issued("own/web-01").policy.max_duration, 60.0)
        self.assertIsNone(self.issued("own/web-02").policy.max_duration)

    def test_a_link_is_the_users(self) -> None:
        self.assertEqual(self.issued("own/web-01").user, "5f03")

    def test_who_may_only_read_gets_no_link(self) -> None:
        self.allow(policy(vms=["own/web-01"], scopes=[Scope.READ]), policy())
        self.assertFault(self.console("own/web-01", key="web"), 403, "forbidden", "'issue'")
        self.assertEqual(self.issued("own/web-02").vm.vm, "web-02")

    def test_an_address_of_a_console_is_told_for_machines_that_one_may_use(self) -> None:
        self.allow(policy(scopes=[Scope.ADMIN]))
        url = self.console("own/db-01", key=self.key).body["remote_console"]["url"]
        secret = url.rpartition("%3D")[2]
        path = f"/os-console-auth-tokens/{secret}"
        self.assertFault(self.ask("GET", path, key="web"), 404, "itemNotFound", "Token not found")
        # a descriptor can be told to nobody, and only who may use the machine learns that
        self.assertFault(self.ask("GET", path, key="db"), 501, "notImplemented")


class NameTests(KeystoneCase):
    """Policies whose patterns match names, which the owners of machines may change at any time."""

    def setUp(self) -> None:
        super().setUp()
        self.owned = Owned(
            "own", {"7": Ownership("id-web", frozenset({"lab"})), "8": Ownership("id-db")}
        )
        self.owned.machines = [
            VMSummary(VMAddress("own", "7"), "web-01", "running"),
            VMSummary(VMAddress("own", "8"), "web-02", "running"),
        ]
        self.owned.names = {"web-01", "web-02"}
        self.backends["own"] = self.owned

    def test_a_link_is_for_the_machine_whose_owner_was_looked_at(self) -> None:
        """Once the name is given to another project's machine, the link must not open that."""
        for own in (policy(), policy(own=False, tags=["lab"])):
            named = replace(own.access, vms=VMPatterns.parse(["own/web-*"]), match_names=True)
            self.allow(replace(own, access=named))
            self.assertEqual(self.servers(), ["web-01"])
            self.assertEqual(self.issued("own/7").vm, VMAddress("own", "7"))

    def test_so_is_one_by_a_later_policy_for_any_owner(self) -> None:
        """An earlier policy may bind the machine that gets the name."""
        named = policy(vms=["own/web-*"], match_names=True, own=False)
        self.allow(policy(tags=["restricted"]), named)
        self.assertEqual(self.issued("own/8").vm, VMAddress("own", "8"))


class TokenTests(KeystoneCase):
    def test_an_unknown_token(self) -> None:
        answer = self.ask("GET", "/servers", key="wrong")
        self.assertFault(answer, 401, "unauthorized", "requires authentication")
        self.assertEqual(answer.headers["www-authenticate"], f'Keystone uri="{URI}"')

    def test_what_cannot_be_a_token_is_not_asked_about(self) -> None:
        for sent in ("a b", "ü", "x" * 8193):
            answer = self.ask("GET", "/servers", key=sent)
            self.assertFault(answer, 401, "unauthorized")
        self.assertEqual(self.questions, [])

    def test_a_key_is_not_sent_to_keystone(self) -> None:
        self.assertEqual(self.ask("GET", "/servers").status, 200)
        self.assertEqual(self.questions, [])

    def test_without_a_token(self) -> None:
        answer = self.call("GET", "/v2.1/servers", headers={})
        self.assertFault(answer, 401, "unauthorized")

    def test_keystone_is_away(self) -> None:
        self.away = True
        answer = self.ask("GET", "/servers", key="web")
        self.assertFault(answer, 503, "serviceUnavailable", "Keystone service is temporarily")
        self.assertNotIn("refused", answer.text)
