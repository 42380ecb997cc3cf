"""``vncproxy bridge`` in its own process, between a viewer without tokens and a proxy."""

from __future__ import annotations

import socket
import subprocess
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.viewer import Refused, Viewer

from .test_demo import RED, RED_BAR, VNCPROXY, Demo

TIME_LIMIT = 60
NOT_VALID = "This console link is not valid any more. Ask for a new one."


class Bridge:
    """One bridge, and the port on which it waits for a viewer."""

    def __init__(self, *arguments: str) -> None:
        self.process = subprocess.Popen(
            [str(VNCPROXY), "bridge", "--port", "0", *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def say(self, line: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(line)
        self.process.stdin.flush()

    def view(self) -> Viewer:
        """Connect a viewer; it has the console's greeting."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        address, _, port = line.removeprefix("viewer: ").strip().partition(":")
        viewer = Viewer(socket.create_connection((address, int(port)), TIME_LIMIT))
        viewer.greet()
        return viewer

    def end(self) -> tuple[int, str]:
        """Wait for its end; returns exit status and standard error."""
        _, errors = self.process.communicate(timeout=TIME_LIMIT)
        return self.process.returncode, errors

    def clean_up(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.communicate()


class BridgeCase(SynchronousTestCase):
    def bridge(self, *arguments: str) -> Bridge:
        bridge = Bridge(*arguments)
        self.addCleanup(bridge.clean_up)
        return bridge

    def refusal(self, bridge: Bridge) -> str:
        with self.assertRaises(Refused) as caught:
            bridge.view()
        return str(caught.exception)


class PlainTests(BridgeCase):
    def setUp(self) -> None:
        self.demo = Demo("--port", "0")
        self.addCleanup(self.demo.clean_up)
        self.url = self.demo.link().group()

    def test_a_viewer_sees_the_console_and_its_leaving_ends_the_bridge(self) -> None:
        bridge = self.bridge(self.url)

        viewer = bridge.view()

        self.assertEqual(viewer.pixel(*RED_BAR), RED)
        viewer.close()
        self.assertEqual(bridge.end(), (0, ""))

    def test_the_url_may_come_by_standard_input(self) -> None:
        bridge = self.bridge()

        bridge.say(f"{self.url}\n")

        self.assertEqual(bridge.view().pixel(*RED_BAR), RED)

    def test_a_refusal_is_told_to_the_viewer_and_at_the_end(self) -> None:
        bridge = self.bridge(self.url[:-1] + ("x" if self.url[-1] != "x" else "y"))

        self.assertIn(NOT_VALID, self.refusal(bridge))
        status, errors = bridge.end()
        self.assertEqual(status, 1)
        self.assertIn(NOT_VALID, errors)

    def test_a_proxy_that_is_not_there_is_told(self) -> None:
        bridge = self.bridge("http://127.0.0.1:1/?token=abcdefgh")

        self.assertIn("refused", self.refusal(bridge))
        self.assertEqual(bridge.end()[0], 3)

    def test_a_port_in_use_is_told_in_a_sentence(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])

            status, errors = self.bridge("--port", port, self.url).end()

        self.assertEqual(status, 2)
        self.assertEqual(
            errors, f"Error: cannot listen on port {port} of 127.0.0.1: Address already in use\n"
        )


class TLSTests(BridgeCase):
    def setUp(self) -> None:
        folder = Path(self.mktemp()).resolve()
        folder.mkdir()
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("localhost")
        tls = f"ssl:{{port}}:interface=127.0.0.1:privateKey={key}:certKey={certificate}"
        self.gateway = Gateway(web=tls, scheme="https").start()
        self.addCleanup(self.gateway.stop)
        self.url = f"https://localhost:{self.gateway.web_port}/?token=abcdefgh"

    def test_a_proxy_that_is_verified_is_asked(self) -> None:
        bridge = self.bridge("--ca-file", self.authority.ca_file, self.url)

        self.assertIn(NOT_VALID, self.refusal(bridge))

    def test_a_proxy_that_is_not_verified_gets_no_token(self) -> None:
        bridge = self.bridge(self.url)

        self.assertIn("certificate", self.refusal(bridge))
        self.assertEqual(bridge.end()[0], 1)
        self.assertEqual(self.gateway.audit("refuse"), [])
