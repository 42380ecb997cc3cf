"""libvirt's consoles through a real ``twistd``: the picture, and what users read instead."""

from __future__ import annotations

import atexit
from functools import cache, partial

import numpy as np
from twisted.trial.unittest import SynchronousTestCase

from tests.components.gateway import Gateway
from tests.components.libvirt_case import NOWHERE, ON_A_SOCKET
from tests.components.libvirt_host import (
    START_COLOUR,
    VNC_ON_LOOPBACK,
    Guest,
    PrivateLibvirtd,
    modes_sector,
    until,
)
from tests.components.pictures import Pixels, pixels, screendump
from tests.components.viewer import Refused, Viewer, tunnel

from .test_cli import vncproxy

PASSWORD = "gu3st-pw"
KEY_A = 30
"""A key of a Linux keyboard."""

SPICE = "<graphics type='spice' autoport='yes'/>"
OVER = VNC_ON_LOOPBACK.replace("/>", " passwdValidTo='2020-01-01T00:00:00'/>")


class World:
    """A hypervisor of the test's own, which can be killed, and a proxy."""

    def __init__(self) -> None:
        self.host = PrivateLibvirtd().start()
        atexit.register(self.host.stop)
        self.gateway = Gateway(f"""
[timeouts]
locate = 20
linger = 2
[backends.kvm]
type = "libvirt"
uri = "{self.host.uri}"
timeout = 10
[backends.hasty]
type = "libvirt"
uri = "{self.host.uri}"
timeout = 1
[backends.dialling]
type = "libvirt"
uri = "{self.host.uri}"
timeout = 10
open_graphics = "never"
[backends.passing]
type = "libvirt"
uri = "{self.host.uri}"
timeout = 10
open_graphics = "always"
""").start()
        atexit.register(self.gateway.stop)


world = cache(World)


class GatewayCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.host, self.gateway = world().host, world().gateway

    def tearDown(self) -> None:
        log = self.gateway.log()
        self.assertNotIn(PASSWORD, log)
        self.assertNotIn("Traceback", log)

    def guest(self, graphics: str = VNC_ON_LOOPBACK, password: str | None = PASSWORD) -> str:
        """Start a machine and return its name."""
        guest = Guest(self.host, "words", graphics, password).start()
        self.addCleanup(guest.destroy)
        return guest.name


class PictureTests(GatewayCase):
    def assert_shown(self, vm: str) -> None:
        viewer = Viewer.connect(self.gateway.web_port, self.gateway.issue(vm)["token"])
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)

    def test_a_console_on_a_unix_socket(self) -> None:
        self.assert_shown(f"dialling/{self.guest(ON_A_SOCKET)}")

    def test_one_that_listens_nowhere_is_passed_by_libvirt(self) -> None:
        self.assert_shown(f"kvm/{self.guest(NOWHERE, None)}")

    def test_any_other_is_passed_where_that_is_configured(self) -> None:
        self.assert_shown(f"passing/{self.guest()}")


class ScreenshotTests(GatewayCase):
    def test_the_same_pixels_as_the_hypervisors_own_in_each_mode(self) -> None:
        image = self.host.directory / "modes.img"
        image.write_bytes(modes_sector())
        image.chmod(0o644)
        guest = Guest(self.host, "modes", image=image).start()
        self.addCleanup(guest.destroy)
        sizes, own = [], np.zeros((0, 0, 3), np.uint8)
        # pictures with and without cursor are kept apart, and QEMU has none to paint
        for more in ("", "&cursor=false", "&cursor=true", "", "&cursor=false"):
            own = self.settled(guest, own)
            sizes.append(own.shape[:2])
            until(partial(self.shows, guest, more, own), f"what is {own.shape}")
            guest.domain().sendKey(0, 50, [KEY_A], 1, 0)
        self.assertEqual(sizes, [(400, 720), (480, 640), (480, 640), (768, 1024), (400, 640)])

    def shows(self, guest: Guest, more: str, expected: Pixels) -> bool:
        return np.array_equal(pixels(self.gateway, f"kvm/{guest.name}", more), expected)

    def settled(self, guest: Guest, before: Pixels) -> Pixels:
        """Return the hypervisor's own picture once it is another one, and changes no more."""
        found: list[Pixels] = []

        def is_still() -> bool:
            found.append(screendump(guest.domain()))
            same = len(found) > 2 and all(np.array_equal(each, found[-1]) for each in found[-3:])
            is_new = len(np.unique(found[-1])) > 2 and not np.array_equal(found[-1], before)
            return same and is_new

        until(is_still, "the screen")
        return found[-1]


class WordsTests(GatewayCase):
    def assert_told(self, vm: str, words: str, *details: str) -> None:
        """Check a TCP viewer's refusal, and its line of the log."""
        token = self.gateway.issue(vm, type="xvpvnc")["token"]
        with self.assertRaises(Refused) as caught:
            tunnel(self.gateway.web_port, f"/console?token={token}")
        self.assertEqual(str(caught.exception).partition(" Ask your administrator, id ")[0], words)
        told = self.gateway.audit_of("refuse", token=token)["detail"]
        for detail in details:
            self.assertIn(detail, told)

    def test_spice_alone(self) -> None:
        self.assert_told(
            f"kvm/{self.guest(SPICE)}",
            "409 The virtual machine has no graphical console.",
            "has no VNC graphics, only spice",
        )

    def test_a_console_that_is_locked(self) -> None:
        self.assert_told(
            f"kvm/{self.guest(password='')}",
            "409 The console of the virtual machine is locked: its password is empty.",
            "QEMU refuses everybody",
        )

    def test_a_password_that_is_over(self) -> None:
        self.assert_told(
            f"kvm/{self.guest(OVER)}",
            "502 The hypervisor refused the connection to the console.",
            "authentication failed",
            "its passwdValidTo, 2020-01-01T00:00:00 UTC, is over",
        )

    def test_a_console_that_listens_nowhere_where_passing_is_forbidden(self) -> None:
        name = self.guest(NOWHERE, None)
        self.assert_told(
            f"dialling/{name}",
            "502 The console of the virtual machine cannot be reached from here.",
            'open_graphics = "auto" lets libvirt pass a connection to it',
        )
        printed = vncproxy("check-config", "--config", str(self.gateway.config)).stdout
        self.assertIn(f"warn  backend dialling: {self.host.uri}: {name}: the console", printed)

    def test_a_libvirtd_that_hangs(self) -> None:
        with self.host.frozen():
            self.assert_told(
                "hasty/any",
                "502 The virtual machine could not be looked up.",
                "did not answer within 1 s",
            )

    def test_a_libvirtd_that_is_away_and_comes_back(self) -> None:
        name = self.guest()
        self.host.kill()
        self.assert_told(
            f"kvm/{name}",
            "502 The virtual machine could not be looked up.",
            "is libvirtd (or virtqemud) running there?",
        )
        self.host.start()
        Viewer.connect(self.gateway.web_port, self.gateway.issue(f"kvm/{name}")["token"]).close()
