"""Machines on hybrid hosts: followed to the OpenNebula where they really run, and no further."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.components.fake_oned import VM, FakeOned, Host, User
from tests.doubles.opennebula import HOME, OpenNebulaCase
from vncproxy.errors import BackendError, ConsoleUnavailable, VMNotFound
from vncproxy.model import ConsoleElsewhere, RFBSecurity, VMAddress

AWAY = "https://away.example.com:2633/RPC2"
FARTHER = "https://farther.example.com:2633/RPC2"
PASSWORD = "pw-of-guest"
UUID = "50296a4c-1f1e-4f5a-9a3c-6c1f7a3b2d10"
LOGIN = {"user": "guest", "password": PASSWORD}
ON_HYBRID = ((0, "hybrid", 5, "one"),)


def belongs_to(number: int) -> dict[str, str]:
    """Return what the driver writes into the remote half's user template."""
    return {"REMOTE_OPENNEBULA": "YES", "REMOTE_OPENNEBULA_VM_ID": str(number)}


def hybrid_host(endpoint: str, **template: str) -> Host:
    login = {"ONE_ENDPOINT": endpoint, "ONE_USER": "guest", "ONE_PASSWORD": PASSWORD}
    return Host(5, "hybrid", {**login, **template})


class HybridCase(OpenNebulaCase):
    """VM 7 here is VM 31 of the cloud at AWAY, on its host ``away1``."""

    def setUp(self) -> None:
        super().setUp()
        self.away = self.daemon(AWAY)
        self.oned.hosts[5] = hybrid_host(AWAY)
        self.local = self.oned.add(
            VM(7, "web", graphics=None, deploy_id="opennebula-hybrid-31", history=ON_HYBRID)
        )
        self.remote = self.away.add(
            VM(
                31,
                "remote-opennebula-7",
                graphics={"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": 5931, "PASSWD": "away-pw"},
                history=((0, "away1", 1, "kvm"),),
                user_template=belongs_to(7),
            )
        )

    def daemon(self, url: str) -> FakeOned:
        """Start a cloud that the account ``guest`` may log in to."""
        oned = FakeOned()
        oned.users["guest"] = User(3, PASSWORD)
        self.internet.daemons[url] = oned
        return oned


class FollowTests(HybridCase):
    def test_the_console_is_the_remote_halfs_under_the_local_name(self) -> None:
        found = self.located()
        self.assertEqual((found.host, found.port), ("away1", 5931))
        self.assertEqual(found.handshakes, (RFBSecurity("away-pw"),))
        self.assertEqual(found.name, "web")

    def test_the_driver_alone_shows_it(self) -> None:
        self.local.history = ((0, "hv1", 1, "kvm"),)
        self.local.graphics = {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": 5907}
        self.assertEqual((self.located().host, self.located().port), ("hv1", 5907))
        self.assertEqual(self.internet.asked, [HOME, HOME])

    def test_a_machine_of_this_driver_without_a_remote_half_is_on_no_host_yet(self) -> None:
        self.local.deploy_id = ""
        error = self.failure(ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is not on any host yet.")
        self.assertIn("DEPLOY_ID '' is no opennebula-hybrid-<id>", error.detail)

    def test_the_remote_state_counts(self) -> None:
        for state, lcm_state, text in (
            (1, 0, "The virtual machine is waiting for a host."),
            (3, 1, "The virtual machine is starting."),
            (8, 0, "The virtual machine is powered off."),
        ):
            self.remote.state, self.remote.lcm_state = state, lcm_state
            self.assertEqual(self.failure(ConsoleUnavailable).sentence(), text)

    def test_the_local_state_counts_too_and_nothing_remote_is_asked(self) -> None:
        self.local.state, self.local.lcm_state = 8, 0
        error = self.failure(ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is powered off.")
        self.assertEqual(self.internet.asked, [HOME])

    def test_a_remote_half_that_is_gone(self) -> None:
        del self.away.vms[31]
        error = self.failure(VMNotFound)
        self.assertEqual(error.sentence(), "The virtual machine was not found where it should run.")
        self.assertIn("VM 7 has lost its half", error.detail)

    def test_a_remote_half_that_belongs_to_another_is_refused(self) -> None:
        self.remote.user_template = belongs_to(8)
        self.assertEqual(
            self.failure(BackendError).detail,
            f"VM 31 of OpenNebula at {AWAY} says that it belongs to VM 8, not to VM 7 "
            "(REMOTE_OPENNEBULA_VM_ID)",
        )

    def test_one_that_belongs_to_no_machine_is_refused_too(self) -> None:
        self.remote.user_template = {}
        self.assertIn("belongs to VM none", self.failure(BackendError).detail)

    def test_an_imported_machine_is_told_how_it_can_be_named_over_there(self) -> None:
        self.remote.user_template = {"REMOTE_OPENNEBULA": "YES"}
        self.assertIn(
            "if this machine was imported, say over there whose it is: onevm update 31 --append, "
            'REMOTE_OPENNEBULA_VM_ID = "7"',
            self.failure(BackendError).detail,
        )

    def test_an_endpoint_that_is_the_front_ends_own_machine_is_not_ours(self) -> None:
        for endpoint in ("http://localhost:2633/RPC2", "http://127.1:2633/", "http://[::1]/RPC2"):
            self.oned.hosts[5] = hybrid_host(endpoint)
            self.internet.daemons[endpoint] = self.away
            error = self.failure(BackendError)
            self.assertIn(f"ONE_ENDPOINT {endpoint} is the front end's own machine", error.detail)
            self.assertNotIn(endpoint, self.internet.asked)
            written = {"hybrid": {"endpoint": endpoint}}
            self.assertEqual(self.located(remotes=written).port, 5931)

    def test_a_remote_cloud_that_does_not_answer_is_named(self) -> None:
        del self.internet.daemons[AWAY]
        self.assertEqual(self.failure(BackendError).detail, f"{AWAY}: Connection refused")

    def test_a_remote_loopback_is_not_ours(self) -> None:
        self.remote.history = ((0, "localhost", 1, "kvm"),)
        self.internet.daemons["http://localhost:2633/RPC2"] = self.oned
        error = self.failure(BackendError, endpoint="http://localhost:2633/RPC2")
        self.assertIn("localhost, which is not this machine", error.detail)

    def test_a_remote_vcenter_is_left_to_the_backend_that_is_named_for_it(self) -> None:
        self.remote.history = ((0, "cluster", 1, "vcenter"),)
        self.remote.deploy_id = f"vm-9_{UUID}"
        backend = self.backend(vcenter="ours", remotes={"hybrid": {"vcenter": "theirs"}})
        self.assertEqual(
            self.result(backend.locate("7")), ConsoleElsewhere(VMAddress("theirs", f"vm-9_{UUID}"))
        )


class LoginTests(HybridCase):
    """The remote cloud's URL and the account for it."""

    def setUp(self) -> None:
        super().setUp()
        self.oned.users["console"] = User(5, "pw-of-console")
        self.oned.hosts[5].usable = True

    def test_a_plain_account_without_the_right_to_use_the_host(self) -> None:
        self.oned.hosts[5].usable = False
        error = self.failure(BackendError, session="console:pw-of-console")
        self.assertIn("Not authorized to perform USE HOST [5]", error.detail)
        self.assertIn(
            'it needs the right to USE the host, or write in remotes."hybrid" its endpoint, user '
            "and password",
            error.detail,
        )
        remotes = {"hybrid": {**LOGIN, "endpoint": AWAY}}
        found = self.located(session="console:pw-of-console", remotes=remotes)
        self.assertEqual(found.port, 5931)

    def test_a_default_password_of_the_consoles_over_there(self) -> None:
        self.remote.graphics = {"PORT": 5931}
        remotes = {"hybrid": {"vnc_password": "theirs"}}
        found = self.located(remotes=remotes, vnc_password="ours")
        self.assertEqual(found.handshakes, (RFBSecurity("theirs"),))

    def test_an_account_outside_oneadmin_is_told_what_to_configure(self) -> None:
        error = self.failure(BackendError, session="console:pw-of-console")
        self.assertIn("as guest: [one.vm.info] User couldn't be authenticated", error.detail)
        self.assertIn("is given ONE_PASSWORD encrypted", error.detail)
        self.assertIn('write in remotes."hybrid" its user and password', error.detail)

    def test_what_is_configured_is_used_instead(self) -> None:
        session = "console:pw-of-console"
        self.assertEqual(self.located(session=session, remotes={"hybrid": LOGIN}).port, 5931)

    def test_with_an_endpoint_too_the_host_is_not_asked_for(self) -> None:
        del self.oned.hosts[5]
        remotes = {"hybrid": {**LOGIN, "endpoint": AWAY}}
        self.assertEqual(self.located(remotes=remotes).port, 5931)
        self.assertNotIn("one.host.info", self.oned.calls)

    def test_old_servers_give_the_password_without_being_asked_to_decrypt(self) -> None:
        self.oned.knows_decrypt = False
        self.assertEqual(self.located().port, 5931)

    def test_addresses_of_remote_hosts(self) -> None:
        remotes = {"hybrid": {"addresses": {"away1": "10.9.0.1"}}}
        self.assertEqual(self.located(remotes=remotes).host, "10.9.0.1")
        self.assertEqual(self.located(addresses={"away1": "10.0.0.1"}).host, "away1")

    def test_further_servers_of_the_remote_cloud(self) -> None:
        second = "https://away2.example.com:2633/RPC2"
        self.internet.daemons[second] = self.internet.daemons.pop(AWAY)
        self.assertEqual(self.located(remotes={"hybrid": {"servers": [second]}}).port, 5931)

    def test_a_host_without_endpoint_or_login(self) -> None:
        for missing, words in {
            "ONE_ENDPOINT": 'ONE_ENDPOINT is no URL; write in remotes."hybrid" its endpoint',
            "ONE_USER": "no ONE_USER with ONE_PASSWORD",
            "ONE_PASSWORD": "no ONE_USER with ONE_PASSWORD",
        }.items():
            self.oned.hosts[5] = hybrid_host(AWAY, **{missing: ""})
            self.assertIn(words, self.failure(BackendError).detail)

    def test_an_endpoint_that_is_no_http_is_not_dialled(self) -> None:
        for endpoint in ("file:///etc/passwd", "away.example.com:2634", "http://"):
            self.oned.hosts[5] = hybrid_host(endpoint)
            self.assertIn("ONE_ENDPOINT is no URL", self.failure(BackendError).detail)

    def test_a_host_that_may_not_be_read(self) -> None:
        del self.oned.hosts[5]
        error = self.failure(BackendError)
        self.assertIn("Error getting host [5]", error.detail)
        self.assertIn('remotes."hybrid"', error.detail)

    def test_no_password_stands_in_an_error(self) -> None:
        self.away.users["guest"].password = "changed"
        for remotes in ({}, {"hybrid": LOGIN}):
            error = self.failure(BackendError, remotes=remotes)
            self.assertNotIn(PASSWORD, str(error) + repr(error))


class ChainTests(HybridCase):
    """The remote cloud's host may be a hybrid one again."""

    def chain(self, endpoint: str, back_to: int) -> None:
        """Let VM 31 run behind a hybrid host at AWAY, as VM ``back_to`` of an endpoint."""
        self.remote.history = ON_HYBRID
        self.remote.deploy_id = f"opennebula-hybrid-{back_to}"
        self.away.hosts[5] = hybrid_host(endpoint)
        self.away.hosts[5].usable = True
        self.away.users["guest"].admin = True

    def test_it_is_followed(self) -> None:
        self.chain(FARTHER, 90)
        self.daemon(FARTHER).add(VM(90, user_template=belongs_to(31)))
        self.assertEqual(self.located().port, 5907)

    def test_a_login_for_the_cloud_behind_it_stands_below_it(self) -> None:
        self.chain(FARTHER, 90)
        self.away.users["guest"].admin = False
        self.daemon(FARTHER).add(VM(90, user_template=belongs_to(31)))
        self.assertIn('remotes."hybrid"', self.failure(BackendError).detail)
        remotes = {"hybrid": {"remotes": {"hybrid": LOGIN}}}
        self.assertEqual(self.located(remotes=remotes).port, 5907)

    def test_more_hops_than_allowed_are_told_with_the_way(self) -> None:
        self.chain(FARTHER, 90)
        self.daemon(FARTHER)
        error = self.failure(BackendError, max_hops=1)
        self.assertEqual(
            error.detail,
            f"more than 1 hybrid hosts, max_hops: VM 7 at {HOME} -> VM 31 at {AWAY} -> …",
        )
        self.assertNotIn(FARTHER, self.internet.asked)

    def test_none_allowed_asks_no_other(self) -> None:
        self.failure(BackendError, max_hops=0)
        self.assertEqual(self.internet.asked, [HOME])

    def test_a_circle_is_told_with_the_way(self) -> None:
        self.chain(HOME, 7)
        self.oned.users["guest"] = User(3, PASSWORD)
        self.local.user_template = belongs_to(31)
        error = self.failure(BackendError)
        self.assertEqual(
            error.detail,
            f"hybrid hosts lead in a circle: VM 7 at {HOME} -> VM 31 at {AWAY} -> VM 7 at {HOME}",
        )
        self.assertEqual(
            error.sentence("7f3a"),
            "The virtual machine could not be looked up. Ask your administrator, id 7f3a.",
        )

    def test_all_of_it_has_one_time_limit(self) -> None:
        self.located(timeout=4)
        self.assertLess(max(self.internet.seconds), 4)
        self.assertEqual(sorted(self.internet.seconds, reverse=True), self.internet.seconds)


class ProbeTests(HybridCase):
    def probe(self, **table: Any) -> Deferred[str]:
        return Deferred.fromCoroutine(self.backend(**table).probe())

    def test_clouds_with_a_login_in_the_configuration_are_asked_too(self) -> None:
        remotes = {"hybrid": {**LOGIN, "endpoint": AWAY}, "other": {"addresses": {"a": "10.1.1.1"}}}
        line = self.successResultOf(self.probe(remotes=remotes))
        self.assertIn(f"; behind host hybrid: OpenNebula 6.10.0 at {AWAY}, as guest", line)
        self.assertNotIn("other", line)

    def test_one_that_refuses_is_named_by_its_host(self) -> None:
        remotes = {"hybrid": {**LOGIN, "endpoint": AWAY}}
        self.away.users.clear()
        problem = str(self.failureResultOf(self.probe(remotes=remotes), BackendError).value)
        self.assertTrue(problem.startswith(f"behind host hybrid: {AWAY}"), problem)
        self.assertNotIn(PASSWORD, problem)
