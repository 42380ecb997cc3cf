"""Users of a real Keystone at Nova's API, by OpenStack's own clients."""

from __future__ import annotations

import atexit
import json
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.parse import parse_qs, urlsplit
from urllib.request import Request, urlopen

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.keystone_server import KeystoneServer
from tests.components.libvirt_host import START_COLOUR
from tests.components.openstack_clients import run_clients
from tests.components.viewer import Viewer
from tests.components.vnc_servers import QemuMachine
from vncproxy.api.nova.servers import server_id
from vncproxy.model import VMAddress

CACHE = 3.0
LIMIT = 60.0


class World:
    """A cloud with users, a guest of the project ``web`` and one of ``db``, and a proxy.

    Attributes:
        printed: what clients have printed that have logged in at Keystone.
    """

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="keystone-guests-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        self.guest = QemuMachine(folder, "guest").start()
        atexit.register(self.guest.stop)
        self.cloud = KeystoneServer().start()
        self.gateway = Gateway(self.config()).start()
        atexit.register(self.gateway.stop)
        self.endpoint = f"http://127.0.0.1:{self.gateway.api_port}/v2.1"
        self.printed = self.run_clients()

    def config(self) -> str:
        console = f'address = "127.0.0.1:{self.guest.port}"'
        return f"""
[keystone]
auth_url = "{self.cloud.auth_url}"
username = "vncproxy"
password = "vncproxy"
project_name = "service"
timeout = 20
cache = {CACHE}
[nova]
authentication = ["keys", "keystone"]
[[nova.policies]]
projects = ["Default/web"]
roles = ["manager"]
owner = "any"
vms = ["lab/db-*"]
policy = {{ max_duration = 60 }}
[[nova.policies]]
projects = ["Default/service"]
roles = ["service"]
owner = "any"
scopes = ["admin"]
[[nova.policies]]
projects = ["*"]
[backends.lab]
type = "static"
[backends.lab.consoles]
web-01 = {{ {console}, project = "project-web" }}
db-01 = {{ {console}, project = "project-db" }}
free = {{ {console} }}
"""

    def run_clients(self) -> dict[str, Any]:
        """Enter the proxy into the catalogue, as docs/nova-api.md says, and ask it for links."""
        cloud = self.cloud
        url, enter = (
            cloud.auth_url,
            f"endpoint create --region RegionOne compute public {self.endpoint}",
        )
        jobs = {
            "service": command(cloud, "admin", "admin", "service create --name vncproxy compute"),
            "endpoint": command(cloud, "admin", "admin", enter),
            "openstack": show(cloud, "alice", "web", "--xvpvnc web-01"),
            "nova": ("nova_command", url, "alice", "web", "web-01", "xvpvnc"),
            "sdk": ("sdk_login", url, "alice", "web", "web-01", "xvpvnc"),
            "auth token": ("sdk_auth_token", url, "web-01"),
            "other project": show(cloud, "alice", "db", "web-01"),
        }
        printed = dict(zip(jobs, run_clients(*jobs.values()), strict=True))
        assert printed["endpoint"]["status"] == 0, printed
        return printed

    def ask(self, path: str, token: str, body: object = None) -> tuple[int, Any, Any]:
        """Send a request to Nova's API; returns its status, headers and JSON."""
        headers = {"X-Auth-Token": token, "OpenStack-API-Version": "compute 2.96"}
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.endpoint + path, data, headers)
        try:
            with urlopen(request, timeout=60) as answer:
                return answer.status, answer.headers, json.load(answer)
        except HTTPError as e:
            return e.code, e.headers, json.load(e)


world = cache(World)


def command(cloud: KeystoneServer, user: str, project: str, words: str) -> tuple[str, ...]:
    """Return the job of the command ``openstack``, which logs in at Keystone."""
    login = (
        f"--os-username {user} --os-password {user} --os-project-name {project} "
        "--os-user-domain-id default --os-project-domain-id default --os-identity-api-version 3"
    )
    return ("openstack", "--os-auth-url", cloud.auth_url, *login.split(), *words.split())


def show(cloud: KeystoneServer, user: str, project: str, words: str) -> tuple[str, ...]:
    """Return the job that asks for a console's URL."""
    return command(cloud, user, project, f"console url show -f value -c url {words}")


class KeystoneCase(SynchronousTestCase):
    timeout = 280

    def setUp(self) -> None:
        self.cloud, self.gateway = world().cloud, world().gateway

    def assert_opens(self, url: str) -> None:
        parts = urlsplit(url)
        viewer = Viewer.connect(parts.port or 0, parse_qs(parts.query)["token"][0])
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)

    def servers(self, token: str) -> list[str]:
        """Return the names of the servers that a token sees."""
        status, _, body = world().ask("/servers", token)
        self.assertEqual(status, 200, body)
        return sorted(each["name"] for each in body["servers"])

    def wait_for_status(self, status: int, token: str) -> Any:
        """Ask until an answer has a status; returns its headers and JSON."""
        end = time.monotonic() + LIMIT
        while True:
            found, headers, body = world().ask("/servers", token)
            if found == status:
                return headers, body
            self.assertLess(time.monotonic(), end, (found, body))
            time.sleep(0.2)


class LinkTests(KeystoneCase):
    def test_links_of_clients_that_log_in_and_find_the_service_in_the_catalogue(self) -> None:
        by_command, by_nova, by_sdk = (world().printed[n] for n in ("openstack", "nova", "sdk"))

        self.assertEqual((by_command["status"], by_command["err"]), (0, ""))
        self.assert_opens(by_command["out"].strip())
        self.assertEqual(by_nova["status"], 0, by_nova)
        (url,) = (word for word in by_nova["out"].split() if word.startswith("http"))
        self.assert_opens(url)
        self.assert_opens(by_sdk["url"])

    def test_another_proxy_of_consoles_learns_where_the_console_of_a_token_is(self) -> None:
        expected = {
            "instance_uuid": server_id(VMAddress("lab", "web-01")),
            "host": "127.0.0.1",
            "port": world().guest.port,
            "tls_port": None,
        }
        self.assertEqual(world().printed["auth token"], expected)

    def test_links_belong_to_the_user(self) -> None:
        token = self.cloud.log_in("alice", "web")
        (server,) = world().ask("/servers", token)[2]["servers"]
        asked = {"remote_console": {"protocol": "vnc", "type": "xvpvnc"}}
        answer = world().ask(f"/servers/{server['id']}/remote-consoles", token, asked)

        self.assert_opens(answer[2]["remote_console"]["url"])

        opened = self.gateway.audit_of("open", user=self.cloud.users["alice"])
        self.assertEqual(opened["vm"], "lab/web-01")
        issued = self.gateway.audit_of("api-issue", user=self.cloud.users["alice"])
        self.assertEqual((issued["vm"], issued["client"]), ("lab/web-01", "127.0.0.1"))
        self.assertEqual(issued["caller"], "keystone project project-web, user")
        self.assertTrue(issued["request"].startswith("req-"), issued)


class MachineTests(KeystoneCase):
    def test_a_user_sees_the_machines_of_its_project_only(self) -> None:
        self.assertEqual(self.servers(self.cloud.log_in("alice", "web")), ["web-01"])
        self.assertEqual(self.servers(self.cloud.log_in("alice", "db")), ["db-01"])

    def test_a_policy_opens_the_machines_that_it_names(self) -> None:
        token = self.cloud.log_in("carol", "web")
        self.assertEqual(self.servers(token), ["db-01", "web-01"])

    def test_what_clients_print_about_a_machine_of_another_project(self) -> None:
        printed = world().printed["other project"]
        self.assertIn("No Server found for web-01", printed["err"] + printed["out"])

    def test_a_role_without_a_policy(self) -> None:
        status, _, body = world().ask("/servers", self.cloud.log_in("bob", "web"))

        self.assertEqual((status, list(body)), (403, ["forbidden"]))
        self.assertIn("No policy allows consoles", body["forbidden"]["message"])

    def test_a_token_for_no_project(self) -> None:
        status, _, body = world().ask("/servers", self.cloud.log_in("alice"))
        self.assertEqual(status, 403)
        self.assertIn("log in with one", body["forbidden"]["message"])


class CheckConfigTests(KeystoneCase):
    def test_an_account_with_a_wrong_password(self) -> None:
        config = world().config().replace('password = "vncproxy"', 'password = "horse"')
        listen = '[listen]\nweb = ["tcp:0:interface=127.0.0.1"]\nxvp = []\napi = []\n'
        path = self.cloud.folder / "check.toml"
        path.write_text(listen + config)
        command = [str(Path(sys.executable).with_name("vncproxy")), "check-config", "--config"]
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60)

        self.assertIn(f"FAIL  keystone: {self.cloud.auth_url}: refuses the log-in", done.stdout)
        self.assertNotIn("horse", done.stdout + done.stderr)


class TokenTests(KeystoneCase):
    def test_a_wrong_token_is_sent_to_keystone_for_another(self) -> None:
        status, headers, body = world().ask("/servers", "wrong")

        self.assertEqual((status, list(body)), (401, ["unauthorized"]))
        challenges = headers.get_all("WWW-Authenticate")
        self.assertEqual(challenges[0], f'Keystone uri="{self.cloud.auth_url}"')

    def test_our_keys_are_good_beside_tokens_of_keystone(self) -> None:
        self.assertEqual(self.servers(self.gateway.key), ["db-01", "free", "web-01"])

    def test_a_token_that_is_revoked_ends_when_the_answer_about_it_is_too_old(self) -> None:
        token = self.cloud.log_in("alice", "web")
        self.servers(token)

        self.cloud.revoke(token)

        revoked_at = time.monotonic()
        self.wait_for_status(401, token)
        self.assertLess(time.monotonic() - revoked_at, CACHE + LIMIT / 2)

    def test_a_log_in_of_our_own_that_is_over_is_renewed(self) -> None:
        self.servers(self.cloud.log_in("alice", "web"))

        self.cloud.log_out("vncproxy")

        # Keystone counts seconds: it refuses tokens that it issues in the second of a revocation
        self.wait_for_status(200, self.cloud.log_in("alice", "db"))

    def test_keystone_is_away_and_comes_back(self) -> None:
        token = self.cloud.log_in("alice", "web")
        self.cloud.stop()
        self.addCleanup(lambda: self.cloud.runs or self.cloud.start())

        _, body = self.wait_for_status(503, token)
        self.cloud.start()

        self.assertEqual(body["serviceUnavailable"]["code"], 503)
        message = body["serviceUnavailable"]["message"]
        self.assertIn("The Keystone service is temporarily unavailable", message)
        self.assertEqual(self.servers(token), ["web-01"])

    def tearDown(self) -> None:
        """Whatever happened, no token of Keystone may stand in the log."""
        self.assertNotIn("gAAAA", self.gateway.log())
        self.assertNotIn("Traceback", self.gateway.log())
