"""Real processes of ``twistd vncproxy`` and ``twist vncproxy``."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.components.certificates import Authority
from tests.components.ports import free_port
from tests.components.process_case import ENDED, LIMIT, ProcessTestCase
from tests.components.viewer import Refused, Viewer, read
from tests.doubles.frames import frames, masked


class GatewayTests(ProcessTestCase):
    def test_sigterm_ends_an_open_session_with_its_reason(self) -> None:
        gateway = self.gateway(linger=50)
        viewer = self.view(gateway)
        begun = time.monotonic()

        with ThreadPoolExecutor() as elsewhere:
            ended = elsewhere.submit(gateway.terminate)
            viewer.wait_for_end()
            viewer.close()
            self.hypervisor.close()

        self.assertEqual(ended.result(), ENDED)
        self.assertLess(time.monotonic() - begun, 40)
        (closed,) = gateway.audit("close")
        self.assertEqual(closed["reason"], "proxy-stopping")
        self.assertNotIn("Traceback", gateway.log())
        self.assertNotIn("Unhandled", gateway.log())

    def test_sides_that_do_not_close_do_not_stop_it_for_long(self) -> None:
        gateway = self.gateway(linger=2)
        self.view(gateway)
        begun = time.monotonic()

        self.assertEqual(gateway.terminate(), ENDED)

        self.assertLess(time.monotonic() - begun, 40)

    def test_a_browser_is_told_that_the_service_restarts(self) -> None:
        gateway = self.gateway()
        token = gateway.issue("lab/web-01")["token"]
        browser = socket.create_connection(("127.0.0.1", gateway.web_port), LIMIT)
        self.addCleanup(browser.close)
        browser.sendall(
            f"GET /websockify?token={token} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\n"
            "Origin: http://localhost\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n".encode()
        )
        with self.console.viewed() as hypervisor:
            browser.sendall(masked(0x82, b"RFB 003.008\n\x01\x01"))
            received = b""
            while b"test" not in received:
                received += browser.recv(65536)

            with ThreadPoolExecutor() as elsewhere:
                ended = elsewhere.submit(gateway.terminate)
                received = b""
                while not received.endswith(b"."):
                    received += browser.recv(65536)
                browser.sendall(masked(0x88, received[2:4]))
                hypervisor.close()

        ((kind, farewell),) = frames(received)
        self.assertEqual(kind, 0x88)
        self.assertEqual(int.from_bytes(farewell[:2], "big"), 4113)
        self.assertEqual(farewell[2:], b"The console service is restarting. Reconnect in a moment.")
        self.assertEqual(ended.result(), ENDED)

    def test_bytes_flow_both_ways(self) -> None:
        gateway = self.gateway()
        viewer = self.view(gateway)
        read(self.hypervisor, 20 + 12)

        viewer.key(0x61)
        self.hypervisor.sendall(b"\x02")

        self.assertEqual(read(self.hypervisor, 16)[:8], b"\x04\x01\0\0\0\0\0\x61")
        self.assertEqual(viewer.read(1), b"\x02")

    def test_tls(self) -> None:
        authority = Authority(self.folder)
        certificate, key = authority.issue("localhost")
        tls = f"ssl:{{port}}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        gateway = self.gateway(web=tls, xvp=tls, scheme="https")
        context = ssl.create_default_context(cafile=authority.ca_file)

        page = f"https://localhost:{gateway.web_port}/healthz"
        with urllib.request.urlopen(page, timeout=LIMIT, context=context) as answer:
            self.assertEqual(answer.status, 200)
        with self.assertRaises(Refused) as caught:
            Viewer.connect(gateway.xvp_port, "0123456789abcdef", tls=context)

        self.assertIn("401 This console link is not valid any more.", str(caught.exception))

    def test_tls_to_the_end_of_a_session(self) -> None:
        authority = Authority(self.folder)
        certificate, key = authority.issue("localhost")
        tls = f"ssl:{{port}}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        gateway = self.gateway(xvp=tls)
        context = ssl.create_default_context(cafile=authority.ca_file)
        token = gateway.issue("lab/web-01", type="xvpvnc")["token"]
        plain = socket.create_connection(("127.0.0.1", gateway.xvp_port), LIMIT)
        asking = context.wrap_socket(plain, server_hostname="localhost")
        asking.sendall(f"CONNECT /console?token={token} HTTP/1.0\r\n\r\n".encode())
        with self.console.viewed() as hypervisor:
            read(asking, 19)
            viewer = Viewer(asking)
            viewer.greet()
            read(hypervisor, 20 + 12)
            hypervisor.sendall(bytes(3_000_000))
            self.assertEqual(viewer.read(3_000_000), bytes(3_000_000))

        viewer.wait_for_end()

        viewer.close()
        self.assertEqual(gateway.terminate(), ENDED)
        self.assertEqual(gateway.audit("close")[0]["reason"], "console-ended")
        self.assertNotIn("Unhandled", gateway.log())

    def test_ipv6(self) -> None:
        gateway = self.gateway(web=r"tcp6:{port}:interface=\:\:1")

        page = f"http://[::1]:{gateway.web_port}/healthz"
        with urllib.request.urlopen(page, timeout=LIMIT) as answer:
            self.assertEqual(answer.status, 200)
        with self.assertRaises(Refused):
            Viewer.connect(gateway.web_port, "0123456789abcdef", host="::1")

        self.assertEqual(gateway.audit_of("refuse")["client"], "::1")

    def test_a_unix_socket(self) -> None:
        path = self.folder / "web"
        gateway = self.gateway(web=f"unix:{path}")

        with socket.socket(socket.AF_UNIX) as connection:
            connection.settimeout(LIMIT)
            connection.connect(str(path))
            connection.sendall(b"CONNECT /?token=0123456789abcdef HTTP/1.0\r\n\r\n")
            self.assertEqual(read(connection, 13), b"HTTP/1.1 401 ")

        self.assertEqual(gateway.audit_of("refuse")["client"], "0.0.0.0")

    def test_connections_that_come_and_go_leave_nothing(self) -> None:
        gateway = self.gateway()
        before = len(os.listdir(f"/proc/{gateway.pid}/fd"))
        logged = len(gateway.log())

        for _ in range(200):
            with socket.create_connection(("127.0.0.1", gateway.web_port), LIMIT) as connection:
                linger = (1).to_bytes(4, "little") + bytes(4)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

        give_up = time.monotonic() + LIMIT
        while len(os.listdir(f"/proc/{gateway.pid}/fd")) > before:
            self.assertLess(time.monotonic(), give_up)
            time.sleep(0.02)
        self.assertEqual(len(gateway.log()), logged)


class CommandTests(ProcessTestCase):
    def run_for_its_end(self, *command: str) -> tuple[int, str]:
        """Run a command that should fail; returns exit status and output."""
        script, *arguments = command
        done = subprocess.run(
            [str(Path(sys.executable).with_name(script)), *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            cwd=self.folder,
            timeout=LIMIT,
            check=False,
        )
        return done.returncode, done.stdout

    def test_twist(self) -> None:
        port = free_port()
        with (self.folder / "log").open("wb") as log:
            process = subprocess.Popen(
                [
                    *(str(Path(sys.executable).with_name("twist")), "vncproxy"),
                    *("--web", f"tcp:{port}:interface=127.0.0.1"),
                    *("--xvp", "tcp:0:interface=127.0.0.1", "--api", "tcp:0:interface=127.0.0.1"),
                ],
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=self.folder,
            )
        self.addCleanup(process.kill)

        self.wait_until_healthy(port)
        process.terminate()

        process.wait(LIMIT)
        self.assertNotIn("Traceback", (self.folder / "log").read_text())

    def wait_until_healthy(self, port: int) -> None:
        give_up = time.monotonic() + LIMIT
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/healthz", timeout=LIMIT).close()
                return
            except OSError:
                if time.monotonic() > give_up:
                    raise AssertionError((self.folder / "log").read_text()) from None
                time.sleep(0.05)

    def test_a_wrong_configuration(self) -> None:
        config = self.folder / "wrong.toml"
        config.write_text("[limits]\nsessions = 0\n[nonsense]\n")
        for command in (("twistd", "-n", "vncproxy"), ("twist", "vncproxy")):
            status, said = self.run_for_its_end(*command, "--config", str(config))

            self.assertEqual(status, 2, said)
            self.assertIn("sessions", said)
            self.assertIn("nonsense", said)
            self.assertNotIn("Traceback", said)

    def test_a_port_in_use(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            web = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            for command in (("twistd", "-n", "--pidfile=", "vncproxy"), ("twist", "vncproxy")):
                status, said = self.run_for_its_end(*command, "--web", web)

                self.assertEqual(status, 1, said)
                self.assertIn("vncproxy: Couldn't listen on 127.0.0.1:", said)
                self.assertNotIn("Traceback", said)

    def test_a_port_in_use_is_told_by_twistd_that_goes_to_the_background(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            web = f"tcp:{taken.getsockname()[1]}:interface=127.0.0.1"
            pidfile, log = self.folder / "twistd.pid", self.folder / "log"
            options = (f"--pidfile={pidfile}", f"--logfile={log}")

            status, said = self.run_for_its_end("twistd", *options, "vncproxy", "--web", web)

        self.assertEqual(status, 1, said)
        self.assertIn("vncproxy: Couldn't listen on 127.0.0.1:", said)
        # the process in the background signals the first one, and ends a moment later
        give_up = time.monotonic() + LIMIT
        while pidfile.exists() or "vncproxy: Couldn't listen on" not in log.read_text():
            self.assertLess(time.monotonic(), give_up, log.read_text())
            time.sleep(0.02)

    def test_a_certificate_that_is_missing(self) -> None:
        web = "ssl:0:privateKey=/no/such.pem"
        for command in (("twistd", "-n", "--pidfile=", "vncproxy"), ("twist", "vncproxy")):
            status, said = self.run_for_its_end(*command, "--web", web)

            self.assertEqual(status, 2, said)
            self.assertIn("/no/such.pem", said)
            self.assertNotIn("Traceback", said)

    def test_a_certificate_that_cannot_be_used(self) -> None:
        authority = Authority(self.folder)
        certificate, _ = authority.issue("localhost")
        _, foreign = authority.issue("elsewhere")
        empty = self.folder / "empty.pem"
        empty.touch()
        for key in (foreign, empty):
            web = f"ssl:0:privateKey={key}:certKey={certificate}"

            status, said = self.run_for_its_end(
                "twistd", "-n", "--pidfile=", "vncproxy", "--web", web
            )

            self.assertEqual(status, 2, said)
            self.assertIn(f"[listen] ssl:0:privateKey={key}", said)
            self.assertNotIn("Traceback", said)
