"""Consoles of OpenNebula's machines on its own hosts: what is dialled, and what is said instead."""

from __future__ import annotations

import sys
from typing import Any
from unittest.mock import patch

from zope.interface.verify import verifyObject

from tests.components.fake_oned import VM, User
from tests.doubles.opennebula import HOME, SESSION, OpenNebulaCase
from vncproxy.backends.opennebula.backend import OpenNebulaBackend
from vncproxy.backends.opennebula.cloud import Cloud, Inquiry
from vncproxy.backends.opennebula.settings import OpenNebulaSettings
from vncproxy.errors import (
    BackendError,
    ConfigurationError,
    ConsoleUnavailable,
    NoGraphicalConsole,
    VMNotFound,
)
from vncproxy.interfaces import IConsoleBackend, IVMInventory
from vncproxy.model import RFBSecurity, TLSTrust, Transport, VMAddress, VMSummary
from vncproxy.testing import FakeCalls, backend_context

OUT_OF_REACH = "The console of the virtual machine cannot be reached from here."


def vnc(**attributes: object) -> dict[str, Any]:
    """Return the GRAPHICS of a machine that was deployed, with other attributes."""
    return {"TYPE": "VNC", "LISTEN": "0.0.0.0", "PORT": 5907, **attributes}


class ObjectTests(OpenNebulaCase):
    def test_it_is_a_backend_with_an_inventory(self) -> None:
        self.assertTrue(verifyObject(IConsoleBackend, self.backend()))
        self.assertTrue(verifyObject(IVMInventory, self.backend()))

    def test_without_the_client_library_one_sentence_says_what_to_install(self) -> None:
        with patch.dict(sys.modules, {"pyone": None}):
            for name in ("cloud", "connection"):
                sys.modules.pop(f"vncproxy.backends.opennebula.{name}", None)
            with self.assertRaises(ConfigurationError) as caught:
                self.backend()
        self.assertIn("need pyone: pip install 'vncproxy[opennebula]'", str(caught.exception))

    def test_every_question_has_the_time_limit(self) -> None:
        calls = FakeCalls()
        settings = OpenNebulaSettings.model_validate(
            {"endpoint": HOME, "session": SESSION, "timeout": 3}
        )
        self.oned.add(VM(7))
        backend = OpenNebulaBackend(backend_context(settings, calls, "one"), self.internet)
        self.result(backend.locate("7"))
        self.assertEqual(calls.limits, [3.0])
        self.assertLess(self.internet.seconds[0], 3.0)

    def test_the_pool_calls_a_question_by_the_cloud_that_is_asked(self) -> None:
        cloud = Cloud(HOME, SESSION, OpenNebulaSettings.model_validate({"session": SESSION}))
        self.assertEqual(str(Inquiry(cloud, 1.0)), f"OpenNebula at {HOME}")

    def test_close_has_nothing_to_do(self) -> None:
        self.assertIsNone(self.result(self.backend().close()))


class FindTests(OpenNebulaCase):
    def test_by_id(self) -> None:
        self.oned.add(VM(7, graphics=vnc(PASSWD="s3cret"), name="Web & <Co>"))
        found = self.located("7")
        self.assertEqual((found.transport, found.host, found.port), (Transport.TCP, "hv1", 5907))
        self.assertEqual(found.handshakes, (RFBSecurity("s3cret"),))
        self.assertEqual(found.name, "Web & <Co>")

    def test_by_name(self) -> None:
        self.oned.add(VM(6, "mail", graphics=vnc(PORT=5906)))
        self.oned.add(VM(7, "web"))
        self.assertEqual(self.located("mail").port, 5906)

    def test_a_number_is_never_taken_for_a_name(self) -> None:
        self.oned.add(VM(7, "42"))
        self.failure(VMNotFound, "42")
        self.assertNotIn("one.vmpool.info", self.oned.calls)

    def test_two_machines_of_one_name_are_an_error_that_says_so(self) -> None:
        self.oned.add(VM(7, "web"))
        self.oned.add(VM(9, "web"))
        error = self.failure(BackendError, "web")
        self.assertEqual(error.detail, "2 VMs are called 'web': 7, 9; issue tokens by id")
        self.assertIn("Several virtual machines have this name.", error.sentence("7f3a"))

    def test_a_name_of_a_terminated_machine_is_free(self) -> None:
        self.oned.add(VM(6, "web", state=6, lcm_state=0))
        self.oned.add(VM(7, "web"))
        self.assertEqual(self.located("web").port, 5907)

    def test_unknown_ids_and_names_are_not_found(self) -> None:
        self.oned.add(VM(7))
        for vm in ("8", "mail", "99999999999999999999", "-1", "\u0667"):
            error = self.failure(VMNotFound, vm)
            self.assertEqual(error.sentence(), "The virtual machine was not found.")

    def test_a_machine_that_the_account_may_not_use_is_an_error_that_names_the_right(self) -> None:
        self.oned.users["console"] = User(5, "pw-of-console")
        self.oned.add(VM(7, visible=False))
        error = self.failure(BackendError, session="console:pw-of-console")
        self.assertIn("as console: [one.vm.info] Not authorized", error.detail)
        self.assertIn("the right to USE the machine", error.detail)

    def test_an_answer_that_is_no_machine_is_an_error(self) -> None:
        self.patch(VM, "xml", lambda *_args, **_more: "<VM><NAME>x</NAME></VM>")
        self.oned.add(VM(7))
        self.assertIn("no ID or no STATE", self.failure(BackendError).detail)
        self.patch(VM, "xml", lambda *_args, **_more: "<OTHER/>")
        self.assertIn("VM 7 cannot be understood", self.failure(BackendError).detail)


class PlaceTests(OpenNebulaCase):
    def test_the_history_record_with_the_highest_number_counts(self) -> None:
        records = ((0, "hv1", 1, "kvm"), (2, "hv3", 3, "kvm"), (1, "hv2", 2, "kvm"))
        self.oned.add(VM(7, history=records))
        self.assertEqual(self.located().host, "hv3")

    def test_every_question_is_asked_anew(self) -> None:
        vm = self.oned.add(VM(7))
        backend = self.backend()
        self.result(backend.locate("7"))
        vm.history, vm.graphics = ((0, "hv1", 1, "kvm"), (1, "hv2", 2, "kvm")), vnc(PORT=6001)
        found: Any = self.result(backend.locate("7"))
        self.assertEqual((found.host, found.port), ("hv2", 6001))

    def test_a_machine_that_never_was_on_a_host(self) -> None:
        self.oned.add(VM(7, history=()))
        error = self.failure(ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is not on any host yet.")

    def test_a_state_without_a_screen_is_told_in_words(self) -> None:
        for state, lcm_state, text in (
            (1, 0, "The virtual machine is waiting for a host."),
            (8, 0, "The virtual machine is powered off."),
            (3, 2, "The virtual machine is starting."),
            (3, 36, "The virtual machine is stopped by an error: it could not be started."),
        ):
            self.oned.add(VM(7, state=state, lcm_state=lcm_state))
            error = self.failure(ConsoleUnavailable)
            self.assertEqual(error.sentence(), text)
            self.assertEqual(error.detail, f"VM 7: STATE {state}, LCM_STATE {lcm_state}")

    def test_a_terminated_machine_is_gone_for_good(self) -> None:
        self.oned.add(VM(7, state=6, lcm_state=0))
        self.assertEqual(self.failure(VMNotFound).sentence(), "The virtual machine was terminated.")


class GraphicsTests(OpenNebulaCase):
    def test_the_type_in_any_case(self) -> None:
        self.oned.add(VM(7, graphics=vnc(TYPE="vnc")))
        self.assertEqual(self.located().port, 5907)

    def test_without_a_type_a_port_shows_that_it_is_vnc(self) -> None:
        for graphics in ({"PORT": 5907}, vnc(TYPE="")):
            self.oned.add(VM(7, graphics=graphics))
            self.assertEqual(self.located().port, 5907)

    def test_a_default_of_the_driver_is_configured_here(self) -> None:
        for graphics, password in ((vnc(), "default"), (vnc(PASSWD="own"), "own")):
            self.oned.add(VM(7, graphics=graphics))
            found = self.located(vnc_password="default")
            self.assertEqual(found.handshakes, (RFBSecurity(password),))
            self.assertNotIn("default", repr(found))

    def test_spice_is_told(self) -> None:
        self.oned.add(VM(7, graphics=vnc(TYPE="Spice")))
        self.assertEqual(
            self.failure(NoGraphicalConsole).sentence(),
            "The virtual machine has a SPICE console, and only VNC can be shown here.",
        )

    def test_no_graphics_an_empty_one_and_another_type(self) -> None:
        nothing: tuple[Any, ...] = (None, {}, vnc(TYPE="SDL"), {"LISTEN": "0.0.0.0"})
        for graphics in nothing:
            self.oned.add(VM(7, graphics=graphics))
            error = self.failure(NoGraphicalConsole)
            self.assertEqual(error.sentence(), "The virtual machine has no graphical console.")

    def test_the_first_vnc_console_of_several(self) -> None:
        self.oned.add(VM(7, graphics=[vnc(TYPE="SPICE"), vnc(PORT=5950), vnc(PORT=5951)]))
        self.assertEqual(self.located().port, 5950)

    def test_a_running_machine_without_a_port_has_no_console(self) -> None:
        for port in ("", "-1", "auto", 0, 65536):
            self.oned.add(VM(7, graphics=vnc(PORT=port)))
            self.assertEqual(
                self.failure(NoGraphicalConsole).sentence(),
                "The virtual machine was started without a port for its console.",
            )

    def test_without_a_password_none_is_offered(self) -> None:
        for graphics in (vnc(), vnc(PASSWD="")):
            self.oned.add(VM(7, graphics=graphics))
            self.assertEqual(self.located().handshakes, (RFBSecurity(None),))

    def test_tls_is_demanded_for_the_hosts_name_where_that_is_configured(self) -> None:
        self.oned.add(VM(7, graphics={"TYPE": "VNC", "PORT": 5907, "PASSWD": "s3cret"}))
        tls = {"ca_file": "/etc/hv.pem"}
        found = self.located(tls=tls, addresses={"hv1": "10.0.0.21"})
        self.assertEqual(
            found.handshakes,
            (RFBSecurity("s3cret", tls=TLSTrust(ca_file="/etc/hv.pem", name="hv1")),),
        )
        self.assertEqual(found.host, "10.0.0.21")
        (named,) = self.located(tls={"name": "kvm.example.com"}).handshakes
        self.assertEqual(named, RFBSecurity("s3cret", tls=TLSTrust(name="kvm.example.com")))

    def test_the_password_stands_in_no_repr(self) -> None:
        self.oned.add(VM(7, graphics=vnc(PASSWD="s3cret-p")))
        self.assertNotIn("s3cret-p", repr(self.located()))


class DialledAddressTests(OpenNebulaCase):
    def listening(self, listen: str | None, host: str = "hv1") -> None:
        graphics = vnc() if listen is None else vnc(LISTEN=listen)
        self.oned.add(VM(7, graphics=graphics, history=((0, host, 1, "kvm"),)))

    def test_a_wildcard_or_nothing_means_the_host(self) -> None:
        for listen in ("0.0.0.0", "::", ""):
            self.listening(listen)
            self.assertEqual(self.located().host, "hv1")

    def test_the_host_map_goes_before_everything(self) -> None:
        for listen in ("0.0.0.0", "127.0.0.1", "192.0.2.9", "vnc.example.com"):
            self.listening(listen)
            self.assertEqual(self.located(addresses={"hv1": "10.0.0.5"}).host, "10.0.0.5")

    def test_a_listen_address_can_be_mapped_too(self) -> None:
        self.listening("vnc.example.com")
        found = self.located(addresses={"vnc.example.com": "10.0.0.6"})
        self.assertEqual(found.host, "10.0.0.6")

    def test_a_listen_address_that_every_host_has_is_looked_up_for_no_other_host(self) -> None:
        addresses = {"127.0.0.1": "127.0.0.1", "0.0.0.0": "127.0.0.1", "localhost": "127.0.0.1"}
        for listen in ("127.0.0.1", "localhost"):
            self.listening(listen)
            error = self.failure(BackendError, addresses=addresses)
            self.assertIn(f"listens on {listen} of its host hv1", error.detail)
        self.listening("0.0.0.0")
        self.assertEqual(self.located(addresses=addresses).host, "hv1")

    def test_a_host_that_turns_out_to_be_this_machine_is_not_dialled(self) -> None:
        self.listening("0.0.0.0")
        self.assertFalse(self.located().allow_loopback)
        for address in ("127.0.0.1", "localhost", "aio"):
            self.assertTrue(self.located(addresses={"hv1": address}).allow_loopback)

    def test_a_listen_address_is_dialled_where_the_operator_allows_it(self) -> None:
        networks = ["192.0.2.0/24", "2001:db8::/64"]
        for listen in ("192.0.2.9", "2001:db8::9"):
            self.listening(listen)
            self.assertEqual(self.located(listen_networks=networks).host, listen)

    def test_a_link_local_one_too(self) -> None:
        self.listening("169.254.3.4")
        self.failure(BackendError)
        found = self.located(listen_networks=["169.254.0.0/16"])
        self.assertEqual((found.host, found.allow_loopback), ("169.254.3.4", True))

    def test_one_that_equals_the_host_is_no_choice(self) -> None:
        for host in ("hv1", "192.0.2.9"):
            self.listening(host, host)
            self.assertEqual(self.located().host, host)

    def test_any_other_is_refused_with_what_would_allow_it(self) -> None:
        self.listening("192.0.2.9")
        error = self.failure(BackendError, listen_networks=["198.51.100.0/24"])
        self.assertIn("a machine's owner can choose that (GRAPHICS/LISTEN)", error.detail)
        self.assertIn('listen_networks = ["192.0.2.9"]', error.detail)
        self.assertTrue(error.sentence("7f3a").startswith(OUT_OF_REACH))

    def test_what_an_owner_writes_at_length_is_not_logged_at_length(self) -> None:
        self.listening("x" * 100_000)
        self.assertLess(len(self.failure(BackendError).detail), 1000)
        self.oned.add(VM(7, deploy_id="x" * 100_000, history=((0, "cluster", 2, "vcenter"),)))
        self.assertLess(len(self.failure(BackendError, vcenter="vsphere").detail), 1000)

    def test_a_listen_name_is_not_resolved(self) -> None:
        self.listening("vnc.example.com")
        error = self.failure(BackendError, listen_networks=["0.0.0.0/0"])
        self.assertIn('addresses with "vnc.example.com"', error.detail)

    def test_loopback_of_another_machine_is_never_dialled(self) -> None:
        for listen in ("127.0.0.1", "::1", "localhost", "127.1", "::ffff:127.0.0.1", "0x7f.1"):
            self.listening(listen)
            error = self.failure(BackendError, listen_networks=["127.0.0.0/8", "::1"])
            self.assertIn(f"listens on {listen} of its host hv1", error.detail)
            self.assertIn('"hv1" = "…"', error.detail)
            self.assertTrue(error.sentence("7f3a").startswith(OUT_OF_REACH))

    def test_a_host_called_localhost_is_the_front_ends_and_not_ours(self) -> None:
        self.listening("0.0.0.0", "localhost")
        error = self.failure(BackendError)
        self.assertIn("its host localhost, which is not this machine", error.detail)

    def test_it_is_ours_when_the_front_end_is_here(self) -> None:
        here = "http://localhost:2633/RPC2"
        self.internet.daemons[here] = self.oned
        for listen, dialled in {
            "0.0.0.0": "127.0.0.1",
            "127.0.0.1": "127.0.0.1",
            "localhost": "127.0.0.1",
            "::1": "::1",
        }.items():
            self.listening(listen, "localhost")
            self.assertEqual(self.located(endpoint=here).host, dialled)

    def test_the_loopback_of_another_host_is_not_ours_wherever_the_front_end_is(self) -> None:
        here = "http://localhost:2633/RPC2"
        self.internet.daemons[here] = self.oned
        self.listening("127.0.0.1", "hv1")
        error = self.failure(BackendError, endpoint=here)
        self.assertIn("listens on 127.0.0.1 of its host hv1", error.detail)

    def test_a_host_that_is_no_name_needs_the_map(self) -> None:
        self.listening("0.0.0.0", "rack 3")
        self.assertIn("'rack 3' is no name", self.failure(BackendError).detail)
        self.assertEqual(self.located(addresses={"rack 3": "10.0.0.7"}).host, "10.0.0.7")


class InventoryTests(OpenNebulaCase):
    def test_all_that_are_not_terminated_by_id(self) -> None:
        self.oned.add(VM(12, "db", state=8, lcm_state=0))
        self.oned.add(VM(7, "web"))
        self.oned.add(VM(8, "gone", state=6, lcm_state=0))
        self.assertEqual(
            self.result(self.backend().list()),
            [
                VMSummary(VMAddress("one", "7"), "web", "running"),
                VMSummary(VMAddress("one", "12"), "db", "powered off"),
            ],
        )

    def test_an_empty_cloud(self) -> None:
        self.assertEqual(self.result(self.backend().list()), [])
