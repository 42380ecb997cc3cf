"""Paris, from where a guest in madrid is looked at, for tests of consoles across a border."""

from __future__ import annotations

import atexit
import re
import socket
import ssl
import time
from collections.abc import Callable
from functools import cache
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.frames import masked
from vncproxy.zones.keys import PrivateKey

from .faketime import SetClock
from .gateway import Gateway
from .viewer import Refused, Viewer
from .zones import Zones

WITHIN = 2.0
"""Seconds for an end to cross a border."""

PATIENCE = 30.0


def accept(*keys: PrivateKey | str, backends: str = '"kvm"', more: str = "") -> str:
    """Return what a zone writes to let another one ask."""
    listed = ", ".join(k if isinstance(k, str) else f'"{k.public}"' for k in keys)
    return f"accept = {{ keys = [{listed}], backends = [{backends}]{more} }}\n"


def of_madrid(*keys: PrivateKey | str, more: str = "") -> str:
    """Return what madrid lets paris do."""
    return accept(*keys, backends='"kvm", "paris", "tokyo"', more=more)


def eventually(found: Callable[[], Any]) -> Any:
    """Return what is found as soon as there is something."""
    give_up = time.monotonic() + PATIENCE
    while not (value := found()):
        if time.monotonic() > give_up:
            raise AssertionError("nothing was found")
        time.sleep(0.02)
    return value


class Shared:
    """Paris, which asks; madrid, which has a guest and whose clock can be set; tokyo behind it."""

    def __init__(self) -> None:
        self.zones = Zones("paris", "madrid", "tokyo")
        self.paris, self.madrid, self.tokyo = self.zones.all
        self.key = key = PrivateKey.new()
        self.clock = SetClock(self.zones.folder)
        self.paris.configure(self.madrid.table(key))
        far = self.madrid.configure(
            self.paris.table(key, more=of_madrid(key)) + self.tokyo.table(key)
        )
        self.tokyo.configure(f"[zones.madrid]\n{accept(key)}")
        far.environment = self.clock.environment()
        self.madrid.start_guest()
        for zone in (self.paris, self.madrid):
            zone.gateway.start()


@cache
def shared_zones() -> Shared:
    """Return the zones that this test run shares."""
    made = Shared()
    atexit.register(made.zones.stop)
    return made


def view(near: Gateway, vm: str = "madrid/kvm/web-01", **more: Any) -> Viewer:
    """Open a console through the proxy of a zone."""
    token = near.issue(vm, type="xvpvnc", **more)["token"]
    return Viewer.connect(near.xvp_port, token, host=near.host)


def is_quiet(gateway: Gateway) -> bool:
    """Return whether the audit has the end of every session that it has the beginning of."""
    events = [line["event"] for line in gateway.audit()]
    return events.count("open") == events.count("close")


class PairCase(SynchronousTestCase):
    """A case with both gateways, and what they have written since it began."""

    def setUp(self) -> None:
        shared = shared_zones()
        self.zones, self.key = shared.zones, shared.key
        self.paris, self.madrid = shared.paris, shared.madrid
        self.near, self.far = self.paris.gateway, self.madrid.gateway
        gateways = self.near, self.far
        eventually(lambda: all(is_quiet(gateway) for gateway in gateways))
        self.begun = {gateway: len(gateway.audit()) for gateway in gateways}

    def view(self, vm: str = "madrid/kvm/web-01", **more: Any) -> Viewer:
        viewer = view(self.near, vm, **more)
        self.addCleanup(viewer.close)
        return viewer

    def audit(self, gateway: Gateway, event: str) -> list[dict[str, Any]]:
        """Return the lines of this test."""
        return [line for line in gateway.audit()[self.begun[gateway] :] if line["event"] == event]

    def opened(self, gateway: Gateway, count: int) -> dict[str, Any]:
        """Return the line about the last of so many sessions that have opened."""
        lines: list[dict[str, Any]] = eventually(lambda: self.audit(gateway, "open")[count - 1 :])
        return lines[0]

    def assertEnded(self, reason: str, count: int = 1) -> None:
        """Wait until both sides say that their sessions have ended, and why."""
        self.assertEqual([self.ended(self.near, count), self.ended(self.far, count)], [reason] * 2)

    def ended(self, gateway: Gateway, count: int) -> str:
        """Return why the last of so many sessions has ended."""
        lines = eventually(lambda: self.audit(gateway, "close")[count - 1 :])
        reason: str = lines[0]["reason"]
        return reason

    def refusal(self, vm: str = "madrid/kvm/web-01") -> tuple[str, str]:
        """Try to open a console; returns what the user reads, and the code of the audit line."""
        before = len(self.audit(self.near, "refuse"))
        with self.assertRaises(Refused) as caught:
            self.view(vm)
        line = eventually(lambda: self.audit(self.near, "refuse")[before:])[0]
        self.assertEqual(line["session"], caught.exception.id)
        return str(caught.exception), line["reason"]

    def reload(self, gateway: Gateway, before: str, after: str) -> None:
        """Change a configuration until the end of the test."""
        text = gateway.config.read_text()
        self.assertIn(before, text)
        self.addCleanup(self.apply, gateway, text)
        self.apply(gateway, text.replace(before, after))

    def apply(self, gateway: Gateway, text: str) -> None:
        reloads = gateway.log().count("configuration reloaded")
        gateway.config.write_text(text)
        gateway.signal_reload()
        eventually(lambda: gateway.log().count("configuration reloaded") > reloads)

    def browse(self, token: str, cookie: str, *, stay: bool = False) -> str:
        """Open a console as a browser does, up to ServerInit, and leave; returns its cookie.

        Args:
            stay: until the proxy closes it.
        """
        context = ssl.create_default_context(cafile=self.zones.authority.ca_file)
        plain = socket.create_connection((self.near.host, self.near.web_port), PATIENCE)
        with context.wrap_socket(plain, server_hostname=self.near.host) as browser:
            lines = [
                f"GET /websockify?token={token} HTTP/1.1",
                *(f"Host: {self.near.host}", f"Origin: https://{self.near.host}"),
                *("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13"),
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
                *([f"Cookie: {cookie}"] if cookie else []),
            ]
            browser.sendall("\r\n".join([*lines, "", ""]).encode())
            browser.sendall(masked(0x82, b"RFB 003.008\n\x01\x01"))
            received = b""
            while b"web-01" not in received:  # the name, at the end of ServerInit
                piece = browser.recv(65536)
                self.assertTrue(piece, received)
                received += piece
            if stay:
                while browser.recv(65536):
                    pass
            else:
                browser.sendall(masked(0x88, (1000).to_bytes(2, "big")))
        found = re.search(rb"Set-Cookie: ([^;\r]+)", received)
        return found[1].decode() if found else ""
