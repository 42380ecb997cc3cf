"""The libvirt backend over libvirt's own test driver: look-up, states, errors, reconnecting."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from unittest.mock import Mock, patch

import libvirt
from pydantic import ValidationError
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from tests.doubles.libvirt import UUID, VNC, LibvirtCase, _error
from vncproxy.backends.libvirt import backend as libvirt_module
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.console import parse_uri
from vncproxy.backends.libvirt.machines import with_address
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.backends.libvirt.states import state_text
from vncproxy.errors import (
    BackendError,
    ConfigurationError,
    ConsoleUnavailable,
    NoGraphicalConsole,
    VMNotFound,
)
from vncproxy.interfaces import IConsoleBackend, IVMInventory
from vncproxy.model import RFBSecurity, Transport
from vncproxy.testing import FakeCalls, backend_context


class LookUpTests(LibvirtCase):
    def test_it_is_a_backend_with_an_inventory(self) -> None:
        self.assertTrue(verifyObject(IConsoleBackend, self.backend))
        self.assertTrue(verifyObject(IVMInventory, self.backend))

    def test_by_name_uuid_or_id_with_the_password(self) -> None:
        domain = self.domain()
        for vm in ("web", UUID, UUID.upper(), UUID.replace("-", ""), str(domain.ID())):
            with self.subTest(vm):
                found = self.locate(vm)
                self.assertEqual(str(found), "tcp:127.0.0.1:5901")
                self.assertEqual(found.handshakes, (RFBSecurity("s3cret"),))
                self.assertEqual(found.name, "web")

    def test_a_name_that_is_the_id_of_another_is_refused(self) -> None:
        first = self.domain()
        self.domain(name=str(first.ID()), uuid="2a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc")
        error = self.failure(self.backend.locate(str(first.ID())), BackendError)
        self.assertIn("is the name of one domain and the id of another: use the UUID", str(error))

    def test_a_name_of_digits_is_a_name_where_no_domain_has_that_id(self) -> None:
        self.domain(name="4711")
        self.assertEqual(self.locate("4711").name, "4711")

    def test_a_uuid_goes_before_a_name(self) -> None:
        self.domain()
        self.domain(name=UUID, uuid="2a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc")
        self.assertEqual(self.locate(UUID).name, "web")

    def test_what_looks_like_a_uuid_is_never_taken_for_a_name(self) -> None:
        name = "3a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"
        self.domain(name=name)
        for vm in (name, name.upper(), name.replace("-", "")):
            self.failure(self.backend.locate(vm), VMNotFound)

    def test_what_no_domain_is_called_is_not_found(self) -> None:
        for vm in ("db", "9" * 40, "999999999", UUID, "²", "\ud800", "ü"):
            with self.subTest(ascii(vm)):
                self.failure(self.backend.locate(vm), VMNotFound)

    def test_a_domain_that_vanishes_on_the_way_is_not_found(self) -> None:
        domain = self.domain()
        self.patch(libvirt.virDomain, "XMLDesc", lambda *_args: domain.connect().lookupByName("-"))
        self.failure(self.backend.locate("web"), VMNotFound)

    def test_xml_that_cannot_be_understood_is_told(self) -> None:
        self.domain()
        self.patch(libvirt.virDomain, "XMLDesc", lambda *_args: "<domain")
        error = self.failure(self.backend.locate("web"), BackendError)
        self.assertIn("the XML of domain 'web' cannot be understood: not XML", str(error))

    def test_the_time_limit_of_the_settings_is_used(self) -> None:
        self.domain()
        self.backend = self.backend_of(timeout=1.5)
        self.locate("web")
        self.assertEqual(self.calls.limits, [1.5])

    def test_another_machines_name_leads_to_its_address(self) -> None:
        self.domain(VNC.replace("127.0.0.1", "0.0.0.0"))
        self.backend = self.backend_of(
            addresses={self.driver.getHostname(): "10.0.0.5"}, address="10.0.0.6"
        )
        self.assertEqual(self.locate("web").host, "10.0.0.5")

    def test_a_hosts_uri_names_it_better_than_it_names_itself(self) -> None:
        class Named:
            """A connection to a host that calls itself so."""

            def __init__(self, name: str) -> None:
                self.getHostname = lambda: name

        away = parse_uri("qemu+tls://hv1.example.com/system")
        both = {
            "hv1.example.com": "10.0.0.5",
            "hv1": "10.0.0.6",
            "localhost.localdomain": "10.0.0.7",
        }
        for reach, name, addresses, address in (
            (away, "hv1", both, "10.0.0.5"),
            (away, "hv1", {"hv1": "10.0.0.6"}, "10.0.0.6"),
            (away, "localhost.localdomain", {"localhost.localdomain": "10.0.0.7"}, ""),
            (parse_uri("qemu:///system"), "localhost.localdomain", both, "10.0.0.7"),
        ):
            self.assertEqual(with_address(Named(name), reach, addresses).address, address)

    def test_a_machine_without_a_name_in_the_map_has_the_one_address(self) -> None:
        self.domain(VNC.replace("127.0.0.1", "0.0.0.0"))
        self.backend = self.backend_of(addresses={"other": "10.0.0.5"}, address="10.0.0.6")
        self.assertEqual(self.locate("web").host, "10.0.0.6")


class StateTests(LibvirtCase):
    def unavailable(self) -> str:
        return self.failure(self.backend.locate("web"), ConsoleUnavailable).sentence()

    def test_shut_off(self) -> None:
        self.domain().destroy()
        self.assertEqual(self.unavailable(), "The virtual machine is shut off.")

    def test_shut_off_with_a_fixed_port_is_not_dialled(self) -> None:
        self.domain("<graphics type='vnc' port='5999' autoport='no'/>").destroy()
        self.assertEqual(self.unavailable(), "The virtual machine is shut off.")

    def test_saved_to_disk(self) -> None:
        domain = self.domain()
        domain.managedSave()
        self.addCleanup(domain.managedSaveRemove)
        self.assertEqual(self.unavailable(), "The virtual machine is saved to disk.")

    def test_a_paused_machine_is_served(self) -> None:
        self.domain().suspend()
        self.assertEqual(self.locate("web").port, 5901)

    def test_a_machine_without_graphics_has_no_console(self) -> None:
        self.domain("")
        self.failure(self.backend.locate("web"), NoGraphicalConsole)

    def test_a_machine_with_spice_alone_has_no_console_and_the_log_says_why(self) -> None:
        self.domain("<graphics type='spice' port='5900'/>")
        error = self.failure(self.backend.locate("web"), NoGraphicalConsole)
        self.assertIn("only spice", str(error))

    def test_an_empty_password_is_a_locked_console(self) -> None:
        self.domain(VNC.replace("s3cret", ""))
        self.assertIn("locked", self.unavailable())

    def test_words_complete_the_sentence(self) -> None:
        for state, reason, expected in (
            (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER, "paused"),
            (
                libvirt.VIR_DOMAIN_PAUSED,
                libvirt.VIR_DOMAIN_PAUSED_IOERROR,
                "paused by an I/O error",
            ),
            (libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION, "being migrated"),
            (
                libvirt.VIR_DOMAIN_SHUTOFF,
                libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED,
                "moved to another host",
            ),
            (libvirt.VIR_DOMAIN_CRASHED, libvirt.VIR_DOMAIN_CRASHED_PANICKED, "crashed"),
            (libvirt.VIR_DOMAIN_PMSUSPENDED, 0, "suspended"),
            (libvirt.VIR_DOMAIN_SHUTDOWN, 0, "being shut down"),
            (99, 0, "in the unknown state 99"),
        ):
            self.assertEqual(state_text(state, reason), expected)


class PassedSocketTests(LibvirtCase):
    NOWHERE = (
        "<graphics type='spice' port='5900'/><graphics type='vnc'><listen type='none'/></graphics>"
    )

    def open_graphics(self, answer: Callable[[int, int], int]) -> None:
        self.domain(self.NOWHERE)
        self.patch(
            libvirt.virDomain, "openGraphicsFD", lambda _self, index, flags: answer(index, flags)
        )

    def test_libvirt_is_asked_for_the_device_and_without_authentication(self) -> None:
        asked: list[tuple[int, int]] = []

        def answer(index: int, flags: int) -> int:
            asked.append((index, flags))
            return 77

        self.open_graphics(answer)
        found = self.locate("web")
        self.assertEqual((found.transport, found.fd, found.name), (Transport.FD, 77, "web"))
        self.assertEqual(found.handshakes, (RFBSecurity(None),))
        self.assertEqual(asked, [(1, libvirt.VIR_DOMAIN_OPEN_GRAPHICS_SKIPAUTH)])

    def test_a_driver_that_cannot_is_told(self) -> None:
        self.domain(self.NOWHERE)
        error = self.failure(self.backend.locate("web"), BackendError)
        self.assertIn("libvirt passes no connection", str(error))

    def test_a_machine_that_stops_meanwhile_is_unavailable(self) -> None:
        def stop(_index: int, _flags: int) -> int:
            self.driver.lookupByName("web").destroy()
            raise _error(libvirt.VIR_ERR_OPERATION_INVALID, "domain is not running")

        self.open_graphics(stop)
        error = self.failure(self.backend.locate("web"), ConsoleUnavailable)
        self.assertEqual(error.state, "shut off")

    def test_a_socket_that_comes_too_late_is_closed(self) -> None:
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        self.open_graphics(lambda _index, _flags: reading)
        late = Mock(wraps=self.calls.call)
        self.patch(self.calls, "call", late)
        endpoint = self.locate("web")
        late.call_args.kwargs["late"](endpoint)
        with self.assertRaises(OSError):
            os.fstat(reading)


class InventoryTests(LibvirtCase):
    def test_list_has_uuid_name_and_state_of_every_domain(self) -> None:
        self.domain().destroy()
        found = {each.name: each for each in self.result(self.backend.list())}
        self.assertEqual(str(found["web"].vm), f"kvm/{UUID}")
        self.assertEqual((found["web"].state, found["test"].state), ("shut off", "running"))

    def test_probe_tells_versions_and_counts(self) -> None:
        self.domain().destroy()
        line = self.result(self.backend.probe())
        self.assertRegex(
            line,
            r"^libvirt \d+\.\d+\.\d+ at test:///default, TEST \S+, 1 of 2 machines running$",
        )


class SettingsTests(SynchronousTestCase):
    def refused(self, **table: object) -> str:
        with self.assertRaises(ValidationError) as caught:
            LibvirtSettings.model_validate(table)
        return str(caught.exception)

    def test_defaults_are_this_machine(self) -> None:
        self.assertEqual(LibvirtSettings().uri, "qemu:///system")

    def test_a_uri_of_another_driver_is_refused_with_what_is_allowed(self) -> None:
        self.assertIn("type vmware", self.refused(uri="esx://esx1/"))
        self.assertIn("qemu:///system", self.refused(uri="lxc:///"))

    def test_an_address_is_a_host_without_a_port(self) -> None:
        for wrong in ("hv1:5900", "0.0.0.0", "http://hv1/"):
            self.assertIn("without a port", self.refused(address=wrong))
            self.assertIn("without a port", self.refused(addresses={"hv1": wrong}))

    def test_always_needs_a_libvirt_on_this_machine(self) -> None:
        text = self.refused(uri="qemu+ssh://hv1/system", open_graphics="always")
        self.assertIn('"auto" or "never" are allowed', text)

    def test_unknown_key_and_silly_time_limits_are_refused(self) -> None:
        self.assertIn("passwd", self.refused(passwd="x"))
        for wrong in (0, -1, float("inf")):
            self.assertIn("timeout", self.refused(timeout=wrong))


class MissingSDKTests(SynchronousTestCase):
    def test_a_missing_binding_is_one_clear_sentence(self) -> None:
        self.enterContext(patch.dict(sys.modules, {"libvirt": None}))
        sys.modules.pop("vncproxy.backends.libvirt.connection", None)
        with self.assertRaises(ConfigurationError) as caught:
            LibvirtBackend(backend_context(LibvirtSettings(), FakeCalls(), "kvm"))
        self.assertIn("pip install 'vncproxy[libvirt]'", str(caught.exception))

    def test_the_module_does_not_hide_the_binding(self) -> None:
        self.assertNotEqual(libvirt_module.__file__, libvirt.__file__)
