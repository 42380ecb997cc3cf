"""SIGHUP: the configuration, its keys, certificates and files are read again by real processes."""

from __future__ import annotations

import hashlib
import json
import os
import signal
import socket
import ssl
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from cryptography import x509

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.ports import free_port
from tests.components.process_case import ENDED, LIMIT
from tests.components.reload_case import ReloadCase, until
from tests.components.viewer import Viewer, read

MANY = 50


class GatewayTests(ReloadCase):
    def setUp(self) -> None:
        super().setUp()
        self.authority = Authority(self.folder)
        self.certificate, self.key = self.authority.issue("localhost")
        self.audit = self.folder / "audit"
        web = f"ssl:{{port}}:interface=127.0.0.1:privateKey={self.key}:certKey={self.certificate}"
        limits = "[limits]\nsessions_per_vm = 100\nsessions_per_address = 100\n"
        log = f'[log]\naudit = "{self.audit}"\n'
        self.gateway = Gateway(self.lab + limits + log, web=web).start()
        self.addCleanup(self.gateway.stop)
        self.reloads = 0

    def reload(self, outcome: str = "configuration reloaded: ") -> str:
        """Send the signal and wait; returns what was logged since."""
        before = len(self.gateway.log())
        os.kill(self.gateway.pid, signal.SIGHUP)
        until(lambda: outcome in self.gateway.log()[before:], outcome)
        time.sleep(0.2)  # the lines that follow
        return self.gateway.log()[before:]

    def write(self, *replacements: tuple[str, str]) -> None:
        """Change the configuration file."""
        text = self.gateway.config.read_text()
        for old, new in replacements:
            self.assertIn(old, text)
            text = text.replace(old, new)
        self.gateway.config.write_text(text)

    def open(self, vm: str = "lab/web-01") -> tuple[Viewer, socket.socket]:
        """Open a console; returns both ends of the session."""
        token = self.gateway.issue(vm, type="xvpvnc")["token"]
        asking = socket.create_connection(("127.0.0.1", self.gateway.xvp_port), LIMIT)
        asking.sendall(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode())
        with self.console.viewed() as hypervisor:
            ours = hypervisor.dup()
        ours.settimeout(LIMIT)
        self.addCleanup(ours.close)
        self.assertEqual(read(asking, 19), b"HTTP/1.1 200 OK\r\n\r\n")
        viewer = Viewer(asking)
        self.addCleanup(viewer.close)
        viewer.greet()
        read(ours, 20 + 12)
        return viewer, ours

    def served(self, session: ssl.SSLSession | None = None) -> tuple[int, ssl.SSLSession, bool]:
        """Return the serial number that is served, the TLS session, and whether it was resumed."""
        context = ssl.create_default_context(cafile=self.authority.ca_file)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        plain = socket.create_connection(("127.0.0.1", self.gateway.web_port), LIMIT)
        # a session belongs to its context
        context = getattr(self, "context", context)
        self.context = context
        with context.wrap_socket(plain, server_hostname="localhost", session=session) as secure:
            der = secure.getpeercert(binary_form=True)
            assert der is not None and secure.session is not None
            serial = x509.load_der_x509_certificate(der).serial_number
            return serial, secure.session, bool(secure.session_reused)

    def metric(self, name: str) -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.gateway.api_port}/metrics",
            headers={"Authorization": f"Bearer {self.gateway.key}"},
        )
        with urllib.request.urlopen(request, timeout=LIMIT) as answer:
            lines = answer.read().decode().splitlines()
        return str(next(line for line in lines if line.startswith(f"{name} ")).split()[1])

    def test_sessions_stay_while_everything_else_becomes_new(self) -> None:
        sessions = [self.open() for _ in range(MANY)]
        old_serial, _, _ = self.served()
        old_key, new_key = self.gateway.key, "a-new-key-of-the-portal"
        digests = [hashlib.sha256(key.encode()).hexdigest() for key in (old_key, new_key)]
        self.authority.issue("localhost")
        self.audit.rename(self.folder / "audit.1")
        self.write(
            (digests[0], digests[1]),
            ("[backends.lab]", "[backends.newlab]"),
            ("[backends.lab.consoles", "[backends.newlab.consoles"),
        )

        said = self.reload()

        self.assertIn("[lab] removed, [newlab] added, another certificate at ssl:", said)
        self.assertNotIn("Traceback", said)
        self.assertNotEqual(self.served()[0], old_serial)
        self.assertEqual(self.gateway.call("GET", "/v1/sessions")[0], 401)
        self.gateway.key = new_key
        status, live = self.gateway.call("GET", "/v1/sessions")
        self.assertEqual((status, len(live["sessions"])), (200, MANY))
        status, answer = self.gateway.call("POST", "/v1/tokens", {"vm": "lab/x", "user": "u"})
        self.assertEqual((status, answer["error"]["code"]), (422, "backend-unknown"))
        sessions.append(self.open("newlab/web-01"))
        for viewer, hypervisor in sessions:
            viewer.key(0x61)
            self.assertEqual(read(hypervisor, 16)[:8], b"\x04\x01\0\0\0\0\0\x61")
            hypervisor.sendall(b"\x02")
            self.assertEqual(viewer.read(1), b"\x02")
        events = [json.loads(line) for line in self.audit.read_text().splitlines()]
        opened = [(e["event"], e["vm"]) for e in events if not e["event"].startswith("api-")]
        self.assertEqual(opened, [("open", "newlab/web-01")])
        self.assertEqual((self.folder / "audit.1").read_text().count('"event": "open"'), MANY)

        for viewer, _ in sessions:
            viewer.close()
        until(lambda: not self.gateway.call("GET", "/v1/sessions")[1]["sessions"], "all closed")
        self.assertEqual(self.gateway.terminate(), ENDED)
        self.assertNotIn("Traceback", self.gateway.log())

    def test_a_configuration_with_mistakes_changes_nothing_and_says_all_of_them(self) -> None:
        serial, _, _ = self.served()
        text = self.gateway.config.read_text()
        self.write(("[limits]", "[limits]\nsessions = 0"), ("[log]", "[nonsense]\n[log]"))
        Path(self.certificate).write_text("no certificate")

        said = self.reload("configuration not reloaded")

        for mistake in ("[limits] sessions: 0 is not allowed", "[nonsense]", "[listen] ssl:"):
            self.assertIn(mistake, said)
        self.assertNotIn("Traceback", said)
        self.assertEqual(self.served()[0], serial)
        self.assertEqual(self.metric("vncproxy_configuration_in_force"), "0.0")
        self.open()

        self.gateway.config.write_text(text)
        self.authority.issue("localhost")
        self.reload()
        self.assertEqual(self.metric("vncproxy_configuration_in_force"), "1.0")

    def test_what_only_a_start_can_change_is_named_and_nothing_is_changed(self) -> None:
        port = f"tcp:{self.gateway.xvp_port}:"
        self.write((port, f"tcp:{free_port()}:"), ("sessions_per_vm = 100", "sessions_per_vm = 1"))

        said = self.reload("configuration not reloaded")

        self.assertIn("[listen] xvp is only read at the start: restart the proxy", said)
        self.open()
        self.open()

    def test_a_certificate_that_is_the_same_keeps_its_tickets(self) -> None:
        _, session, _ = self.served()

        self.assertIn("nothing has changed", self.reload())

        self.assertTrue(self.served(session)[2])
        self.authority.issue("localhost")
        self.reload()
        self.assertFalse(self.served(session)[2])

    def test_a_key_that_does_not_fit_its_certificate_is_refused(self) -> None:
        serial, _, _ = self.served()
        key = Path(self.key).read_bytes()
        self.authority.issue("localhost")
        Path(self.key).write_bytes(key)

        said = self.reload("configuration not reloaded")

        self.assertIn("[listen] ssl:", said)
        self.assertEqual(self.served()[0], serial)

    def test_many_signals_at_once_and_one_while_it_stops(self) -> None:
        for _ in range(50):
            os.kill(self.gateway.pid, signal.SIGHUP)
        until(lambda: "configuration reloaded" in self.gateway.log(), "reload")
        self.open()

        with ThreadPoolExecutor() as elsewhere:
            ended = elsewhere.submit(self.gateway.terminate)
            until(lambda: "Received SIGTERM" in self.gateway.log(), "SIGTERM")
            os.kill(self.gateway.pid, signal.SIGHUP)

        self.assertEqual(ended.result(), ENDED)
        self.assertIn("configuration not reloaded: the proxy is stopping", self.gateway.log())
        self.assertLess(self.gateway.log().count("configuration reloaded"), 50)
        self.assertNotIn("Traceback", self.gateway.log())
