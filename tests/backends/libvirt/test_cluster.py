"""Several hypervisors as one backend, over nodes of libvirt's own test driver."""

from __future__ import annotations

import os
from collections.abc import Awaitable
from pathlib import Path
from typing import Any, TypeVar

import libvirt
from pydantic import ValidationError
from twisted.internet.defer import CancelledError, Deferred
from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.hypervisors_here import all_ports_listen
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.backends.libvirt.states import DomainState
from vncproxy.errors import BackendError, ConsoleUnavailable, VMNotFound
from vncproxy.model import ConsoleEndpoint
from vncproxy.testing import FakeCalls, backend_context

T = TypeVar("T")
E = TypeVar("E")

WEB, DB = "1a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc", "2a8cdc12-cb1d-4c80-aec7-fd6931ef4ccc"
PAUSED, SHUTOFF = libvirt.VIR_DOMAIN_PAUSED, libvirt.VIR_DOMAIN_SHUTOFF
RECEIVING = (PAUSED, libvirt.VIR_DOMAIN_PAUSED_MIGRATION)
MOVED = (SHUTOFF, libvirt.VIR_DOMAIN_SHUTOFF_MIGRATED)
DOWN = "qemu+unix:///system?socket=/no/such/socket"


def domain(name: str, uuid: str, port: int) -> str:
    return (
        f"<domain type='test'><name>{name}</name><uuid>{uuid}</uuid><memory>8192</memory>"
        "<os><type>hvm</type></os><devices>"
        f"<graphics type='vnc' port='{port}' listen='127.0.0.1'/></devices></domain>"
    )


class ClusterCase(SynchronousTestCase):
    """Hosts on which every domain runs unless a test changes that."""

    def setUp(self) -> None:
        all_ports_listen(self)

    def host(self, *domains: str) -> str:
        """Return the URI of a host with these domains."""
        path = Path(self.mktemp()).absolute()
        path.write_text(f"<node>{''.join(domains)}</node>")
        return f"test://{path}"

    def backend(self, *uris: str) -> LibvirtBackend:
        settings = LibvirtSettings.model_validate({"uris": uris})
        return LibvirtBackend(backend_context(settings, FakeCalls(), "kvm"))

    def states(self, **states: tuple[int, int]) -> None:
        """Let the domains with a console at these ports, as ``p5901``, have another state."""
        real = libvirt.virDomain.state

        def state(each: Any) -> Any:
            xml = each.XMLDesc()
            found = [state for port, state in states.items() if f"port='{port[1:]}'" in xml]
            return found[0] if found else real(each)

        self.patch(libvirt.virDomain, "state", state)

    def result(self, answer: Awaitable[T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(answer))  # type: ignore[arg-type]

    def failure(self, answer: Awaitable[object], kind: type[E]) -> E:
        deferred: Deferred[object] = Deferred.fromCoroutine(answer)  # type: ignore[arg-type]
        error = self.failureResultOf(deferred).value
        assert isinstance(error, kind), repr(error)
        return error


class LocateTests(ClusterCase):
    def test_a_machine_is_found_on_whichever_host_has_it(self) -> None:
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("db", DB, 5902))
        )
        for vm, port in (("web", 5901), (WEB, 5901), ("db", 5902), (DB.upper(), 5902)):
            with self.subTest(vm):
                self.assertEqual(self.result(backend.locate(vm)).port, port)

    def test_the_host_where_it_runs_goes_before_others_that_know_it(self) -> None:
        first, second = self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))
        for other in (RECEIVING, MOVED, (PAUSED, libvirt.VIR_DOMAIN_PAUSED_STARTING_UP)):
            for uris in ((first, second), (second, first)):
                with self.subTest(other=other, uris=uris):
                    self.states(p5901=other)
                    self.assertEqual(self.result(self.backend(*uris).locate("web")).port, 5902)

    def test_a_paused_machine_has_its_console(self) -> None:
        self.states(p5901=MOVED, p5902=(PAUSED, libvirt.VIR_DOMAIN_PAUSED_USER))
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))
        )
        self.assertEqual(self.result(backend.locate(WEB)).port, 5902)

    def test_at_the_moment_of_the_switch_it_is_being_migrated(self) -> None:
        self.states(p5901=RECEIVING, p5902=RECEIVING)
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))
        )
        error = self.failure(backend.locate("web"), ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is being migrated.")

    def test_two_machines_with_one_uuid_are_refused_with_their_hosts(self) -> None:
        uris = [self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))]
        error = self.failure(self.backend(*uris).locate(WEB), ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is running on 2 hosts at once.")
        for uri in uris:
            self.assertIn(uri, error.detail)
        self.assertIn("give each machine a UUID of its own", error.detail)

    def test_one_that_seems_to_run_twice_while_it_moves_is_looked_for_again(self) -> None:
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))
        )
        real, asked = libvirt.virDomain.state, []

        def state(each: Any) -> Any:
            asked.append(each)
            moved = len(asked) > 2 and "port='5901'" in each.XMLDesc()
            return MOVED if moved else real(each)

        self.patch(libvirt.virDomain, "state", state)
        self.assertEqual(self.result(backend.locate("web")).port, 5902)

    def test_a_machine_that_moves_between_two_answers_is_looked_for_again(self) -> None:
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))
        )
        self.states(p5902=RECEIVING)
        read = libvirt.virDomain.XMLDesc

        def move(each: Any, flags: int = 0) -> Any:
            if flags and "port='5901'" in read(each):
                self.states(p5901=MOVED, p5902=(libvirt.VIR_DOMAIN_RUNNING, 0))
                raise libvirt_error(libvirt.VIR_ERR_NO_DOMAIN)
            return read(each, flags)

        self.patch(libvirt.virDomain, "XMLDesc", move)
        self.assertEqual(self.result(backend.locate("web")).port, 5902)

    def test_it_tells_on_which_host_a_machine_is_now(self) -> None:
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))
        )
        self.states(p5901=MOVED)

        now = self.result(backend.current_host("web"))

        self.assertEqual(now, self.result(backend.locate("web")).host)
        self.assertNotEqual(now, "")

    def test_it_keeps_no_console_open_that_it_was_only_asked_for(self) -> None:
        reading, writing = os.pipe()
        self.addCleanup(os.close, writing)
        uris = [self.host(domain("web", WEB, 5901)), self.host(domain("web", WEB, 5902))]
        settings = LibvirtSettings.model_validate({"uris": uris, "open_graphics": "always"})
        self.patch(libvirt.virDomain, "openGraphicsFD", lambda *_: reading)
        self.states(p5901=MOVED)

        now = self.result(
            LibvirtBackend(backend_context(settings, FakeCalls(), "kvm")).current_host("web")
        )

        self.assertEqual(now, "")
        self.assertRaises(OSError, os.fstat, reading)

    def test_a_single_host_cannot_tell(self) -> None:
        backend = self.backend(self.host(domain("web", WEB, 5901)))

        self.assertEqual(self.result(backend.current_host("web")), "")

    def test_an_id_means_another_machine_on_each_host_and_is_not_looked_for(self) -> None:
        backend = self.backend(self.host(domain("web", WEB, 5901)), self.host())
        self.failure(backend.locate("1"), VMNotFound)

    def test_a_name_of_two_machines_is_refused(self) -> None:
        backend = self.backend(
            self.host(domain("web", WEB, 5901)), self.host(domain("web", DB, 5902))
        )
        error = self.failure(backend.locate("web"), BackendError)
        self.assertIn(f"{WEB}, {DB}: use the UUID", str(error))

    def test_what_no_host_knows_is_not_found(self) -> None:
        error = self.failure(self.backend(self.host(), self.host()).locate("web"), VMNotFound)
        self.assertEqual(str(error), "no domain with UUID or name 'web' on any of 2 hosts")


class DownTests(ClusterCase):
    """One of two hosts does not answer."""

    def setUp(self) -> None:
        super().setUp()
        self.cluster = self.backend(DOWN, self.host(domain("web", WEB, 5901)))

    def test_the_other_hosts_machines_are_found(self) -> None:
        self.assertEqual(self.result(self.cluster.locate("web")).port, 5901)

    def test_a_machine_that_is_nowhere_else_may_be_there(self) -> None:
        error = self.failure(self.cluster.locate("db"), BackendError)
        self.assertIn("on 1 of 2 hosts, and the others do not answer: libvirt at", str(error))
        self.assertIn("/no/such/socket", str(error))

    def test_a_machine_that_is_off_elsewhere_is_told_with_the_doubt_in_the_log(self) -> None:
        self.states(p5901=MOVED)
        error = self.failure(self.cluster.locate("web"), ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is moved to another host.")
        self.assertIn("/no/such/socket", str(error))

    def test_the_other_hosts_machines_are_listed(self) -> None:
        self.assertEqual([each.name for each in self.result(self.cluster.list())], ["web"])

    def test_the_check_names_it(self) -> None:
        error = self.failure(self.cluster.probe(), BackendError)
        self.assertIn("/no/such/socket", str(error))
        self.assertIn("1 of 1 machines running", str(error))

    def test_with_all_hosts_down_a_list_is_an_error(self) -> None:
        backend = self.backend(DOWN, f"{DOWN}2")
        self.assertIn("/no/such/socket", str(self.failure(backend.list(), BackendError)))


def libvirt_error(code: int) -> libvirt.libvirtError:
    error = libvirt.libvirtError("gone")
    error.err = (code, libvirt.VIR_FROM_TEST, "gone", libvirt.VIR_ERR_ERROR, "", "", "", -1, -1)
    return error


class HangingCalls(FakeCalls):
    """Calls to one host never come to an end."""

    def part(self, name: str, threads: int = 16) -> FakeCalls:
        return Hang() if name == DOWN else FakeCalls()


class Hang(FakeCalls):
    def call(self, timeout: float, function: Any, *args: Any, late: Any = None) -> Deferred[Any]:
        return Deferred()


class HangingTests(ClusterCase):
    """One of two hosts does not answer whether it is down."""

    def located(self, vm: str) -> Deferred[ConsoleEndpoint]:
        uris = (DOWN, self.host(domain("web", WEB, 5901)))
        settings = LibvirtSettings.model_validate({"uris": uris})
        backend = LibvirtBackend(backend_context(settings, HangingCalls(), "kvm"))
        return Deferred.fromCoroutine(backend.locate(vm))

    def test_a_machine_that_runs_elsewhere_is_not_waited_for_by_uuid(self) -> None:
        for vm in (WEB, WEB.upper(), WEB.replace("-", "")):
            self.assertEqual(self.successResultOf(self.located(vm)).port, 5901)

    def test_a_name_may_be_that_of_two_and_waits(self) -> None:
        self.assertNoResult(self.located("web"))

    def test_a_machine_that_does_not_run_may_run_there_and_waits(self) -> None:
        self.states(p5901=MOVED)
        self.assertNoResult(self.located(WEB))

    def test_who_waits_can_leave(self) -> None:
        waiting = self.located("web")
        waiting.cancel()
        self.failureResultOf(waiting, CancelledError)


class InventoryTests(ClusterCase):
    def test_a_machine_of_two_hosts_is_listed_once_as_it_is_where_it_runs(self) -> None:
        off = self.host(domain("web", WEB, 5901))
        keeper = libvirt.open(off)
        keeper.lookupByName("web").destroy()
        on = self.host(domain("web", WEB, 5902), domain("db", DB, 5903))
        for uris in ((off, on), (on, off)):
            listed = self.result(self.backend(*uris).list())
            self.assertEqual(
                [(str(each.vm), each.name, each.state) for each in listed],
                [(f"kvm/{DB}", "db", "running"), (f"kvm/{WEB}", "web", "running")],
            )

    def test_the_probe_has_a_line_of_each(self) -> None:
        first, second = self.host(), self.host()
        told = self.result(self.backend(first, second).probe())
        self.assertRegex(told, rf"at {first}, .*; libvirt .* at {second}, ")

    def test_ranks(self) -> None:
        running = DomainState(WEB, "web", libvirt.VIR_DOMAIN_RUNNING, 0)
        moved = DomainState(WEB, "web", *MOVED)
        self.assertLess(running.rank, DomainState(WEB, "web", *RECEIVING).rank)
        self.assertLess(DomainState(WEB, "web", *RECEIVING).rank, moved.rank)


class SettingsTests(SynchronousTestCase):
    def refused(self, **table: object) -> str:
        with self.assertRaises(ValidationError) as caught:
            LibvirtSettings.model_validate(table)
        return str(caught.exception)

    def test_the_default_uri_is_not_asked_beside_others(self) -> None:
        settings = LibvirtSettings.model_validate({"uris": ["qemu+tls://a/system"]})
        self.assertEqual(settings.hypervisors(), ["qemu+tls://a/system"])

    def test_a_uri_that_is_given_comes_first_and_once(self) -> None:
        a, b = "qemu+tls://a/system", "qemu+tls://b/system"
        settings = LibvirtSettings.model_validate({"uri": b, "uris": [a, b]})
        self.assertEqual(settings.hypervisors(), [b, a])

    def test_each_uri_is_checked(self) -> None:
        self.assertIn("Xen", self.refused(uris=["xen:///system"]))

    def test_one_address_cannot_be_that_of_several(self) -> None:
        uris = ["qemu+tls://a/system", "qemu+tls://b/system"]
        self.assertIn("addresses names each", self.refused(uris=uris, address="10.0.0.5"))

    def test_sockets_are_passed_by_this_machine_only(self) -> None:
        uris = ["qemu:///system", "qemu+tls://b/system"]
        self.assertIn("open_graphics", self.refused(uris=uris, open_graphics="always"))
