"""Graphical consoles of a real Ironic, whose container is a real QEMU's VNC server."""

from __future__ import annotations

import atexit
import shutil
import subprocess
import sys
import tempfile
import time
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.ironic_server import IronicServer
from tests.components.libvirt_host import KEY_COLOURS
from tests.components.nova_stub import PROJECT, USER, NovaStub
from tests.components.pictures import wait_for_colour
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.vnc_servers import QemuMachine


class World:
    """Nodes with and without a graphical console, and a proxy."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="ironic-guests-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.guest = QemuMachine(self.folder, "guest").start()
        atexit.register(self.guest.stop)
        self.ironic = IronicServer(self.guest.port).start()
        self.node = self.ironic.node("metal-01", owner="project-web")
        self.blind = self.ironic.node("metal-02", "no-console")
        self.nova = NovaStub("horse").start()
        atexit.register(self.nova.stop)
        self.gateway = Gateway(self.config("vncproxy") + self.nova_source()).start()
        atexit.register(self.gateway.stop)

    def nova_source(self) -> str:
        return f"""
[token_sources.nova]
type = "nova"
auth_url = "{self.nova.auth_url}"
username = "{USER}"
password = "horse"
project_name = "{PROJECT}"
timeout = 20
addresses = {{ "127.0.0.1" = "127.0.0.1" }}
"""

    def config(self, password: str) -> str:
        clouds = self.folder / f"{password}.yaml"
        clouds.write_text(f"""
clouds:
  metal:
    auth_type: http_basic
    auth: {{ endpoint: "{self.ironic.url}", username: vncproxy, password: {password} }}
    baremetal_endpoint_override: {self.ironic.url}
""")
        return f"""
[backends.metal]
type = "ironic"
cloud = "metal"
clouds_file = "{clouds}"
timeout = 20
addresses = {{ "127.0.0.1" = "127.0.0.1" }}
"""


world = cache(World)


class IronicCase(SynchronousTestCase):
    timeout = 280

    def setUp(self) -> None:
        self.ironic, self.gateway = world().ironic, world().gateway

    def issue(self, vm: str) -> str:
        """Issue a token; returns it."""
        return str(self.gateway.issue(f"metal/{vm}", type="xvpvnc")["token"])


class ConsoleTests(IronicCase):
    def test_a_console_is_started_and_shown(self) -> None:
        node = self.ironic.node("metal-03")
        self.assertFalse(self.ironic.console_runs(node))

        viewer = Viewer.connect(self.gateway.xvp_port, self.issue(node))
        self.addCleanup(viewer.close)

        viewer.key(ord("2"))
        viewer.wait_for_pixel(KEY_COLOURS["2"])
        wait_for_colour(self.gateway, f"metal/{node}", KEY_COLOURS["2"])
        self.assertTrue(self.ironic.console_runs(node))
        self.assertEqual(self.gateway.audit_of("open", vm=f"metal/{node}")["user"], "alice")

    def test_a_node_by_its_name(self) -> None:
        viewer = Viewer.connect(self.gateway.xvp_port, self.issue("metal-01"))
        self.addCleanup(viewer.close)
        viewer.pixel()

    def refusal(self, vm: str) -> str:
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.xvp_port, f"/console?token={self.issue(vm)}")
        return str(caught.exception)

    def test_nodes_without_a_console_to_show(self) -> None:
        told = self.refusal(world().blind)
        self.assertEqual(told, "409 The virtual machine has no graphical console.")
        for unknown in ("metal-9", "..", "metal-01/states", "x?fields=uuid"):
            self.assertEqual(self.refusal(unknown), "404 The virtual machine was not found.")


class NovaTests(IronicCase):
    def test_a_token_of_nova_for_a_server_on_a_node(self) -> None:
        """Nova keeps what it reads from the node, as its driver for Ironic does."""
        node = self.ironic.node("metal-04")
        self.ironic.ask("PUT", f"/v1/nodes/{node}/states/console", {"enabled": True})
        while not self.ironic.console_runs(node):
            time.sleep(0.05)
        info = self.ironic.ask("GET", f"/v1/nodes/{node}")["driver_internal_info"]
        token = world().nova.issue(info["vnc_port"], host=info["vnc_host"])

        viewer = Viewer.connect(self.gateway.xvp_port, token)
        self.addCleanup(viewer.close)

        viewer.key(ord("4"))
        viewer.wait_for_pixel(KEY_COLOURS["4"])


class InventoryTests(IronicCase):
    def test_nodes_are_listed(self) -> None:
        machines = self.gateway.call("GET", "/v1/vms")[1]["vms"]
        names = {each["vm"]: each["name"] for each in machines}
        self.assertEqual(names[f"metal/{world().node}"], "metal-01")


class CheckConfigTests(IronicCase):
    def lines(self, password: str) -> str:
        path = world().folder / "check.toml"
        head = '[listen]\nweb = ["tcp:0:interface=127.0.0.1"]\nxvp = []\napi = []\n'
        path.write_text(head + world().config(password))
        command = [str(Path(sys.executable).with_name("vncproxy")), "check-config", "--config"]
        done = subprocess.run([*command, str(path)], capture_output=True, text=True, timeout=60)
        self.assertNotIn("Traceback", done.stderr)
        return done.stdout

    def test_all_is_well(self) -> None:
        self.assertIn("ok    backend metal: ironic of cloud metal has", self.lines("vncproxy"))

    def test_a_wrong_password(self) -> None:
        told = self.lines("horse")
        self.assertIn("FAIL  backend metal: ironic refuses the log-in", told)
        self.assertNotIn("horse:", told)
