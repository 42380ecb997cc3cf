"""Links by Nova's API, as its clients ask for them."""

from __future__ import annotations

import os
import re
from collections.abc import Awaitable
from typing import Any, TypeVar
from uuid import UUID

from treq.testing import StubTreq
from twisted.internet.defer import Deferred

from tests.doubles.api import Answer, ApiTestCase, Listing, broken
from vncproxy.api import ApiParts, IAuthenticator, Scope, api_resource
from vncproxy.api.audit import ApiAudit
from vncproxy.api.keys import ApiKeys
from vncproxy.api.nova.callers import AuthTokenKeys, LoopbackCallers
from vncproxy.api.nova.options import NovaOptions
from vncproxy.api.nova.servers import server_id
from vncproxy.errors import ConsoleUnavailable, NoGraphicalConsole, StoreUnavailable
from vncproxy.model import (
    ConsoleEndpoint,
    ConsoleType,
    HTTPConnect,
    Policy,
    Rate,
    Token,
    Transport,
    VMAddress,
    VMSummary,
)
from vncproxy.power import MachinePower

T = TypeVar("T")

UUID_OF_A_GUEST = "0b9f4b3c-2f6c-4a8e-9d7e-5a1f3c2b1a00"
LAB = server_id(VMAddress("kvm", "web-01"))


class NovaTestCase(ApiTestCase):
    page = ""

    def setUp(self) -> None:
        super().setUp()
        self.version = "2.96"

    def ways(self) -> list[IAuthenticator]:
        return [AuthTokenKeys(ApiKeys(self.keys))]

    def serve(self) -> None:
        self.resource = api_resource(
            ApiParts(
                store=self.store,
                sessions=self.sessions,
                proxies=self.proxies,
                backends=self.backends,
                power=MachinePower(lambda: self.backends, self.clock),
                authenticators=self.authenticators(),
                portals=self.portals,
                audit=ApiAudit(self.note, self.clock.seconds),
                metrics_registry=self.registry,
                time=lambda: self.time,
                clock=self.clock,
                ttl=600,
                max_ttl=86400,
                locate_timeout=self.locate_timeout,
                base_url="https://console.example.com/",
                xvp_url="http://console.example.com:6081/console",
                nova=NovaOptions(self.ways(), "https://cloud.example.com/compute", self.page),
            )
        )
        self.treq = StubTreq(self.resource)

    def result(self, awaitable: Awaitable[T]) -> T:
        async def wait() -> T:
            return await awaitable

        return self.successResultOf(Deferred.fromCoroutine(wait()))

    def ask(
        self, method: str, path: str, body: object = None, *, key: str | None = None, **more: str
    ) -> Answer:
        headers = {
            "X-Auth-Token": self.key if key is None else key,
            "OpenStack-API-Version": f"compute {self.version}",
            **more,
        }
        return self.call(method, f"/v2.1{path}", body, headers=headers)

    def console(self, vm: str = LAB, type: str = "novnc", **more: str) -> Answer:  # noqa: A002
        body = {"remote_console": {"protocol": "vnc", "type": type}}
        return self.ask("POST", f"/servers/{vm}/remote-consoles", body, **more)

    def assertFault(self, answer: Answer, status: int, name: str, *words: str) -> None:
        self.assertEqual((answer.status, list(answer.body)), (status, [name]))
        self.assertEqual(answer.body[name]["code"], status)
        self.assertEqual(answer.headers["content-type"], "application/json")
        for word in words:
            self.assertIn(word, answer.body[name]["message"])


class LimitedKeyTests(NovaTestCase):
    """A key for some machines finds no others, by whatever it asks for them."""

    def test_servers_are_those_of_the_key(self) -> None:
        self.kvm.machines.append(VMSummary(VMAddress("kvm", "77"), "web-of-a-tenant", "running"))
        key = self.key_with(Scope.ISSUE, vms=["kvm/web-*"])

        found = self.ask("GET", "/servers?name=web", key=key).body["servers"]
        self.assertEqual([each["name"] for each in found], ["web-01"])
        for other in ("77", "kvm/77", "db-01", server_id(VMAddress("kvm", "77"))):
            self.assertFault(self.ask("GET", f"/servers/{other}", key=key), 404, "itemNotFound")
        self.assertEqual(self.ask("GET", "/servers/77").status, 200)

    def test_link_may_do_what_the_key_may(self) -> None:
        key = self.key_with(Scope.ISSUE, policy={"max_duration": 60})

        url = self.console(**{"X-Auth-Token": key}).body["remote_console"]["url"]

        secret = url.rpartition("%3D")[2]
        self.assertEqual(self.result(self.store.redeem(secret)).token.policy.max_duration, 60)


class SlowConsoleTests(NovaTestCase):
    """A console that is started for a link may take as long as it may for a session."""

    def setUp(self) -> None:
        super().setUp()
        self.locate_timeout = 20.0
        self.located: Deferred[ConsoleEndpoint] = Deferred()
        self.patch(self.kvm, "locate", lambda vm: self.located)
        self.serve()

    def begin_console(self, seconds: float) -> Any:
        body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
        headers = {"X-Auth-Token": self.key, "OpenStack-API-Version": "compute 2.96"}
        waiting = self.begin("POST", f"/v2.1/servers/{LAB}/remote-consoles", body, headers=headers)
        self.treq.flush()
        self.clock.advance(seconds)
        return waiting

    def test_one_that_is_there_after_16_seconds_is_shown(self) -> None:
        waiting = self.begin_console(16)
        self.located.callback(ConsoleEndpoint(Transport.FD, fd=os.dup(0)))
        self.assertEqual(self.finish(waiting).status, 200)

    def test_one_that_is_still_starting_is_not_ready(self) -> None:
        waiting = self.begin_console(16)
        self.located.errback(ConsoleUnavailable("starting its console"))
        answer = self.finish(waiting)
        self.assertFault(answer, 409, "conflictingRequest", "is starting its console")

    def test_none_after_the_limit(self) -> None:
        waiting = self.begin_console(20)
        self.assertFault(self.finish(waiting), 503, "serviceUnavailable")


class AuditTests(NovaTestCase):
    def serve(self) -> None:
        super().serve()
        self.audit.clear()

    def test_issue_and_refusal_have_the_key_and_the_id_that_clients_print(self) -> None:
        answer = self.console()
        self.console("nothing")

        issue, refusal = self.audit
        self.assertEqual((issue["event"], issue["key"]), ("api-issue", "root"))
        self.assertEqual(issue["request"], answer.headers["x-openstack-request-id"])
        self.assertEqual(issue["vm"], "kvm/web-01")
        self.assertEqual((refusal["event"], refusal["status"]), ("api-refuse", 404))
        self.assertEqual(refusal["request_to"], "POST /v2.1/servers")

    def test_a_secret_in_a_path_is_in_no_line(self) -> None:
        self.ask("GET", "/os-console-auth-tokens/s3cret", key=self.key_with(Scope.READ))

        self.assertEqual(self.audit[-1]["request_to"], "GET /v2.1/os-console-auth-tokens")

    def test_rate_of_a_key_counts_here_too(self) -> None:
        key = self.key_with(Scope.READ, rates=(Rate("key:portal", 6),))
        self.assertEqual(self.ask("GET", "/servers", key=key).status, 200)

        answer = self.ask("GET", "/servers", key=key)
        self.assertFault(answer, 429, "overLimit", "try again in 10 s")
        self.assertEqual(answer.headers["retry-after"], "10")


class LinkTests(NovaTestCase):
    def test_link_is_built_as_nova_builds_it(self) -> None:
        answer = self.console()

        console = answer.body["remote_console"]
        self.assertEqual(
            (answer.status, console["protocol"], console["type"]), (200, "vnc", "novnc")
        )
        page = r"https://console\.example\.com/vnc_auto\.html\?path=%3Ftoken%3D[\w-]{43}"
        self.assertRegex(console["url"], f"^{page}$")

    def test_token_is_for_the_machine_and_named_after_the_key(self) -> None:
        token = self.redeemed(self.console().body["remote_console"]["url"])

        self.assertEqual((str(token.vm), token.user), ("kvm/web-01", "root"))
        self.assertIs(token.type, ConsoleType.NOVNC)

    def test_link_of_a_tcp_viewer_has_the_token_in_its_query(self) -> None:
        url = self.console(type="xvpvnc").body["remote_console"]["url"]

        self.assertTrue(url.startswith("http://console.example.com:6081/console?token="))
        self.assertIs(self.redeemed(url).type, ConsoleType.XVPVNC)

    def test_page_that_is_served_elsewhere_keeps_its_query(self) -> None:
        self.page = "https://pages.example.com/vnc_lite.html?scale=true&path=websockify"
        self.serve()

        url = self.console().body["remote_console"]["url"]

        start = "https://pages.example.com/vnc_lite.html?scale=true&path=websockify%3Ftoken%3D"
        self.assertTrue(url.startswith(start), url)

    def test_action_is_what_clients_use_up_to_2_5(self) -> None:
        self.version = "2.5"
        action = {"os-getVNCConsole": {"type": "novnc"}}

        console = self.ask("POST", f"/servers/{LAB}/action", action).body["console"]

        self.assertEqual(set(console), {"type", "url"})
        self.assertEqual(str(self.redeemed(console["url"]).vm), "kvm/web-01")

    def test_each_way_is_not_found_in_the_versions_of_the_other(self) -> None:
        action = {"os-getVNCConsole": {"type": "novnc"}}
        self.version = "2.6"
        self.assertFault(self.ask("POST", f"/servers/{LAB}/action", action), 404, "itemNotFound")
        self.version = "2.5"
        self.assertFault(self.console(), 404, "itemNotFound", "2.5 is not supported")

    def redeemed(self, url: str) -> Token:
        secret = re.split("token(?:=|%3D)", url)[1]
        return self.result(self.store.redeem(secret)).token


class RefusalTests(NovaTestCase):
    def test_another_type_is_not_available(self) -> None:
        spice = {"remote_console": {"protocol": "spice", "type": "spice-html5"}}
        answer = self.ask("POST", f"/servers/{LAB}/remote-consoles", spice)

        self.assertFault(answer, 400, "badRequest", "Unavailable console type spice-html5.")
        self.assertFault(self.console(type="serial"), 400, "badRequest", "Invalid console type")

    def test_malformed_bodies_name_what_is_wrong(self) -> None:
        path = f"/servers/{LAB}/remote-consoles"
        right = {"protocol": "vnc", "type": "novnc"}
        for body, word in (
            (b"{", "Malformed request body"),
            (b"[" * 60000, "Malformed request body"),
            ([], "Malformed request body"),
            ({}, "'remote_console' is a required property"),
            ({"remote_console": {"type": "novnc"}}, "'protocol' is a required property"),
            ({"remote_console": {**right, "x": 1}}, "'x' was unexpected"),
            ({"remote_console": right, "y": 1}, "'y' was unexpected"),
            ({"remote_console": {**right, "type": "telnet"}}, "'telnet' is not one of 'novnc'"),
            ({"remote_console": "novnc"}, "is not of type 'object'"),
        ):
            self.assertFault(self.ask("POST", path, body), 400, "badRequest", word)
        self.version = "2.1"
        answer = self.ask("POST", f"/servers/{LAB}/action", {"reboot": None})
        self.assertFault(answer, 400, "badRequest", "There is no such action: reboot")
        self.assertFault(self.ask("POST", path, b" " * 70000), 404, "itemNotFound")
        answer = self.ask("POST", f"/servers/{LAB}/action", b" " * 70000)
        self.assertFault(answer, 413, "overLimit")

    def test_unknown_server(self) -> None:
        unknown = str(UUID(int=7))

        answer = self.console(unknown)

        self.assertFault(answer, 404, "itemNotFound", f"Instance {unknown} could not be found.")

    def test_stopped_server_is_a_conflict_with_its_state(self) -> None:
        stopped = server_id(VMAddress("kvm", "db-01"))

        answer = self.console(stopped)

        self.assertFault(
            answer, 409, "conflictingRequest", f"Instance {stopped} is not ready", "shut off"
        )

    def test_machine_without_a_screen_is_not_implemented(self) -> None:
        self.assertEqual(self.console().status, 200)
        self.kvm.failure = NoGraphicalConsole()

        self.assertFault(self.console(), 501, "notImplemented", "no graphical console")

    def test_backend_that_fails_is_told_without_its_detail(self) -> None:
        self.assertEqual(self.console().status, 200)
        self.kvm.failure = broken()

        answer = self.console()

        self.assertFault(
            answer, 503, "serviceUnavailable", answer.headers["x-openstack-request-id"]
        )
        self.assertNotIn("hunter2", answer.text)

    def test_store_that_is_away(self) -> None:
        async def away(*_: object) -> str:
            raise StoreUnavailable("10.0.0.7 is away")

        self.patch(self.store, "issue", away)

        self.assertFault(self.console(), 503, "serviceUnavailable", "not available at the moment")

    def test_missing_and_wrong_tokens(self) -> None:
        for headers in ({}, {"X-Auth-Token": "wrong"}, {"X-Auth-Token": "\xff"}):
            answer = self.call("GET", f"/v2.1/servers/{LAB}", headers=headers)

            self.assertFault(answer, 401, "unauthorized", "requires authentication")
            self.assertIn("www-authenticate", answer.headers)

    def test_v1_takes_no_auth_token(self) -> None:
        answer = self.call("GET", "/v1/vms", headers={"X-Auth-Token": self.key})

        self.assertEqual(answer.status, 401)

    def test_key_that_may_not_issue(self) -> None:
        reader = self.key_with(Scope.READ)

        self.assertEqual(self.ask("GET", f"/servers/{LAB}", key=reader).status, 200)
        self.assertFault(self.console(key=reader), 403, "forbidden", "lacks the scope 'issue'")

    def test_unknown_paths_and_methods(self) -> None:
        self.assertFault(self.ask("GET", "/flavors"), 404, "itemNotFound")
        self.assertFault(self.ask("DELETE", f"/servers/{LAB}"), 405, "badMethod")


class ServerTests(NovaTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.twin = Listing("kvm2", {"web-01": "running", UUID_OF_A_GUEST: "paused"})
        self.backends["kvm2"] = self.twin
        self.serve()

    def names(self, name: str, key: str | None = None) -> list[dict[str, Any]]:
        servers: list[dict[str, Any]] = self.ask("GET", f"/servers?name={name}", key=key).body[
            "servers"
        ]
        return servers

    def test_every_machine_has_one_id_for_ever(self) -> None:
        self.assertEqual(LAB, "92526e63-c5f0-5c38-b60f-a80e6bdef32f")
        self.assertEqual(server_id(VMAddress("kvm", UUID_OF_A_GUEST.upper())), UUID_OF_A_GUEST)

    def test_server_is_shown_with_its_state(self) -> None:
        server = self.ask("GET", f"/servers/{UUID_OF_A_GUEST}").body["server"]

        self.assertEqual(
            server,
            {
                "id": UUID_OF_A_GUEST,
                "name": UUID_OF_A_GUEST,
                "links": [],
                "status": "PAUSED",
                "OS-EXT-STS:vm_state": "paused",
                "metadata": {"vncproxy:vm": f"kvm2/{UUID_OF_A_GUEST}"},
            },
        )

    def test_address_and_unique_id_of_a_backend_are_ids(self) -> None:
        for given in (
            "kvm2/web-01",
            "db-01",
            UUID_OF_A_GUEST.upper(),
            UUID_OF_A_GUEST.replace("-", ""),
        ):
            self.assertEqual(self.ask("GET", f"/servers/{given}").status, 200, given)

    def test_id_of_several_backends_is_refused_with_the_choice(self) -> None:
        answer = self.console("web-01")

        self.assertFault(answer, 409, "conflictingRequest", "write kvm/web-01 or kvm2/web-01")

    def test_machines_of_other_backends_do_not_exist_for_a_key(self) -> None:
        mine = self.key_with(Scope.ISSUE, backends=["kvm2"])

        self.assertEqual(len(self.names("web-01")), 2)
        self.assertEqual(len(self.names("web-01", mine)), 1)
        self.assertEqual(self.console("web-01", key=mine).status, 200)
        self.assertFault(self.console(LAB, key=mine), 404, "itemNotFound")

    def test_name_is_not_looked_for_among_some_backends_only(self) -> None:
        self.twin.failure = broken()

        answer = self.ask("GET", "/servers/detail?name=web-01")

        self.assertFault(answer, 503, "serviceUnavailable")
        self.assertFault(self.console("web-01"), 503, "serviceUnavailable")
        self.assertEqual(self.console(LAB).status, 200)
        self.assertEqual(self.console("kvm/web-01").status, 200)

    def test_machine_that_is_new_is_found_at_once(self) -> None:
        self.assertEqual(self.ask("GET", f"/servers/{LAB}").status, 200)
        self.kvm.machines += Listing("kvm", {"new": "running"}).machines

        self.assertEqual(self.console(server_id(VMAddress("kvm", "new"))).status, 200)

    def test_list_is_in_pages(self) -> None:
        first = self.ask("GET", "/servers?limit=1").body["servers"]
        rest = self.ask("GET", f"/servers?marker={first[0]['id']}").body["servers"]

        self.assertEqual((len(first), len(rest)), (1, 4))
        self.assertEqual(set(first[0]), {"id", "name", "links"})
        self.assertFault(self.ask("GET", "/servers?limit=x"), 400, "badRequest")


class VersionTests(NovaTestCase):
    def test_documents_are_read_without_a_key(self) -> None:
        (listed,) = self.call("GET", "/", headers={}).body["versions"]
        for path in ("/v2.1", "/v2.1/"):
            version = self.call("GET", path, headers={}).body["version"]

            self.assertEqual(version, listed)
        self.assertEqual((version["version"], version["min_version"]), ("2.99", "2.1"))
        self.assertEqual(version["status"], "CURRENT")
        link = {"rel": "self", "href": "https://cloud.example.com/compute/v2.1/"}
        self.assertEqual(version["links"], [link])

    def test_version_of_an_answer_is_told_in_both_headers(self) -> None:
        for headers, told in (
            ({}, "2.1"),
            ({"OpenStack-API-Version": "compute 2.31"}, "2.31"),
            ({"OpenStack-API-Version": "identity 3.1, compute 2.31"}, "2.31"),
            ({"OpenStack-API-Version": "compute latest"}, "2.99"),
            ({"X-OpenStack-Nova-API-Version": "2.5"}, "2.5"),
        ):
            sent = {"X-Auth-Token": self.key, **headers}
            answer = self.call("GET", f"/v2.1/servers/{LAB}", headers=sent)

            self.assertEqual(answer.status, 200)
            self.assertEqual(answer.headers["openstack-api-version"], f"compute {told}")
            self.assertEqual(answer.headers["x-openstack-nova-api-version"], told)
            self.assertIn("OpenStack-API-Version", answer.headers["vary"])

    def test_versions_that_are_not_served(self) -> None:
        for version in ("2.100", "2.0", "3.1"):
            self.version = version
            self.assertFault(self.console(), 406, "computeFault", "Minimum is 2.1 and maximum is")
        for version in ("two", "2", "2.1.1", "2.٣".encode().decode("latin-1"), "9" * 5000 + ".1"):
            self.version = version
            self.assertFault(self.console(), 400, "badRequest", "invalid format")


class LoopbackTests(NovaTestCase):
    def ways(self) -> list[IAuthenticator]:
        return [LoopbackCallers()]

    def test_any_token_will_do(self) -> None:
        self.assertEqual(self.console(key="notused").status, 200)

    def test_page_in_a_browser_of_the_machine_is_refused(self) -> None:
        body = {"remote_console": {"protocol": "vnc", "type": "novnc"}}
        for headers in (
            {"OpenStack-API-Version": "compute 2.96"},
            {"X-Auth-Token": "x", "Host": "rebound.example.com:6082"},
            {"X-Auth-Token": "x", "Host": "rebound.example.com", "X-Sent-Host": "127.0.0.1"},
        ):
            path = f"/v2.1/servers/{LAB}/remote-consoles"
            answer = self.call("POST", path, body, headers=headers)

            self.assertFault(answer, 401, "unauthorized")

    def test_it_redeems_no_tokens(self) -> None:
        self.assertFault(self.ask("GET", "/os-console-auth-tokens/" + "x" * 43), 403, "forbidden")


class AuthTokenTests(NovaTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.endpoint = ConsoleEndpoint(Transport.TCP, "192.0.2.7", 5901)

        async def locate(vm: str) -> ConsoleEndpoint:
            return self.endpoint

        self.patch(self.kvm, "locate", locate)

    def token(self, vm: str = "kvm/web-01", **policy: Any) -> str:
        token = Token(VMAddress.parse(vm), "al", ConsoleType.NOVNC, Policy(**policy), 0, 2e9)
        return self.result(self.store.issue(token))

    def look(self, secret: str, query: str = "", key: str | None = None) -> Answer:
        return self.ask("GET", f"/os-console-auth-tokens/{secret}{query}", key=key)

    def test_host_and_port_are_told_once(self) -> None:
        secret = self.token()
        console = {
            "instance_uuid": LAB,
            "host": "192.0.2.7",
            "port": 5901,
            "internal_access_path": None,
        }

        self.assertEqual(self.look(secret).body, {"console": console})
        self.assertFault(self.look(secret), 404, "itemNotFound", "Token not found")

    def test_tls_port_and_strict_queries_begin_with_2_99(self) -> None:
        secret = self.token(uses=0)
        self.assertNotIn("tls_port", self.look(secret, "?x=1").body["console"])
        self.version = "2.99"
        self.assertIsNone(self.look(secret).body["console"]["tls_port"])
        self.assertFault(self.look(secret, "?x=1"), 400, "badRequest")
        self.version = "2.30"
        self.assertFault(self.look(secret), 400, "badRequest")

    def test_each_microversion(self) -> None:
        secret = self.token(uses=0)
        for minor in range(1, 100):
            self.version = f"2.{minor}"
            answer = self.look(secret)
            with self.subTest(version=self.version):
                self.assertEqual(answer.status, 400 if minor < 31 else 200)
                self.assertEqual("tls_port" in answer.text, minor == 99)
                self.assertEqual(answer.headers["x-openstack-nova-api-version"], self.version)

    def test_path_of_connect_is_told(self) -> None:
        connect = (HTTPConnect("/console?id=7"),)
        self.endpoint = ConsoleEndpoint(Transport.TLS, "192.0.2.7", 443, handshakes=connect)

        console = self.look(self.token()).body["console"]

        self.assertEqual(console["internal_access_path"], "/console?id=7")

    def test_what_cannot_be_told_is_refused_and_the_use_given_back(self) -> None:
        secret = self.token()
        tcp, self.endpoint = self.endpoint, ConsoleEndpoint(Transport.UNIX, path="/run/x")
        self.assertFault(self.look(secret), 501, "notImplemented")
        self.kvm.failure = None
        self.endpoint = tcp
        self.assertEqual(self.look(secret).status, 200)

    def test_policy_that_another_proxy_would_not_enforce(self) -> None:
        for policy in ({"max_duration": 60}, {"idle_timeout": 60}, {"confirm": True}):
            self.assertFault(self.look(self.token(**policy)), 403, "forbidden")

    def test_it_takes_an_administrator_of_the_backend(self) -> None:
        secret = self.token()
        issuer = self.key_with(Scope.ISSUE, Scope.READ)
        elsewhere = self.key_with(Scope.ADMIN, backends=["esx"])

        self.assertFault(self.look(secret, key=issuer), 403, "forbidden")
        self.assertFault(self.look(secret, key=elsewhere), 404, "itemNotFound")
        self.assertEqual(self.look(secret).status, 200)

    def test_no_token(self) -> None:
        for secret in ("x", "x" * 43, "%00", "é"):
            self.assertFault(self.look(secret), 404, "itemNotFound", "Token not found")
