"""The simulated pool with clients of real ones.

PyPI's XenAPI speaks XML-RPC to it, npm's xen-api JSON-RPC, and each one's own HTTP library requests
a console.
"""

from __future__ import annotations

import atexit
import json
import os
import shutil
import ssl
import subprocess
import tempfile
from contextlib import ExitStack
from functools import cache
from http.client import HTTPSConnection
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault

from twisted.trial.unittest import SynchronousTestCase
from XenAPI import Failure, Session

from tests.components.certificates import Authority
from tests.components.vnc_servers import QemuMachine
from tests.components.xapi_simulator import Host, Pool, serve

XEN_API = "xen-api@4.7.6"
NPM_LIMIT, NODE_LIMIT = 300.0, 60.0
USER, PASSWORD = "console", "s3cret-xapi-password"

SCRIPT = """
import { request } from 'node:https'
import { Xapi } from 'xen-api'

const { url, user, password, vm, location } = JSON.parse(process.argv[2])
const xapi = new Xapi({ auth: { user, password }, url, watchEvents: false, readOnly: true })
const told = {}
await xapi.connect()
const ref = await xapi.call('VM.get_by_uuid', vm)
told.record = await xapi.getRecord('VM', ref)
told.hosts = (await xapi.getAllRecords('host')).map(host => host.address)
told.pool = xapi.pool.name_label
told.failure = await xapi.call('VM.get_by_uuid', 'nobody').catch(error => error)
const { host, pathname, search } = new URL(location)
told.banner = await new Promise((resolve, reject) =>
  request({
    host: host.split(':')[0], port: host.split(':')[1], method: 'CONNECT',
    path: pathname + search, headers: { cookie: `session_id=${xapi.sessionId}` },
  })
    .on('connect', (reply, socket, head) => {
      const banner = data => { resolve([reply.statusCode, data.toString()]); socket.destroy() }
      head.length ? banner(head) : socket.once('data', banner)
    })
    .on('error', reject)
    .end())
await xapi.disconnect()
console.log(JSON.stringify(told))
"""


class World:
    """A pool of two hosts with one machine."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="xapi-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder)
        hosts = Host("xen1", "127.0.0.1"), Host("xen2", "127.0.0.2")
        self.pool = Pool(hosts)
        certificates = {host.name: self.authority.issue(host.address) for host in hosts}
        stack = ExitStack()
        atexit.register(stack.close)
        stack.enter_context(serve(self.pool, certificates))
        qemu = QemuMachine(self.folder, "web-01").start()
        atexit.register(qemu.stop)
        self.vm = self.pool.add("web-01", qemu.port)


world = cache(World)


class SimulatorTestCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.pool, self.vm = world().pool, world().vm
        self.trust = ssl.create_default_context(cafile=world().authority.ca_file)

    def url(self, host: int = 1) -> str:
        return f"https://127.0.0.{host}:{self.pool.port}"


class XenAPITests(SimulatorTestCase):
    """PyPI's XenAPI, as its documentation uses it."""

    def setUp(self) -> None:
        super().setUp()
        self.session = Session(self.url(), ignore_ssl=True)
        self.session.xenapi.login_with_password(USER, PASSWORD, "1.0", "test")
        self.addCleanup(self.session("close"))

    def test_a_console_is_found(self) -> None:
        xenapi = self.session.xenapi
        ref = xenapi.VM.get_by_uuid(self.vm.uuid)

        (console,) = xenapi.VM.get_consoles(ref)

        self.assertEqual(xenapi.VM.get_by_name_label("web-01"), [ref])
        self.assertEqual(xenapi.VM.get_power_state(ref), "Running")
        self.assertEqual(xenapi.console.get_protocol(console), "rfb")
        self.assertTrue(
            xenapi.console.get_location(console).startswith(f"{self.url()}/console?uuid=")
        )
        self.assertEqual(xenapi.host.get_address(xenapi.VM.get_resident_on(ref)), "127.0.0.1")
        self.assertEqual(self.session.API_version, "2.21")

    def test_failures_have_their_codes(self) -> None:
        xenapi = self.session.xenapi
        for ask, code in (
            (lambda: xenapi.VM.get_by_uuid("x"), ["UUID_INVALID", "VM", "x"]),
            (lambda: xenapi.VM.get_record("x"), ["HANDLE_INVALID", "VM", "x"]),
            (lambda: xenapi.no.such(), ["MESSAGE_METHOD_UNKNOWN", "no.such"]),
        ):
            self.assertEqual(self.assertRaises(Failure, ask).details, code)

    def test_a_wrong_password_and_a_slave_refuse_the_login(self) -> None:
        for host, password, code in (
            (1, "wrong", "SESSION_AUTHENTICATION_FAILED"),
            (2, PASSWORD, "HOST_IS_SLAVE"),
        ):
            with Session(self.url(host), ignore_ssl=True) as session:
                error = self.assertRaises(
                    Failure, session.xenapi.login_with_password, USER, password
                )
            self.assertEqual(error.details[0], code)

    def test_the_library_logs_in_again_when_the_session_has_expired(self) -> None:
        self.pool.expire()

        self.assertEqual(len(self.session.xenapi.VM.get_all()), 1)

    def test_after_logout_nothing_is_answered(self) -> None:
        self.session.xenapi.session.logout()

        error = self.assertRaises(Fault, self.session.xenapi.VM.get_all)

        self.assertEqual(error.faultCode, 401)

    def test_connect_is_answered_with_rfb_in_the_same_breath(self) -> None:
        status, received = self.connect(self.target(), self.session.handle)

        self.assertEqual((status, received), (200, b"RFB 003.008\n"))

    def test_connect_is_refused_as_xapi_refuses_it(self) -> None:
        good = self.session.handle
        for target, session, status in (
            (self.target(), "OpaqueRef:no", 401),
            ("/elsewhere?uuid=x", good, 403),
            ("/console?uuid=x", good, 500),
            ("/console", good, 500),
        ):
            self.assertEqual(self.connect(target, session)[0], status, target)
        self.assertEqual(self.connect(self.target(), good, host=2)[0], 500)

    def target(self) -> str:
        return f"/console?uuid={self.vm.consoles[0].uuid}"

    def connect(self, target: str, session: str, host: int = 1) -> tuple[int, bytes]:
        """Send CONNECT and return the status with what follows the header."""
        connection = HTTPSConnection(
            f"127.0.0.{host}", self.pool.port, timeout=10, context=self.trust
        )
        self.addCleanup(connection.close)
        connection.putrequest("CONNECT", target)
        connection.putheader("Cookie", f"session_id={session}")
        connection.endheaders()
        reply = connection.response_class(connection.sock, method="CONNECT")
        reply.begin()
        return reply.status, reply.fp.read(12) if reply.status == 200 else b""


class NodeTests(SimulatorTestCase):
    """npm's xen-api, which Xen Orchestra uses."""

    timeout = NPM_LIMIT + NODE_LIMIT

    def test_it_logs_in_finds_the_machine_and_sees_its_console(self) -> None:
        folder = world().folder / "node"
        folder.mkdir()
        options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefer-offline"]
        subprocess.run(
            ["npm", "install", "--silent", "--prefix", folder, *options, XEN_API],
            check=True,
            timeout=NPM_LIMIT,
        )
        told = self.run_script(folder, self.url())

        self.assertEqual(told["record"]["name_label"], "web-01")
        self.assertEqual(told["hosts"], ["127.0.0.1", "127.0.0.2"])
        self.assertEqual(told["pool"], "lab")
        self.assertEqual(told["failure"]["code"], "UUID_INVALID")
        self.assertEqual(told["banner"], [200, "RFB 003.008\n"])
        self.assertIn(("xen1", "session.logout"), self.pool.asked)

        by_slave = self.run_script(folder, self.url(2))

        self.assertEqual(by_slave["record"]["uuid"], self.vm.uuid)

    def run_script(self, folder: Path, url: str) -> dict[str, Any]:
        script = folder / "ask.mjs"
        script.write_text(SCRIPT)
        location = f"{self.url()}/console?uuid={self.vm.consoles[0].uuid}"
        arguments = {
            "url": url,
            "user": USER,
            "password": PASSWORD,
            "vm": self.vm.uuid,
            "location": location,
        }
        done = subprocess.run(
            ["node", script, json.dumps(arguments)],
            capture_output=True,
            text=True,
            timeout=NODE_LIMIT,
            env={**os.environ, "NODE_EXTRA_CA_CERTS": world().authority.ca_file},
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        told: dict[str, Any] = json.loads(done.stdout)
        return told
