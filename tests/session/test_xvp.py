"""Viewers that speak xvp: the proxy answers, within the session's policy."""

from __future__ import annotations

import struct
from dataclasses import replace

from tests.doubles.sessions import GREETING, SessionTestCase
from tests.doubles.viewer_messages import REQUEST_UPDATE
from vncproxy.model import ConsoleEndpoint, Mode, Policy, PowerAction, Transport
from vncproxy.rfb import encodings
from vncproxy.testing import PoweredConsoles

START, SHUTDOWN, REBOOT, RESET, OFF = PowerAction
XVP = -309
BELL = b"\2"
INIT, FAIL = b"\xfa\0\1\1", b"\xfa\0\1\0"


def request(code: int) -> bytes:
    return bytes((250, 0, 1, code))


def announce(*kinds: int) -> bytes:
    return struct.pack(f">BxH{len(kinds)}i", 2, len(kinds), *kinds)


class XvpTests(SessionTestCase):
    def setUp(self) -> None:
        super().setUp()
        endpoint = ConsoleEndpoint(Transport.TCP, "192.0.2.10", 5900)
        self.host = PoweredConsoles({"web-01": endpoint}, "kvm")
        self.sessions.services = replace(self.sessions.services, backends={"kvm": self.host})

    def watch(self, policy: Policy, **more: bool) -> None:
        """Open a session of a viewer that announces xvp."""
        self.begin(self.user_request(self.issue(policy=policy), **more))
        self.hypervisor = self.console()
        self.user.peer.send(GREETING)
        self.user.peer.receive()
        self.user.peer.send(announce(encodings.RAW, XVP))

    def test_the_viewer_is_told_between_two_messages_and_the_server_nothing(self) -> None:
        self.watch(Policy(power=(RESET,)))
        self.assertEqual(self.hypervisor.receive(), announce(encodings.RAW))
        cut_text = b"\3\0\0\0" + struct.pack(">I", 4)
        self.hypervisor.send(cut_text + b"te")
        self.assertEqual(self.user.peer.receive(), cut_text + b"te")
        self.hypervisor.send(b"xt" + BELL)
        self.assertEqual(self.user.peer.receive(), b"xt" + INIT + BELL)

    def test_what_the_policy_names_is_done_and_reaches_no_server(self) -> None:
        self.watch(Policy(power=(RESET, REBOOT)))
        self.hypervisor.receive()
        self.user.peer.send(request(4) + request(3) + REQUEST_UPDATE)
        self.assertEqual(self.hypervisor.receive(), REQUEST_UPDATE)
        self.assertEqual(self.host.done, [("web-01", RESET), ("web-01", REBOOT)])
        self.assertEqual(
            [each[1:3] for each in self.powered], [("reset", "done"), ("reboot", "asked")]
        )

    def test_what_it_does_not_name_fails(self) -> None:
        self.watch(Policy(power=(RESET,)))
        self.hypervisor.receive()
        self.user.peer.send(request(2))
        self.hypervisor.send(BELL)
        self.assertEqual(self.user.peer.receive(), BELL + INIT + FAIL)
        self.assertEqual((self.hypervisor.receive(), self.host.done), (b"", []))

    def test_a_view_only_viewer_has_what_its_policy_names(self) -> None:
        self.watch(Policy(mode=Mode.VIEW_ONLY, power=(RESET,)))
        self.user.peer.send(request(4))
        self.assertEqual(self.host.done, [("web-01", RESET)])

    def test_without_power_nothing_changes(self) -> None:
        self.watch(Policy())
        self.assertEqual(self.hypervisor.receive(), announce(encodings.RAW, XVP))
        self.watch(Policy(mode=Mode.VIEW_ONLY))
        self.user.peer.send(request(4))
        self.assertEqual(self.host.done, [])

    def test_our_page_has_a_menu_and_no_stage(self) -> None:
        self.watch(Policy(power=(RESET,)), can_talk=True)
        self.assertEqual(self.hypervisor.receive(), announce(encodings.RAW, XVP))
