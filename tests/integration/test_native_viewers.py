"""Native viewers by themselves: TigerVNC, gvncviewer and others at ``twistd vncproxy``."""

from __future__ import annotations

import atexit
import shutil
import socket
import ssl
import sys
import tempfile
from functools import cache
from pathlib import Path

from OpenSSL import SSL
from twisted.trial.unittest import SynchronousTestCase

from tests.components.balancers import Certificate, HAProxy
from tests.components.certificates import Authority
from tests.components.gateway import Gateway
from tests.components.native_client import log_in, negotiate, start_tls
from tests.components.ports import free_port
from tests.components.viewer import Refused
from tests.components.vnc_servers import QemuMachine, typing_sector
from tests.components.x_viewers import Display, ViewerProgram, gvncviewer, tigervnc, until

REFUSED = "This console link is not valid any more. Ask for a new one."
WITHOUT_TLS = "This viewer did not use TLS. Use TigerVNC, or `vncproxy bridge`."
PROXY = b"PROXY TCP4 127.9.9.9 127.0.0.1 54321 5900\r\n"


class World:
    """A guest that prints what is typed, a proxy before it, and a display for viewers."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="viewers-"))
        atexit.register(shutil.rmtree, self.folder, ignore_errors=True)
        self.authority = Authority(self.folder)
        self.ca_file = self.authority.ca_file
        self.certificate, self.key = self.authority.issue("localhost")
        self.qemu = QemuMachine(self.folder, "qemu", sector=typing_sector()).start()
        atexit.register(self.qemu.stop)
        self.display = Display(self.folder / "home")
        atexit.register(self.display.stop)
        self.port, self.balanced = free_port(), free_port()
        config = "[backends.here]\ntype = 'static'\n[backends.here.consoles]\n"
        self.gateway = Gateway(
            config + f"qemu = {{ address = '127.0.0.1:{self.qemu.port}' }}",
            tables={
                "public": f'rfb_address = "localhost:{self.port}"',
                "listen": f"""
rfb = ["tcp:{self.port}:interface=127.0.0.1", "haproxy:tcp:{self.balanced}:interface=127.0.0.1"]
rfb_certificate = "{self.certificate}"
rfb_key = "{self.key}"
""",
            },
        ).start()
        atexit.register(self.gateway.stop)

    def token(self) -> str:
        return str(self.gateway.issue("here/qemu", type="xvpvnc")["token"])


@cache
def world() -> World:
    return World()


class ViewerCase(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.world = world()
        self.gateway = self.world.gateway

    def run_viewer(self, viewer: ViewerProgram) -> ViewerProgram:
        self.addCleanup(viewer.stop)
        return viewer

    def tigervnc(self, token: str, *more: str, trusting: bool = True) -> ViewerProgram:
        ca_file = self.world.ca_file if trusting else ""
        return self.run_viewer(tigervnc(self.world.display, self.world.port, token, ca_file, *more))

    def assert_typed(self, title: str, text: str) -> None:
        """Type into a viewer's window, and make sure that the guest gets it."""
        self.world.display.focus(title)
        self.world.display.type(text)
        until(lambda: text in self.world.qemu.typed(), f"{text!r} at the guest")


class ProgramTests(ViewerCase):
    def test_tigervnc_shows_the_console_and_types(self) -> None:
        token = self.world.token()
        viewer = self.tigervnc(token)

        self.assert_typed("QEMU .* TigerVNC", "tiger")

        opened = self.gateway.audit_of("open", token=token)
        self.assertEqual((opened["type"], opened["client"]), ("xvpvnc", "127.0.0.1"))
        self.assertNotIn(token, self.gateway.log())
        self.gateway.call("DELETE", f"/v1/sessions/{opened['session']}")
        closed = self.gateway.audit_of("close", token=token)
        self.assertEqual(closed["reason"], "ended-by-administrator")
        viewer.until_said("End of stream")

    def test_a_refusal_can_be_read_in_tigervnc(self) -> None:
        token = self.world.token()
        log_in(start_tls(negotiate(self.world.port), self.world.ca_file), token).close()
        for password in (token, "x" * 43):
            viewer = self.tigervnc(password)

            said = viewer.until_said(REFUSED)

            refused = self.gateway.audit_of("refuse", token=password)
            self.assertIn(f"{REFUSED} (id {refused['session']})", said)
            until(lambda: "TigerVNC Viewer" in " ".join(self.world.display.windows()), "its window")
            viewer.stop()

    def test_tigervnc_asks_its_user_about_a_certificate_that_it_does_not_know(self) -> None:
        token = self.world.token()
        viewer = self.tigervnc(token, trusting=False)

        until(lambda: "Unknown certificate issuer" in self.world.display.windows(), "its question")
        viewer.stop()

        self.gateway.until_logged("refused: closed")
        self.assertEqual(self.gateway.call("GET", "/v1/sessions")[1]["sessions"], [])
        log_in(start_tls(negotiate(self.world.port), self.world.ca_file), token).close()

    def test_viewers_without_tls_show_what_to_use(self) -> None:
        display, port = self.world.display, self.world.port
        vncdo = str(Path(sys.executable).with_name("vncdo"))
        self.tigervnc("", "-SecurityTypes=None").until_said(WITHOUT_TLS)
        for command in (
            ("xtightvncviewer", f"localhost::{port}"),
            (vncdo, "-s", f"127.0.0.1::{port}", "key", "a"),
        ):
            self.run_viewer(ViewerProgram(display, *command)).until_said(WITHOUT_TLS)

    def test_gvncviewer_asks_for_the_token_and_types(self) -> None:
        display, token = self.world.display, self.world.token()
        self.run_viewer(gvncviewer(display, self.world.port, self.world.ca_file))
        display.focus("Authentication required")
        display.type("bob")
        display.press("Tab")
        display.type(token)
        display.press("Return")

        self.gateway.audit_of("open", token=token)
        self.assert_typed("GVncViewer", "gnome")


class WireTests(ViewerCase):
    def connect(self, port: int, before: bytes = b"") -> ssl.SSLSocket:
        return start_tls(negotiate(port, before), self.world.ca_file)

    def test_the_answer_of_the_api_says_where_to_connect(self) -> None:
        issued = self.gateway.issue("here/qemu", type="xvpvnc")
        self.assertEqual(issued["rfb_address"], f"localhost:{self.world.port}")
        self.assertNotIn("rfb_address", self.gateway.issue("here/qemu"))

    def test_behind_a_balancer_the_header_names_the_user(self) -> None:
        token = self.world.token()
        viewer = log_in(self.connect(self.world.balanced, PROXY), token)
        self.addCleanup(viewer.close)
        viewer.pixel()
        viewer.key(ord("b"))
        until(lambda: "b" in self.world.qemu.typed(), "a key at the guest")

        self.assertEqual(self.gateway.audit_of("open", token=token)["client"], "127.9.9.9")
        with self.assertRaises((AssertionError, ConnectionError, EOFError)):
            self.connect(self.world.balanced)

    def test_through_haproxy_as_it_is_shipped(self) -> None:
        folder, target = self.world.folder / "haproxy", f"127.0.0.1:{self.world.balanced}"
        folder.mkdir()
        haproxy = HAProxy(folder, Certificate(folder), PROXY1_RFB=target, PROXY2_RFB=target)
        haproxy.start([self.gateway, self.gateway])
        token = self.world.token()

        viewer = log_in(self.connect(haproxy.native), token)
        self.addCleanup(viewer.close)
        viewer.pixel()
        viewer.key(ord("h"))
        until(lambda: "h" in self.world.qemu.typed(), "a key at the guest")

        self.assertEqual(self.gateway.audit_of("open", token=token)["client"], "127.0.0.1")

    def test_a_new_certificate_is_for_those_who_come_then(self) -> None:
        viewer = log_in(self.connect(self.world.port), self.world.token())
        self.addCleanup(viewer.close)
        before = self.connect(self.world.port).getpeercert()
        self.assertEqual(self.connect(self.world.port).getpeercert(), before)
        self.world.authority.issue("localhost")

        self.gateway.signal_reload()
        self.gateway.until_logged("configuration reloaded")

        self.assertNotEqual(self.connect(self.world.port).getpeercert(), before)
        viewer.key(ord("r"))
        until(lambda: "r" in self.world.qemu.typed(), "a key at the guest")

    def test_tls_cannot_be_negotiated_again(self) -> None:
        context = SSL.Context(SSL.TLS_CLIENT_METHOD)
        connection = SSL.Connection(context, negotiate(self.world.port))
        connection.set_connect_state()
        connection.setblocking(True)
        connection.do_handshake()
        self.addCleanup(connection.close)

        connection.renegotiate()
        with self.assertRaises(SSL.Error):
            connection.do_handshake()
            connection.recv(1)

    def test_half_open_connections_keep_none_out(self) -> None:
        waiting = [socket.create_connection(("127.0.0.1", self.world.port)) for _ in range(300)]
        for each in waiting:
            self.addCleanup(each.close)

        viewer = log_in(self.connect(self.world.port), self.world.token())
        self.addCleanup(viewer.close)

        with self.assertRaises(Refused):
            log_in(self.connect(self.world.port), "x" * 43)
