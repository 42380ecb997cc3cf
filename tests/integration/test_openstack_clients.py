"""Nova's API of a real ``twistd``, asked by OpenStack's own clients; what they print is opened."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR
from tests.components.openstack_clients import run_clients
from tests.components.viewer import Viewer
from tests.components.vnc_servers import QemuMachine
from vncproxy.api.nova.servers import server_id
from vncproxy.model import VMAddress

LAB = server_id(VMAddress("lab", "web-01"))
UNKNOWN = "00000000-0000-0000-0000-000000000007"
STOPPED, BLIND = "1a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc", "2a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"
NODE = f"""
<node>
  <domain type="test" xmlns:test="http://libvirt.org/schemas/domain/test/1.0">
    <name>stopped</name><uuid>{STOPPED}</uuid><memory>8192</memory><os><type>hvm</type></os>
    <devices><graphics type="vnc"/></devices>
    <test:runstate>5</test:runstate>
  </domain>
  <domain type="test">
    <name>blind</name><uuid>{BLIND}</uuid><memory>8192</memory><os><type>hvm</type></os>
  </domain>
</node>
"""
"""A host of libvirt's test driver: a machine that is off, and one that runs and has no screen."""


class World:
    """A guest, and a proxy that takes keys; another one takes any program of this machine."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="clients-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
        (folder / "node.xml").write_text(NODE)
        self.node = f"test://{folder}/node.xml"
        self.guest = QemuMachine(folder, "guest").start()
        atexit.register(self.guest.stop)
        self.keyed = self.proxy("")
        self.open = self.proxy('[nova]\nauthentication = ["none"]\n')

    def proxy(self, nova: str) -> Gateway:
        gateway = Gateway(f"""
{nova}
[backends.lab]
type = "static"
[backends.lab.consoles.web-01]
address = "127.0.0.1:{self.guest.port}"
name = "the web server"
[backends.lab.consoles.one]
address = "127.0.0.1:{self.guest.port}"
name = "twin"
[backends.lab2]
type = "static"
[backends.lab2.consoles.other]
address = "127.0.0.1:{self.guest.port}"
name = "twin"
[backends.kvm]
type = "libvirt"
uri = "{self.node}"
""").start()
        atexit.register(gateway.stop)
        return gateway


world = cache(World)


def endpoint(gateway: Gateway) -> str:
    return f"http://127.0.0.1:{gateway.api_port}/v2.1"


def command(*words: str, token: str = "", gateway: Gateway | None = None) -> tuple[str, ...]:
    """Return the job of ``openstack console url show``."""
    gateway = gateway or world().keyed
    login = f"admin_token --os-token {token or gateway.key}"
    if gateway is world().open:
        login = "none"
    where = f"--os-endpoint {endpoint(gateway)}"
    text = f"openstack --os-auth-type {login} {where} console url show -f value -c url"
    return (*text.split(), *words)


class ClientCase(SynchronousTestCase):
    timeout = 280

    def setUp(self) -> None:
        self.gateway = world().keyed

    def assert_opens(self, url: str) -> None:
        """Open a link with what its type is for; the guest must be seen."""
        parts = urlsplit(url)
        if parts.path == "/vnc_auto.html":
            page = Page()
            self.addCleanup(page.leave)
            page.open(url)
            page.wait_for_pixel(*START_COLOUR)
            page.leave()
            return
        viewer = Viewer.connect(parts.port or 0, parse_qs(parts.query)["token"][0])
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)


class LinkTests(ClientCase):
    def test_links_of_the_openstack_command(self) -> None:
        old = ("--os-compute-api-version", "2.1")
        by_action = command("web-01")
        jobs = (
            command("--novnc", LAB),
            command("--xvpvnc", "the web server"),
            command("the web server", gateway=world().open),
            ("openstack", *old, *by_action[1:]),
        )
        for printed in run_clients(*jobs):
            self.assertEqual((printed["status"], printed["err"]), (0, ""))
            self.assert_opens(printed["out"].strip())

    def test_links_of_the_sdk(self) -> None:
        keyed, unlocked = endpoint(self.gateway), endpoint(world().open)
        for console in run_clients(
            ("sdk", keyed, self.gateway.key, LAB, "novnc"),
            ("sdk", keyed, self.gateway.key, "the web server", "xvpvnc"),
            ("sdk", unlocked, "", "the web server", "novnc"),
        ):
            self.assert_opens(console["url"])

    def test_links_of_novaclient(self) -> None:
        where, key = endpoint(self.gateway), self.gateway.key
        for member, console in zip(
            ("remote_console", "remote_console", "console"),
            run_clients(
                ("nova", "2.96", where, key, LAB, "novnc"),
                ("nova", "2.6", where, key, "the web server", "xvpvnc"),
                ("nova", "2.5", where, key, "the web server", "novnc"),
            ),
            strict=True,
        ):
            self.assertEqual(list(console), [member], console)
            self.assert_opens(console[member]["url"])


class RefusalTests(ClientCase):
    def test_what_the_openstack_command_prints(self) -> None:
        wrong, unknown, spice, stopped, blind, twin = run_clients(
            command(LAB, token="wrong"),
            command(UNKNOWN),
            command("--spice", LAB),
            command("--novnc", "stopped"),
            command("--xvpvnc", BLIND),
            command("twin"),
        )

        self.assertIn("The request you have made requires authentication", _printed(wrong))
        self.assertIn("HttpException: 401", _printed(wrong))
        self.assertIn(f"No Server found for {UNKNOWN}", _printed(unknown))
        self.assertIn("BadRequestException: 400", _printed(spice))
        self.assertIn("Unavailable console type spice-html5.", _printed(spice))
        self.assertIn("ConflictException: 409", _printed(stopped))
        self.assertIn(f"Instance {STOPPED} is not ready.", _printed(stopped))
        self.assertIn("The virtual machine is shut off.", _printed(stopped))
        self.assertIn("HttpException: 501", _printed(blind))
        self.assertIn("Unable to get vnc console, functionality not implemented", _printed(blind))
        self.assertIn("More than one Server exists with the name 'twin'.", _printed(twin))

    def test_what_novaclient_raises(self) -> None:
        where, key = endpoint(self.gateway), self.gateway.key
        wrong, unknown, other, stopped, blind, twin = run_clients(
            ("nova", "2.96", where, "wrong", LAB, "novnc"),
            ("nova", "2.96", where, key, UNKNOWN, "novnc"),
            ("nova", "2.5", where, key, LAB, "telnet"),
            ("nova", "2.5", where, key, "stopped", "novnc"),
            ("nova", "2.96", where, key, BLIND, "novnc"),
            ("nova", "2.96", where, key, "twin", "novnc"),
        )

        self.assertEqual(wrong["raised"], "Unauthorized", wrong)
        self.assertEqual(unknown["raised"], "CommandError", unknown)
        self.assertIn("No server with a name or ID of", unknown["message"])
        self.assertEqual(other["raised"], "UnsupportedConsoleType", other)
        self.assertEqual(stopped["raised"], "Conflict", stopped)
        self.assertIn(
            "is not ready. The virtual machine is shut off. (HTTP 409)", stopped["message"]
        )
        self.assertEqual(blind["raised"], "HTTPNotImplemented", blind)
        self.assertEqual(twin["raised"], "CommandError", twin)
        self.assertIn("Multiple server matches found for 'twin'", twin["message"])


class TempestTests(ClientCase):
    def test_both_tests_of_consoles_pass_in_old_and_new_versions(self) -> None:
        where, key = endpoint(self.gateway), self.gateway.key
        jobs = [
            ("tempest", where, key, LAB, version, name)
            for version in ("2.1", "2.96")
            for name in ("test_novnc", "test_novnc_bad_token")
        ]

        for job, failure in zip(jobs, run_clients(*jobs), strict=True):
            self.assertEqual(failure, "", job)


def _printed(result: dict[str, Any]) -> str:
    assert result["status"], result
    return str(result["out"] + result["err"])
