"""From what a console listens on to how it is reached, for this machine and for another."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.hypervisors_here import all_ports_listen
from vncproxy.backends.libvirt import console as libvirt_route
from vncproxy.backends.libvirt.console import Reach, may_connect, parse_uri, route
from vncproxy.backends.libvirt.domain_xml import VNCGraphics
from vncproxy.errors import BackendError, ConsoleUnavailable
from vncproxy.model import RFBSecurity, TLSTrust, Transport

LOCAL = parse_uri("qemu:///system")
REMOTE = parse_uri("qemu+tls://hv1.example.com/system")
MAPPED = replace(REMOTE, address="10.0.0.5")

NOWHERE = VNCGraphics(index=0)
SOCKET = VNCGraphics(index=0, socket="/run/web.sock")


def tcp(address: str, password: str | None = None) -> VNCGraphics:
    return VNCGraphics(index=0, port=5901, address=address, password=password)


def host(vnc: VNCGraphics, reach: Reach) -> str:
    return route(vnc, reach).host


class URITests(SynchronousTestCase):
    def test_a_uri_without_a_host_is_this_machine_and_passes_sockets(self) -> None:
        for uri in ("qemu:///system", "qemu:///session?socket=/x", "qemu+unix:///system"):
            with self.subTest(uri):
                self.assertEqual(parse_uri(uri), Reach("", local=True, passes_sockets=True))

    def test_another_machine_is_remote_however_it_is_reached(self) -> None:
        for scheme in ("qemu", "qemu+ssh", "qemu+tcp", "qemu+tls", "qemu+libssh2"):
            with self.subTest(scheme):
                found = parse_uri(f"{scheme}://root@hv1.example.com:22/system")
                self.assertEqual(found, Reach("hv1.example.com", False, False))

    def test_this_machine_over_a_network_transport_passes_no_sockets(self) -> None:
        for name in ("localhost", "127.0.0.1", "[::1]"):
            with self.subTest(name):
                found = parse_uri(f"qemu+tcp://{name}/system")
                self.assertEqual((found.local, found.passes_sockets), (True, False))

    def test_a_tunnel_to_another_machine_is_not_this_one(self) -> None:
        for uri in ("qemu+tls://localhost:16515/system", "qemu+ssh://127.0.0.1:2222/system"):
            away = parse_uri(uri)
            self.assertFalse(away.local)
            for address in ("0.0.0.0", "127.0.0.1"):
                with self.assertRaises(BackendError):
                    route(tcp(address), away)
        self.assertTrue(parse_uri("qemu+tls://localhost:16514/system").local)

    def test_where_a_command_leads_is_not_known(self) -> None:
        self.assertFalse(parse_uri("qemu+ext:///system?command=/x").local)

    def test_other_drivers_are_told_what_they_can_do(self) -> None:
        for uri, words in {
            "esx://esx1/": 'type = "vmware"',
            "vpx://vc/DC/esx1": 'type = "vmware"',
            "xenapi://root@xen1": 'type = "xen"',
            "xen:///system": "XenServer and XCP-ng have a backend of type xen",
            "xen+ssh://root@dom0/system": "type static",
            "lxc:///": "qemu:///system",
            "/var/run/libvirt": "qemu:///system",
            "qemu+pigeon://h/system": "qemu+ssh://",
            "": "qemu:///system",
            "qemu://[::1/system": "Invalid IPv6",
            "qemu+tcp://fred:horse@h/system": "must hold no password",
        }.items():
            with self.subTest(uri), self.assertRaises(ValueError) as caught:
                parse_uri(uri)
            self.assertIn(words, str(caught.exception))


class LocalTests(SynchronousTestCase):
    def setUp(self) -> None:
        all_ports_listen(self)

    def test_loopback_is_dialled_as_it_is(self) -> None:
        self.assertEqual(str(route(tcp("127.0.0.1"), LOCAL)), "tcp:127.0.0.1:5901")
        self.assertEqual(host(tcp("::1"), LOCAL), "::1")

    def test_a_wildcard_is_dialled_on_loopback(self) -> None:
        self.assertEqual(host(tcp("0.0.0.0"), LOCAL), "127.0.0.1")
        self.assertEqual(host(tcp("::"), LOCAL), "::1")

    def test_an_address_that_is_not_told_is_dialled_on_loopback(self) -> None:
        self.assertEqual(host(tcp(""), LOCAL), "127.0.0.1")

    def test_another_address_is_dialled_as_it_is(self) -> None:
        self.assertEqual(host(tcp("192.168.122.1"), LOCAL), "192.168.122.1")

    def test_the_password_goes_into_the_rfb_handshake(self) -> None:
        self.assertEqual(
            route(tcp("127.0.0.1", "s3cret"), LOCAL).handshakes, (RFBSecurity("s3cret"),)
        )

    def test_a_unix_socket_that_may_be_opened_is_dialled(self) -> None:
        found = route(replace(SOCKET, password="s3cret"), LOCAL, lambda _path: True)
        self.assertEqual((found.transport, found.path), (Transport.UNIX, "/run/web.sock"))
        self.assertEqual(found.handshakes, (RFBSecurity("s3cret"),))

    def test_a_unix_socket_that_may_not_be_opened_is_passed_by_libvirt(self) -> None:
        found = route(replace(SOCKET, password="s3cret"), LOCAL, lambda _path: False)
        self.assertEqual(found.transport, Transport.FD)
        self.assertEqual(found.handshakes, (RFBSecurity(None),))

    def test_a_console_that_listens_nowhere_is_passed_by_libvirt(self) -> None:
        self.assertEqual(route(NOWHERE, LOCAL).transport, Transport.FD)

    def test_always_passes_what_could_be_dialled(self) -> None:
        always = replace(LOCAL, open_graphics="always")
        self.assertEqual(route(tcp("127.0.0.1"), always).transport, Transport.FD)

    def test_never_says_what_would_help(self) -> None:
        never = replace(LOCAL, open_graphics="never")
        with self.assertRaises(BackendError) as caught:
            route(SOCKET, never, lambda _path: False)
        self.assertIn("/run/web.sock, which this process may not open", str(caught.exception))
        self.assertIn('open_graphics = "auto"', str(caught.exception))

    def test_without_libvirts_own_socket_nothing_is_passed(self) -> None:
        with self.assertRaises(BackendError) as caught:
            route(NOWHERE, parse_uri("qemu+tcp://localhost/system"))
        self.assertIn("qemu:///system", str(caught.exception))

    def test_a_socket_that_does_not_exist_may_not_be_opened(self) -> None:
        self.assertFalse(may_connect(self.mktemp()))


class ContainerTests(SynchronousTestCase):
    """libvirt's own socket is mounted, and its loopback is that of another network."""

    def setUp(self) -> None:
        self.patch(libvirt_route, "listens_here", lambda port: port == 5999)

    def test_a_console_on_its_loopback_or_wildcard_is_passed_by_libvirt(self) -> None:
        for address in ("127.0.0.1", "::1", "0.0.0.0", "::", ""):
            with self.subTest(address):
                self.assertEqual(route(tcp(address), LOCAL).transport, Transport.FD)

    def test_what_listens_here_is_dialled(self) -> None:
        here = replace(tcp("127.0.0.1"), port=5999)
        self.assertEqual(str(route(here, LOCAL)), "tcp:127.0.0.1:5999")

    def test_an_address_of_its_own_is_dialled(self) -> None:
        self.assertEqual(host(tcp("192.168.122.1"), LOCAL), "192.168.122.1")

    def test_an_address_that_is_configured_is_dialled(self) -> None:
        for address in ("10.0.0.5", "127.0.0.1"):
            self.assertEqual(host(tcp("0.0.0.0"), replace(LOCAL, address=address)), address)

    def test_loopback_is_allowed_where_the_machine_is_here_or_an_operator_wrote_it(self) -> None:
        away = parse_uri("qemu+tls://hv1.example.com/system")
        self.assertFalse(route(tcp("hv9"), away).allow_loopback)
        self.assertTrue(route(tcp("0.0.0.0"), away).allow_loopback)
        self.assertTrue(route(tcp("0.0.0.0"), replace(away, address="aio")).allow_loopback)
        self.assertTrue(route(tcp("127.0.0.1"), LOCAL).allow_loopback)

    def test_never_dials(self) -> None:
        never = replace(LOCAL, open_graphics="never")
        self.assertEqual(host(tcp("127.0.0.1"), never), "127.0.0.1")

    def test_a_libvirt_that_passes_nothing_is_dialled(self) -> None:
        over_tcp = parse_uri("qemu+tcp://localhost/system")
        self.assertEqual(host(tcp("127.0.0.1"), over_tcp), "127.0.0.1")


class LoginTests(SynchronousTestCase):
    def security(self, vnc: VNCGraphics, **reach: Any) -> RFBSecurity:
        (spec,) = route(vnc, replace(REMOTE, **reach)).handshakes
        assert isinstance(spec, RFBSecurity)
        return spec

    def test_a_password_of_the_configuration_is_for_consoles_without_one(self) -> None:
        self.assertEqual(self.security(tcp("10.0.0.5"), password="pw"), RFBSecurity("pw"))
        own = tcp("10.0.0.5", "s3cret")
        self.assertEqual(self.security(own, password="pw"), RFBSecurity("s3cret"))

    def test_a_user_counts_under_tls_only(self) -> None:
        vnc, user = tcp("10.0.0.5", "s3cret"), {"username": "fred", "password": "pw"}
        self.assertEqual(self.security(vnc, **user), RFBSecurity("s3cret"))
        trust = TLSTrust(name="hv1")
        self.assertEqual(self.security(vnc, tls=trust, **user), RFBSecurity("pw", "fred", trust))

    def test_a_password_that_is_over_is_tried_and_the_log_is_told_what_to_think(self) -> None:
        over = replace(tcp("10.0.0.5", "s3cret"), valid_to=datetime(2020, 1, 1, tzinfo=UTC))
        self.assertEqual(
            self.security(over),
            RFBSecurity("s3cret", hint="its passwdValidTo, 2020-01-01T00:00:00 UTC, is over"),
        )
        later = replace(over, valid_to=datetime(2999, 1, 1, tzinfo=UTC))
        self.assertEqual(self.security(later), RFBSecurity("s3cret"))


class RemoteTests(SynchronousTestCase):
    def test_wildcard_and_loopback_are_dialled_at_the_configured_address(self) -> None:
        for address in ("0.0.0.0", "::", "127.0.0.1", "::1", "", "127.0.1.1", "::ffff:127.0.0.1"):
            with self.subTest(address):
                self.assertEqual(host(tcp(address), MAPPED), "10.0.0.5")

    def test_a_wildcard_is_dialled_at_the_host_of_the_uri(self) -> None:
        for address in ("0.0.0.0", "::", ""):
            with self.subTest(address):
                self.assertEqual(host(tcp(address), REMOTE), "hv1.example.com")

    def test_loopback_is_never_dialled(self) -> None:
        loopback = ("127.0.0.1", "::1", "localhost", "127.9.9.9", "::ffff:127.0.0.1", "127.1")
        for address in (*loopback, "fe80::1", "169.254.1.1"):
            with self.subTest(address), self.assertRaises(BackendError) as caught:
                route(tcp(address), REMOTE)
            self.assertIn(
                f"listens on {address}, port 5901, of another machine", str(caught.exception)
            )
            self.assertIn("vnc_listen", str(caught.exception))

    def test_a_wildcard_without_any_host_is_never_dialled(self) -> None:
        with self.assertRaises(BackendError):
            route(tcp("0.0.0.0"), parse_uri("qemu+ext:///system?command=/x"))

    def test_another_address_is_dialled_as_it_is(self) -> None:
        self.assertEqual(host(tcp("10.0.0.7"), MAPPED), "10.0.0.7")

    def test_a_unix_socket_of_another_machine_is_never_opened_here(self) -> None:
        with self.assertRaises(BackendError) as caught:
            route(SOCKET, MAPPED, lambda _path: True)
        self.assertIn("/run/web.sock, which cannot be reached", str(caught.exception))

    def test_a_console_that_listens_nowhere_is_out_of_reach(self) -> None:
        with self.assertRaises(BackendError) as caught:
            route(NOWHERE, MAPPED)
        self.assertIn("listen type none", str(caught.exception))
        self.assertIn("cannot be reached from here", caught.exception.sentence())


class UnavailableTests(SynchronousTestCase):
    def test_an_empty_password_is_a_locked_console_even_where_libvirt_could_pass_it(self) -> None:
        for vnc in (tcp("127.0.0.1", ""), replace(NOWHERE, password="")):
            with self.assertRaises(ConsoleUnavailable) as caught:
                route(vnc, replace(LOCAL, open_graphics="always"))
            self.assertIn("locked", caught.exception.sentence())

    def test_a_port_that_was_not_chosen_is_not_dialled(self) -> None:
        with self.assertRaises(ConsoleUnavailable) as caught:
            route(VNCGraphics(index=0, port=-1, address="127.0.0.1"), LOCAL)
        self.assertIn("port -1", str(caught.exception))
