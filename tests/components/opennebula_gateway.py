"""Two stand-ins for OpenNebula whose machines are real guests, and a proxy for them."""

from __future__ import annotations

import atexit
import shutil
import tempfile
from functools import cache
from pathlib import Path
from typing import Any

from tests.components.certificates import Authority
from tests.components.fake_oned import VM, FakeOned, Host, OnedServer, User
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, Guest, private_libvirtd
from tests.components.ports import free_port
from tests.components.viewer import Viewer
from tests.components.vnc_servers import SASL_USER, Identity, QemuMachine, sasl_folder

HOME_SESSION = "console:pw-of-console"


AWAY_PASSWORD = "pw-of-guest"


VCENTER = "50296a4c-1f1e-4f5a-9a3c-6c1f7a3b2d10"


ON_HYBRID = ((0, "hybrid", 5, "one"),)


class World:
    """Two guests, two clouds that have them, and a proxy, for all tests of this process."""

    def __init__(self) -> None:
        host = private_libvirtd()
        self.home_guest = Guest(host, "one-home", password="home-pw").start()
        self.away_guest = Guest(host, "one-away", password="away-pw").start()
        self.folder = Path(tempfile.mkdtemp(prefix="opennebula-"))
        self.folder.chmod(0o755)
        self.authority = Authority(self.folder)
        self.identity = Identity(self.folder / "pki", self.authority, "hv1")
        self.secured, self.named = self._with_tls(), self._with_sasl()
        self.home, self.away = FakeOned(), FakeOned()
        self.home_server, self.away_server = OnedServer(self.home), OnedServer(self.away)
        self.gateway = Gateway(self._config()).start()
        atexit.register(self._stop)
        for vm, key in (("direct/home", "1"), ("direct/away", "2")):
            viewer = Viewer.connect(self.gateway.web_port, self.gateway.issue(vm)["token"])
            viewer.key(ord(key))
            viewer.wait_for_pixel(KEY_COLOURS[key])
            viewer.close()

    def _with_tls(self) -> QemuMachine:
        """Return a machine on a host whose ``qemu.conf`` has ``vnc_tls = 1``."""
        secret = "secret,id=pw,data=tls-pw"
        return QemuMachine(
            self.folder,
            "secured",
            objects=[self._credentials(), secret],
            vnc=",tls-creds=t0,password-secret=pw",
        ).start()

    def _with_sasl(self) -> QemuMachine:
        """Return a machine on a host whose ``qemu.conf`` has ``vnc_sasl = 1``, too."""
        return QemuMachine(
            self.folder,
            "named",
            objects=[self._credentials()],
            vnc=",tls-creds=t0,sasl=on",
            sasl=sasl_folder(self.folder / "sasl", "scram-sha-256", "sasl-pw", self.identity),
        ).start()

    def _credentials(self) -> str:
        folder = self.identity.folder
        return f"tls-creds-x509,id=t0,endpoint=server,dir={folder},verify-peer=off"

    def populate(self) -> None:
        """Bring both clouds to what every test begins with."""
        for oned, server in ((self.home, self.home_server), (self.away, self.away_server)):
            server.hung.set()
            oned.vms.clear()
            oned.failure = None
        self.home.users = {"console": User(5, HOME_SESSION.partition(":")[2], admin=True)}
        self.away.users = {"guest": User(3, AWAY_PASSWORD)}
        template = {
            "ONE_ENDPOINT": self.away_server.url,
            "ONE_USER": "guest",
            "ONE_PASSWORD": AWAY_PASSWORD,
        }
        self.home.hosts = {5: Host(5, "hybrid", template)}
        self.home.add(VM(7, "web", graphics=graphics(self.home_guest)))
        self.home.add(
            VM(8, "db", graphics=None, deploy_id="opennebula-hybrid-31", history=ON_HYBRID)
        )
        self.away.add(
            VM(
                31,
                "remote-opennebula-8",
                graphics=graphics(self.away_guest),
                history=((0, "away1", 1, "kvm"),),
                user_template={"REMOTE_OPENNEBULA_VM_ID": "8"},
            )
        )

    def _config(self) -> str:
        home, away = graphics(self.home_guest), graphics(self.away_guest)
        return f"""
[timeouts]
locate = 60
linger = 2
[backends.hasty]
type = "opennebula"
endpoint = "{self.home_server.url}"
session = "{HOME_SESSION}"
timeout = 2
[backends.secured]
type = "opennebula"
endpoint = "{self.home_server.url}"
session = "{HOME_SESSION}"
vcenter = "nowhere"
tls = {{ ca_file = "{self.authority.ca_file}" }}
addresses = {{ hv1 = "127.0.0.1", hv2 = "127.0.0.1" }}
[backends.named]
type = "opennebula"
endpoint = "{self.home_server.url}"
session = "{HOME_SESSION}"
tls = {{ ca_file = "{self.authority.ca_file}" }}
vnc_username = "{SASL_USER}"
vnc_password = "sasl-pw"
addresses = {{ hv1 = "127.0.0.1" }}
[backends.one]
type = "opennebula"
endpoint = "http://127.0.0.1:{free_port()}/RPC2"
servers = ["{self.home_server.url}"]
session = "{HOME_SESSION}"
timeout = 30
vcenter = "direct"
addresses = {{ hv1 = "127.0.0.1" }}
[backends.one.remotes.hybrid]
addresses = {{ away1 = "127.0.0.1" }}
[backends.direct]
type = "static"
[backends.direct.consoles]
home = {{ address = "127.0.0.1:{home["PORT"]}", password = "home-pw" }}
away = {{ address = "127.0.0.1:{away["PORT"]}", password = "away-pw" }}
vm-227_{VCENTER} = {{ address = "127.0.0.1:{away["PORT"]}", password = "away-pw" }}
"""

    def _stop(self) -> None:
        self.gateway.stop()
        self.secured.stop()
        self.named.stop()
        shutil.rmtree(self.folder)
        self.home_server.stop()
        self.away_server.stop()


world = cache(World)


def graphics(guest: Guest, **more: object) -> dict[str, Any]:
    """Return what OpenNebula would write about a guest's console."""
    found = guest.graphics()
    return {
        "TYPE": "VNC",
        "LISTEN": "0.0.0.0",
        "PORT": found["port"],
        "PASSWD": found["passwd"],
        **more,
    }
