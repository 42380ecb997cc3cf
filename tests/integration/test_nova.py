"""Tokens of Nova through ``twistd``: the real SDK, a stub of Keystone and Nova, a real QEMU."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
import threading
from functools import cache
from pathlib import Path
from urllib.parse import quote

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, START_COLOUR
from tests.components.nova_stub import PROJECT, USER, ConnectDoor, NovaStub
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.vnc_servers import Identity, QemuMachine

PASSWORD, WRONG = "s3cret-nova-password", "n0t-novas-password"
ACCESS_PATH = "/console?ref=OpaqueRef:vm&session_id=OpaqueRef:s3cret-session"
UNKNOWN = "401 This console link is not valid any more. Ask for a new one."
AWAY = "503 The console service is not available at the moment. Try again in a minute."


class World:
    """A cloud, consoles of each kind, and proxies with right and wrong settings for the cloud."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="nova-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.cloud = NovaStub(PASSWORD).start()
        atexit.register(self.cloud.stop)
        self.authority = Authority(self.folder)
        self.plain = QemuMachine(self.folder, "plain").start()
        atexit.register(self.plain.stop)
        identity = Identity(self.folder / "pki", self.authority, "127.0.0.1")
        x509 = f"tls-creds-x509,id=t0,endpoint=server,dir={identity.folder},verify-peer=off"
        self.secured = QemuMachine(
            self.folder, "secured", objects=[x509], vnc=",tls-creds=t0"
        ).start()
        atexit.register(self.secured.stop)
        self.gateway = self.proxy(self.keys())
        (self.folder / "clouds.yaml").write_text(self.clouds())
        clouds = f'cloud = "mine"\nclouds_file = "{self.folder}/clouds.yaml"\ntimeout = 30\n'
        clouds += 'addresses = { compute1 = "127.0.0.1" }\n'
        trust = f'tls = {{ ca_file = "{self.authority.ca_file}" }}\n'
        self.secure_gateway = self.proxy(clouds + trust)

    def keys(self, password: str = PASSWORD, auth_url: str = "", timeout: int = 30) -> str:
        return f"""
auth_url = "{auth_url or self.cloud.auth_url}"
username = "{USER}"
password = "{password}"
project_name = "{PROJECT}"
timeout = {timeout}
addresses = {{ compute1 = "127.0.0.1" }}
"""

    def clouds(self) -> str:
        return f"""
clouds:
  mine:
    auth:
      auth_url: {self.cloud.auth_url}
      username: {USER}
      password: {PASSWORD}
      project_name: {PROJECT}
      user_domain_name: Default
      project_domain_name: Default
"""

    def config(self, table: str) -> str:
        return f"""
[timeouts]
linger = 2
[token_sources.nova]
type = "nova"
{table}"""

    def proxy(self, table: str) -> Gateway:
        gateway = Gateway(self.config(table)).start()
        atexit.register(gateway.stop)
        return gateway


world = cache(World)


class NovaCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.cloud, self.gateway = world().cloud, world().gateway
        self.addCleanup(self.in_order)

    def in_order(self) -> None:
        self.cloud.allowed, self.cloud.newest = True, "2.96"
        self.cloud.delay = lambda: None

    def tearDown(self) -> None:
        """Whatever happened, no secret may stand in a log."""
        for gateway in (world().gateway, world().secure_gateway):
            log = gateway.log()
            for secret in (*self.cloud.consoles, *self.cloud.logins, PASSWORD, "OpaqueRef:s3cret"):
                self.assertNotIn(secret, log)
            self.assertNotIn("Traceback", log)

    def look(self, token: str, gateway: Gateway | None = None) -> Viewer:
        viewer = Viewer.connect((gateway or self.gateway).web_port, token)
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, token: str, gateway: Gateway | None = None) -> str:
        self.asked = token
        with self.assertRaises(Refused) as caught:
            tunnel((gateway or self.gateway).web_port, f"/console?token={token}")
        return str(caught.exception)

    def detail(self) -> str:
        """Return what the audit line of the last refusal says."""
        return str(self.gateway.audit_of("refuse", token=self.asked)["detail"])


class ConsoleTests(NovaCase):
    def test_novas_own_link_in_a_browser(self) -> None:
        token = self.cloud.issue(world().plain.port)
        page = Page()
        self.addCleanup(page.leave)
        inner = quote(f"?token={token}", safe="")

        page.open(f"http://127.0.0.1:{self.gateway.web_port}/vnc_auto.html?path={inner}")
        page.wait_for_state("connected")
        page.type("1")
        page.wait_for_pixel(*KEY_COLOURS["1"])
        page.reload()

        page.wait_for_state("connected")

    def test_a_tcp_viewer(self) -> None:
        token = self.cloud.issue(world().plain.port)

        viewer = self.look(token)

        viewer.key(ord("2"))
        viewer.wait_for_pixel(KEY_COLOURS["2"])
        opened = self.gateway.audit_of("open", token=token)
        self.assertEqual(opened["vm"], f"nova/{self.cloud.consoles[token]['instance_uuid']}")

    def test_a_host_that_is_dialled_elsewhere(self) -> None:
        self.look(self.cloud.issue(world().plain.port, host="compute1")).pixel()

    def test_an_access_path_is_asked_for_first(self) -> None:
        door = ConnectDoor(ACCESS_PATH, world().plain.port)
        self.addCleanup(door.close)

        self.look(self.cloud.issue(door.port, path=ACCESS_PATH)).pixel()

        self.assertEqual(door.hosts, [f"127.0.0.1:{door.port}"])

    def test_an_access_path_that_is_refused(self) -> None:
        door = ConnectDoor("/other", world().plain.port)
        self.addCleanup(door.close)
        told = self.refusal(self.cloud.issue(door.port, path=ACCESS_PATH))
        self.assertIn("502 The hypervisor refused the connection to the console.", told)

    def test_a_console_of_vmware(self) -> None:
        told = self.refusal(self.cloud.issue(902, path='{"ticket": "x"}'))
        self.assertEqual(
            told, "409 This link is for a VMware MKS console, which cannot be shown from here."
        )

    def test_vencrypt_towards_compute_hosts(self) -> None:
        secure = world().secure_gateway

        self.look(self.cloud.issue(world().secured.port), secure).wait_for_pixel(START_COLOUR)

    def test_a_compute_host_without_the_tls_that_is_configured(self) -> None:
        told = self.refusal(self.cloud.issue(world().plain.port), world().secure_gateway)
        self.assertIn("502 The hypervisor could not prove its identity.", told)

    def test_nothing_listens_at_the_port(self) -> None:
        told = self.refusal(self.cloud.issue(free_port()))
        self.assertIn("502 The hypervisor could not be reached.", told)


class TokenTests(NovaCase):
    def test_a_token_is_good_until_nova_says_that_it_is_over(self) -> None:
        token = self.cloud.issue(world().plain.port)
        for _ in range(2):
            self.look(token).close()

        del self.cloud.consoles[token]

        self.assertEqual(self.refusal(token), UNKNOWN)

    def test_a_console_on_the_loopback_of_its_host_is_not_ours(self) -> None:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "::ffff:127.0.0.1"):
            told = self.refusal(self.cloud.issue(world().plain.port, host=host))
            self.assertIn("502 The console of the virtual machine cannot be reached from", told)
            self.assertIn("server_proxyclient_address", self.detail())

    def test_a_stopped_machine(self) -> None:
        self.assertEqual(
            self.refusal(self.cloud.issue(-1)),
            "409 The virtual machine is not showing its console.",
        )

    def test_an_unknown_token(self) -> None:
        told = self.refusal("f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        self.assertEqual(told, UNKNOWN)

    def test_what_cannot_be_a_token_of_nova_is_not_asked_for(self) -> None:
        self.cloud.asked.clear()
        self.assertEqual(self.refusal("a" * 43), UNKNOWN)
        self.assertEqual(self.cloud.asked, [])

    def test_a_log_in_that_is_over_is_renewed(self) -> None:
        token = self.cloud.issue(world().plain.port)
        self.look(token).close()
        self.cloud.logins.clear()

        self.look(token).pixel()


class FailureTests(NovaCase):
    def test_nova_is_away_and_comes_back(self) -> None:
        token = self.cloud.issue(world().plain.port)
        self.cloud.stop()
        self.addCleanup(lambda: self.cloud.start() if self.cloud._server is None else None)

        told = self.refusal(token)
        detail = self.detail()
        page = Page()
        self.addCleanup(page.leave)
        page.open(f"http://127.0.0.1:{self.gateway.web_port}/?token={token}")
        page.wait_for_reason(AWAY.removeprefix("503 "))
        self.cloud.start()

        self.assertEqual(told, AWAY)
        self.assertIn("nova: http://127.0.0.1", detail)
        self.look(token).pixel()

    def test_nova_hangs(self) -> None:
        token = self.cloud.issue(world().plain.port)
        go_on = threading.Event()
        self.addCleanup(go_on.set)
        self.cloud.delay = lambda: go_on.wait(60)
        hasty = Gateway(world().config(world().keys(timeout=3))).start()
        self.addCleanup(hasty.stop)

        self.assertEqual(self.refusal(token, hasty), AWAY)

    def test_an_account_that_may_not_look_tokens_up(self) -> None:
        self.cloud.allowed = False
        self.assertEqual(self.refusal(self.cloud.issue(world().plain.port)), AWAY)
        self.assertIn("needs the policy os_compute_api:os-console-auth-tokens", self.detail())
        self.assertIn("(HTTP 403)", self.detail())


class CheckConfigTests(NovaCase):
    """``vncproxy check-config`` finds what is wrong before a user does."""

    def line(self, table: str) -> str:
        path = world().folder / "check.toml"
        path.write_text(
            '[listen]\nweb = ["tcp:0:interface=127.0.0.1"]\nxvp = []\napi = []\n'
            + world().config(table)
        )
        command = str(Path(sys.executable).with_name("vncproxy"))
        done = subprocess.run(
            [command, "check-config", "--config", str(path)],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        self.assertNotIn("Traceback", done.stderr)
        for secret in (PASSWORD, WRONG):
            self.assertNotIn(secret, done.stdout + done.stderr)
        lines = [line for line in done.stdout.splitlines() if "token source nova" in line]
        return lines[0] if lines else done.stdout + done.stderr

    def test_all_is_well(self) -> None:
        line = self.line(world().keys())
        self.assertEqual(line, f"ok    token source nova: nova of {self.cloud.auth_url} answers")

    def test_a_wrong_password(self) -> None:
        line = self.line(world().keys(password=WRONG))
        self.assertIn("FAIL  token source nova: nova: ", line)
        self.assertIn("refuses the log-in: check the account and its password (HTTP 401)", line)

    def test_an_account_that_may_not_look_tokens_up(self) -> None:
        self.cloud.allowed = False
        self.assertIn("forbids it: the account needs the policy", self.line(world().keys()))

    def test_a_nova_that_is_too_old(self) -> None:
        self.cloud.newest = "2.30"
        self.assertIn("microversion 2.31 or later is needed", self.line(world().keys()))

    def test_keystone_is_away(self) -> None:
        line = self.line(world().keys(auth_url=f"http://127.0.0.1:{free_port()}/v3"))
        self.assertIn("FAIL  token source nova", line)
        self.assertIn("onnect", line)

    def test_a_cloud_that_is_not_in_the_file(self) -> None:
        line = self.line(f'cloud = "other"\nclouds_file = "{world().folder}/clouds.yaml"\n')
        self.assertIn("FAIL  token source nova", line)
        self.assertIn("other", line)

    def test_neither_a_cloud_nor_an_url(self) -> None:
        self.assertIn("needs cloud = …, or auth_url = …", self.line(""))
