"""A federated OpenNebula over a border: plain, hybrid, other zone, other zone's hybrid host.

The clouds are stand-ins; the proxies, the networks between them and the guests are real.
"""

from __future__ import annotations

import atexit
import os
import re
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import Any

import pyone
from twisted.trial.unittest import SynchronousTestCase

from tests.components.fake_oned import VM, FakeOned, Host, OnedServer, User
from tests.components.fake_oned import Zone as PoolZone
from tests.components.libvirt_host import KEY_COLOURS, until
from tests.components.viewer import Refused, Viewer
from tests.components.zones import HERE, Zone, Zones
from vncproxy.zones.keys import PrivateKey

SESSION = "oneadmin:opennebula"
PARIS_SCREEN, MADRID_SCREEN = KEY_COLOURS["1"], KEY_COLOURS["2"]
SCRIPT = Path(__file__).parents[2] / "examples" / "opennebula_console.py"
ON_HYBRID = ((0, "hybrid", 5, "one"),)
ON_PARTNER = ((0, "partner", 6, "one"),)


class Federation:
    """Paris (0) and madrid (100) with a cloud each, and a partner's cloud behind hybrid hosts.

    Each machine's host is that of the zone whose number its console's port belongs to.
    """

    def __init__(self) -> None:
        self.zones = Zones("paris", "madrid")
        self.paris, self.madrid = self.zones.all
        self.home, self.away, self.partner = FakeOned(), FakeOned(), FakeOned()
        self.servers = [
            OnedServer(oned, host=HERE) for oned in (self.home, self.away, self.partner)
        ]
        self._populate()
        key = PrivateKey.new()
        accept = f'accept = {{ keys = ["{key.public}"], backends = ["one", "partner"] }}'
        self.paris.configure(self.madrid.table(key) + self._backend(0, self.paris, _FEDERATION))
        self.madrid.configure(
            f"[zones.paris]\n{accept}\n"
            + self._backend(1, self.madrid, "")
            + self._backend(2, self.madrid, "", name="partner")
        )
        for zone, typed in ((self.paris, "1"), (self.madrid, "2")):
            zone.start_guest()
            zone.gateway.start()
            viewer = self.view(zone, "kvm/web-01")
            viewer.key(ord(typed))
            viewer.wait_for_pixel(KEY_COLOURS[typed])
            viewer.close()

    def view(self, zone: Zone, vm: str, user: str = "alice") -> Viewer:
        """Open a console at the proxy of a zone."""
        gateway = zone.gateway
        token = gateway.issue(vm, type="xvpvnc", user=user)["token"]
        return Viewer.connect(gateway.xvp_port, token, host=gateway.host)

    def stop(self) -> None:
        """End everything."""
        self.zones.stop()
        for server in self.servers:
            server.stop()

    def _backend(self, number: int, zone: Zone, more: str, name: str = "one") -> str:
        return f"""
[backends.{name}]
type = "opennebula"
endpoint = "{self.servers[number].url}"
session = "{SESSION}"
timeout = 30
addresses = {{ hv1 = "{zone.hypervisor}" }}
[backends.{name}.remotes.hybrid]
addresses = {{ hv1 = "{zone.hypervisor}" }}
{more}
"""

    def _populate(self) -> None:
        """Write machines: 7 plain, 8 on a hybrid host, 9 of paris on one that madrid shows."""
        vnc = {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": 5900}
        login = {"ONE_USER": "oneadmin", "ONE_PASSWORD": "opennebula"}
        remote = {"ONE_ENDPOINT": self.servers[2].url, **login}
        for oned, half in ((self.home, 31), (self.away, 32)):
            oned.hosts = {5: Host(5, "hybrid", remote), 6: Host(6, "partner", remote)}
            oned.add(VM(7, f"plain-{half}", graphics=vnc))
            deploy_id = f"opennebula-hybrid-{half}"
            oned.add(VM(8, f"hybrid-{half}", deploy_id=deploy_id, history=ON_HYBRID))
            self.partner.add(
                VM(half, "half", graphics=vnc, user_template={"REMOTE_OPENNEBULA_VM_ID": "8"})
            )
        self.home.add(VM(9, "partners", deploy_id="opennebula-hybrid-33", history=ON_PARTNER))
        self.partner.add(
            VM(33, "half", graphics=vnc, user_template={"REMOTE_OPENNEBULA_VM_ID": "9"})
        )
        gateway = {"ENDPOINT": "-", "VNCPROXY_ENDPOINT": f"https://{self.madrid.address}/"}
        tokyo = PoolZone(101, "tokyo", {"ENDPOINT": self.servers[1].url})
        pool = [PoolZone(0, "paris", {}), PoolZone(100, "madrid", gateway), tokyo]
        self.home.zones = self.away.zones = pool


_FEDERATION = """
[backends.one.remotes.partner]
zone_proxy = "madrid/partner"
[backends.one.federation]
zone = "paris"
zone_proxies = { "https://10.198.0.12/" = "madrid/one" }
"""


@cache
def federation() -> Federation:
    """Return the federation that this test run shares."""
    made = Federation()
    atexit.register(made.stop)
    return made


def opened(zone: Zone, vm: str, user: str = "alice") -> dict[str, Any]:
    """Return the last audit line about a user's console that has opened; waits for one."""

    def lines() -> list[dict[str, Any]]:
        found = zone.gateway.audit("open")
        return [line for line in found if (line["vm"], line["user"]) == (vm, user)]

    return until(lines, f"{vm} has not opened")[-1]


class FederationCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = federation()

    def view(self, vm: str, user: str = "alice") -> Viewer:
        viewer = self.world.view(self.world.paris, f"one/{vm}", user)
        self.addCleanup(viewer.close)
        return viewer

    def assertShows(self, vm: str, screen: tuple[int, int, int], name: str) -> None:
        viewer = self.view(vm)
        viewer.wait_for_pixel(screen)
        self.assertEqual(viewer.name, name)


class PictureTests(FederationCase):
    def test_a_plain_machine_and_one_on_a_hybrid_host_of_this_zone(self) -> None:
        self.assertShows("7", PARIS_SCREEN, "plain-31")
        self.assertShows("paris/8", PARIS_SCREEN, "hybrid-31")

    def test_machines_of_another_zone_by_its_id_and_name(self) -> None:
        self.assertShows("100/7", MADRID_SCREEN, "plain-32")
        self.assertShows("madrid/plain-32", MADRID_SCREEN, "plain-32")

    def test_a_hybrid_host_of_another_zone(self) -> None:
        self.assertShows("madrid/8", MADRID_SCREEN, "hybrid-32")

    def test_a_hybrid_host_whose_consoles_another_zones_proxy_shows(self) -> None:
        self.assertShows("9", MADRID_SCREEN, "half")

    def test_both_audits_have_the_machine_as_each_zone_calls_it(self) -> None:
        self.view("madrid/7", "erin").wait_for_pixel(MADRID_SCREEN)
        near = opened(self.world.paris, "one/madrid/7", "erin")
        far = opened(self.world.madrid, "one/7", "erin")
        self.assertEqual((near["to_zone"], near["to_session"]), ("madrid", far["session"]))
        self.assertEqual((far["from_zone"], far["from_session"]), ("paris", near["session"]))


class RefusalTests(FederationCase):
    def refusal(self, vm: str) -> str:
        with self.assertRaises(Refused) as caught:
            self.view(vm)
        return str(caught.exception)

    def test_what_another_zone_says_and_what_it_does_not_have(self) -> None:
        self.world.away.vms[7].state = 8
        self.addCleanup(setattr, self.world.away.vms[7], "state", 3)
        told = self.refusal("madrid/7")
        self.assertIn("The zone madrid says: The virtual machine is powered off.", told)
        self.assertIn("The virtual machine was not found.", self.refusal("madrid/99"))
        self.assertIn("The virtual machine was not found.", self.refusal("oslo/7"))

    def test_an_address_that_the_pool_alone_has_gets_no_session(self) -> None:
        before = len(self.world.away.calls)
        self.assertIn("Consoles of this zone cannot be shown here.", self.refusal("tokyo/7"))
        self.assertEqual(len(self.world.away.calls), before)

    def test_a_machine_is_looked_for_in_its_zone_before_a_link_is_issued(self) -> None:
        gateway = self.world.paris.gateway
        for vm, expected in (("madrid/7", 201), ("madrid/99", 422), ("oslo/7", 422)):
            body = {"vm": f"one/{vm}", "user": "bob", "check": True}
            self.assertEqual((vm, gateway.call("POST", "/v1/tokens", body)[0]), (vm, expected))

    def test_check_config_names_the_zones_and_the_ways_to_them(self) -> None:
        gateway = self.world.paris.gateway
        program = Path(sys.executable).with_name("vncproxy")
        command = [*gateway.launcher, program, "check-config", "--config", gateway.config]
        done = subprocess.run([*map(str, command)], capture_output=True, text=True, check=False)
        lines = [line for line in done.stdout.splitlines() if "backend one" in line]
        self.assertIn("; is zone paris (0), zone madrid (100) by madrid/one", lines[0])
        self.assertTrue(any(re.search(r"warn.*zone tokyo \(101\)", line) for line in lines), lines)


class ClientTests(FederationCase):
    def test_the_stand_in_speaks_to_opennebulas_own_client(self) -> None:
        client = pyone.OneServer(self.world.servers[0].url, SESSION, protocol="xmlrpc")
        zones = client.zonepool.info().ZONE
        self.assertEqual(
            [(zone.ID, zone.NAME, zone.STATE) for zone in zones],
            [(0, "paris", 0), (100, "madrid", 0), (101, "tokyo", 0)],
        )
        self.assertEqual(zones[1].TEMPLATE["ENDPOINT"], "-")


class PortalTests(FederationCase):
    """The recipe of docs/backends.md, by the script that it names."""

    def setUp(self) -> None:
        super().setUp()
        self.world.home.users["dora"] = self.world.away.users["dora"] = User(7, "d0ra:pw")
        self.auth = Path(self.mktemp()).absolute()
        self.auth.write_text("dora:d0ra:pw\n")

    def run_script(self, *words: str, server: int = 0) -> subprocess.CompletedProcess[str]:
        gateway = self.world.paris.gateway
        environment = {
            "ONE_AUTH": str(self.auth),
            "ONE_XMLRPC": self.world.servers[server].url,
            "VNCPROXY_API": f"http://{gateway.host}:{gateway.api_port}",
            "VNCPROXY_API_KEY": gateway.key,
        }
        return subprocess.run(
            [sys.executable, SCRIPT, *words],
            env={**os.environ, **environment},
            capture_output=True,
            text=True,
            check=False,
        )

    def test_a_user_gets_a_link_to_a_machine_that_the_user_may_use(self) -> None:
        for words, server, vm in ((("one-7",), 0, "7"), (("one-7", "--zone", "100"), 1, "100/7")):
            done = self.run_script(*words, server=server)
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            token = done.stdout.strip().partition("token=")[2]
            gateway = self.world.paris.gateway
            viewer = Viewer.connect(gateway.xvp_port, token, host=gateway.host)
            self.addCleanup(viewer.close)
            self.assertEqual(opened(self.world.paris, f"one/{vm}", "dora")["user"], "dora")

    def test_a_user_who_may_not_gets_none(self) -> None:
        machine = self.world.home.vms[7]
        machine.visible = False
        self.addCleanup(setattr, machine, "visible", True)
        for words, said in (
            (("one-7",), "Not authorized to perform USE VM [7]"),
            (("one-99",), "Error getting virtual machine [99]"),
            (("7",), "is no name of a machine"),
            (("one-8", "--backend", "two"), "the proxy: "),
        ):
            done = self.run_script(*words)
            self.assertEqual((done.returncode, done.stdout), (1, ""))
            self.assertIn(said, done.stderr)
        self.auth.write_text("dora:wrong")
        self.assertIn("couldn't be authenticated", self.run_script("one-8").stderr)
