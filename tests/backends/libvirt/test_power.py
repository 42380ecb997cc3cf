"""Domains are started, stopped and reset, over libvirt's own test driver."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from unittest.mock import patch

import libvirt
from zope.interface.verify import verifyObject

from tests.doubles.libvirt import UUID, VNC, LibvirtCase, _error
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.errors import (
    BackendError,
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
)
from vncproxy.interfaces import IPower
from vncproxy.model import PowerAction
from vncproxy.testing import backend_context

START, SHUTDOWN, REBOOT, RESET, OFF = PowerAction
OTHER = "2a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"
TRANSIENT = (
    f"<domain type='test'><name>short</name><uuid>{OTHER}</uuid><memory>8192</memory>"
    f"<os><type>hvm</type></os><devices>{VNC}</devices></domain>"
)


class PowerTests(LibvirtCase):
    def test_it_provides_power_and_acts_only_where_the_table_says_so(self) -> None:
        self.assertTrue(verifyObject(IPower, self.backend))
        self.assertEqual(list(self.backend.power_actions()), [])
        self.assertEqual(list(self.backend_of(power=True).power_actions()), list(PowerAction))

    def test_a_machine_is_switched_off_and_started_once(self) -> None:
        domain = self.domain()
        self.assertFalse(self.result(self.backend.is_off(UUID)))
        self.assertTrue(self.result(self.backend.power(UUID, OFF)))
        self.assertFalse(domain.isActive())
        self.assertTrue(self.result(self.backend.is_off("web")))
        error = self.failure(self.backend.power("web", RESET), PowerStateUnfit)
        self.assertEqual(error.sentence(), "The virtual machine is shut off.")
        self.assertTrue(self.result(self.backend.power("web", START)))
        self.assertTrue(domain.isActive())
        error = self.failure(self.backend.power("web", START), PowerStateUnfit)
        self.assertEqual((error.sentence(), error.status), ("The virtual machine is running.", 409))

    def test_a_guest_is_asked_to_shut_down_and_may_take_its_time(self) -> None:
        domain = self.domain()
        self.assertFalse(self.result(self.backend.power("web", SHUTDOWN)))
        self.assertFalse(domain.isActive())  # the guest of the test driver takes none

    def test_a_reboot_keeps_the_machine_running(self) -> None:
        domain = self.domain()
        self.assertFalse(self.result(self.backend.power("web", REBOOT)))
        self.assertTrue(domain.isActive())

    def test_what_is_no_machine_is_not_found(self) -> None:
        self.failure(self.backend.power("db", OFF), VMNotFound)
        self.failure(self.backend.is_off("db"), VMNotFound)

    def test_a_transient_machine_is_not_switched_off(self) -> None:
        domain = self.driver.createXML(TRANSIENT)
        self.addCleanup(domain.destroy)
        for action in (OFF, SHUTDOWN):
            error = self.failure(self.backend.power("short", action), PowerUnsupported)
            words = "The virtual machine cannot be switched off: it exists only while it runs."
            self.assertEqual(error.sentence(), words)
        self.assertTrue(domain.isActive())

    def test_a_machine_that_was_migrated_away_is_not_started_here(self) -> None:
        domain = self.domain()
        domain.destroy()
        moved = [libvirt.VIR_DOMAIN_SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED]
        with patch.object(libvirt.virDomain, "state", lambda *_args: moved):
            self.assertFalse(self.result(self.backend.is_off("web")))
            error = self.failure(self.backend.power("web", START), PowerStateUnfit)
        self.assertEqual(error.sentence(), "The virtual machine is moved to another host.")
        self.assertFalse(domain.isActive())

    def test_what_libvirt_says_is_told_in_words(self) -> None:
        self.domain()
        for code, kind in (
            (libvirt.VIR_ERR_ACCESS_DENIED, PowerDenied),
            (libvirt.VIR_ERR_NO_SUPPORT, PowerUnsupported),
            (libvirt.VIR_ERR_OPERATION_INVALID, PowerStateUnfit),
            (libvirt.VIR_ERR_NO_DOMAIN, VMNotFound),
            (libvirt.VIR_ERR_INTERNAL_ERROR, BackendError),
        ):
            with patch.object(libvirt.virDomain, "reset", _failing(code)):
                self.failure(self.backend.power("web", RESET), kind)

    def test_an_action_whose_connection_is_lost_is_not_repeated(self) -> None:
        self.domain()
        resets: list[object] = []
        failing = _failing(libvirt.VIR_ERR_RPC, resets)
        with patch.object(libvirt.virDomain, "reset", failing):
            self.failure(self.backend.power("web", RESET), BackendError)
        self.assertEqual(len(resets), 1)


class ClusterTests(LibvirtCase):
    """Two hosts, of which one may be silent."""

    def cluster(self, *uris: str) -> LibvirtBackend:
        settings = LibvirtSettings.model_validate({"uris": uris, "power": True})
        return LibvirtBackend(backend_context(settings, self.calls, "kvm"))

    def test_it_is_not_started_where_a_host_is_silent_on_which_it_may_run(self) -> None:
        domain = self.domain()
        domain.destroy()
        backend = self.cluster("test:///default", "qemu+unix:///system?socket=/no/such/socket")
        error = self.failure(backend.power(UUID, START), BackendError)
        self.assertIn("it may run on a host that is silent", str(error))
        self.assertFalse(domain.isActive())
        domain.create()
        self.assertTrue(self.result(backend.power(UUID, OFF)))
        self.assertFalse(domain.isActive())

    def test_it_is_not_started_where_two_hosts_have_it(self) -> None:
        domain = self.domain()
        domain.destroy()
        backend = self.cluster("test:///default", "test:///default?again")
        self.assertFalse(self.result(backend.is_off(UUID)))
        error = self.failure(backend.power(UUID, START), PowerUnsupported)
        self.assertIn("on which host it starts is not known", str(error))
        self.assertFalse(domain.isActive())


def _failing(code: int, calls: list[object] | None = None) -> Callable[..., Any]:
    def fail(*args: object) -> None:
        if calls is not None:
            calls.append(args)
        raise _error(code, "refused")

    return fail
