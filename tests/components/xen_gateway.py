"""A simulated XenServer pool with two QEMUs, and a gateway that reaches it in several ways."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import ssl
import tempfile
from contextlib import ExitStack
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.ports import free_port
from tests.components.viewer import Refused, Viewer, tunnel
from tests.components.vnc_servers import QemuMachine
from tests.components.xapi_simulator import Host, Machine, Pool, serve

USER, PASSWORD, WRONG = "console", "s3cret-xapi-password", "n0t-the-xapi-password"


class World:
    """A pool of two hosts with two machines, and a proxy that reaches it in several ways."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xen-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder)
        self.hosts = Host("xen1", "127.0.0.1"), Host("xen2", "127.0.0.2")
        certificates = {host.name: self.authority.issue(host.address) for host in self.hosts}
        self.pins = [_pin(certificate) for certificate, _ in certificates.values()]
        self.pool = Pool(self.hosts)
        stack = ExitStack()
        atexit.register(stack.close)
        self.plain_port = stack.enter_context(serve(self.pool, certificates))
        self.web = self._machine("web-01")
        self.db = self._machine("db-01")
        self.gateway = Gateway(self._config()).start()
        atexit.register(self.gateway.stop)

    def _machine(self, name: str) -> Machine:
        qemu = QemuMachine(self.folder, name).start()
        atexit.register(qemu.stop)
        return self.pool.add(name, qemu.port)

    def _config(self) -> str:
        port = self.pool.port
        master, slave = f"https://127.0.0.1:{port}", f"https://127.0.0.2:{port}"
        trust = f'tls = {{ ca_file = "{self.authority.ca_file}" }}'
        ways = {
            "xen": ([master], trust),
            "slave": ([slave], trust),
            "fallback": ([f"https://127.0.0.1:{free_port()}", slave], trust),
            "pinned": ([master], f"tls = {{ fingerprints = {self.pins} }}"),
            "anything": ([master], "tls = { verify = false }"),
            "halfpinned": ([master], f"tls = {{ fingerprints = {self.pins[:1]} }}"),
            "untrusted": ([master], "tls = {}"),
            "old": (
                [f"http://127.0.0.2:{self.plain_port}"],
                f"plain_console = true\nplain_port = {self.plain_port}",
            ),
            "away": ([f"https://127.0.0.1:{free_port()}"], trust),
        }
        own = {host.address: host.address for host in self.hosts}
        tables = [_table(name, urls, PASSWORD, more, own) for name, (urls, more) in ways.items()]
        tables.append(_table("denied", [master], WRONG, trust, own))
        tables.append(_table("unmapped", [master], PASSWORD, trust, {}))
        return "[timeouts]\nlocate = 60\nlinger = 2\n" + "".join(tables)


def _pin(certificate: str) -> str:
    der = ssl.PEM_cert_to_DER_cert(Path(certificate).read_text())
    return f"sha256:{hashlib.sha256(der).hexdigest()}"


def _table(name: str, urls: list[str], password: str, more: str, addresses: dict[str, str]) -> str:
    pairs = ", ".join(f'"{told}" = "{dialled}"' for told, dialled in addresses.items())
    return f"""
[backends.{name}]
type = "xen"
timeout = 60
url = {urls}
username = "{USER}"
password = "{password}"
addresses = {{ {pairs} }}
{more}
"""


world = cache(World)


class XenTestCase(SynchronousTestCase):
    """What all tests here share; the pool is put back into order after each."""

    timeout = 120

    def setUp(self) -> None:
        shared = world()
        self.pool, self.gateway, self.web, self.db = (
            *(shared.pool, shared.gateway),
            *(shared.web, shared.db),
        )
        self.here, self.there = shared.hosts
        self.machines = list(self.pool.machines)
        self.addCleanup(self._in_order)
        self.secrets: list[str] = [PASSWORD, WRONG, self.gateway.key]
        self.pool.asked.clear()

    def _in_order(self) -> None:
        self.pool.machines[:] = self.machines
        self.pool.answered = lambda _method: None
        self.pool.one_viewer, self.pool.master = False, self.here
        self.pool.viewers_only.clear()
        for machine in self.machines:
            machine.host, machine.power_state, machine.location = self.here, "Running", ""
        # Chromium keeps the web socket of a page that it may go back to
        for session in self.gateway.call("GET", "/v1/sessions")[1]["sessions"]:
            self.gateway.call("DELETE", f"/v1/sessions/{session['id']}")
        until(lambda: not any(machine.viewers for machine in self.machines), "viewers to leave")

    def tearDown(self) -> None:
        """Whatever happened, no secret may stand in a log."""
        log = self.gateway.log()
        for secret in (*self.secrets, "OpaqueRef:"):
            self.assertNotIn(secret, log)
        self.assertNotIn("Traceback", log)

    def issue(self, vm: str) -> str:
        token: str = self.gateway.issue(vm, type="xvpvnc")["token"]
        self.secrets.append(token)
        return token

    def look(self, vm: str) -> Viewer:
        viewer = Viewer.connect(self.gateway.web_port, self.issue(vm))
        self.addCleanup(viewer.close)
        return viewer

    def refusal(self, vm: str) -> str:
        """Return the status line of a TCP viewer's refusal."""
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={self.issue(vm)}")
        return str(caught.exception)

    def detail(self) -> str:
        """Return what the audit line of the last refusal says."""
        return str(self.gateway.audit_of("refuse", token=self.secrets[-1])["detail"])

    def connects(self) -> list[tuple[str, str]]:
        """Return the hosts and targets of all CONNECTs."""
        return [
            (host, what.partition(" ")[2])
            for host, what in self.pool.asked
            if what.startswith("CONNECT")
        ]
