"""On which host a machine is, over nodes of libvirt's own test driver."""

from __future__ import annotations

import libvirt
from zope.interface.verify import verifyObject

from tests.backends.libvirt.test_cluster import DB, DOWN, MOVED, WEB, ClusterCase, domain
from vncproxy.backends.libvirt.backend import LibvirtBackend
from vncproxy.backends.libvirt.settings import LibvirtSettings
from vncproxy.errors import BackendError, VMNotFound
from vncproxy.interfaces import IKnowsHosts
from vncproxy.model import MachineHost
from vncproxy.testing import FakeCalls, backend_context


class HostsTests(ClusterCase):
    def setUp(self) -> None:
        super().setUp()
        self.first = self.host(domain("web", WEB, 5901))
        self.second = self.host(domain("web", WEB, 5902), domain("db", DB, 5903))
        names = {self.first: "node1", self.second: "node2"}
        self.patch(libvirt.virConnect, "getHostname", lambda each: names[each.getURI()])

    def single(self, uri: str) -> LibvirtBackend:
        settings = LibvirtSettings.model_validate({"uri": uri})
        return LibvirtBackend(backend_context(settings, FakeCalls(), "kvm"))

    def test_it_knows_hosts(self) -> None:
        self.assertTrue(verifyObject(IKnowsHosts, self.single(self.first)))

    def test_the_host_on_which_it_runs(self) -> None:
        self.states(p5901=MOVED)
        found = self.result(self.backend(self.first, self.second).host_of(WEB))
        self.assertEqual(found, MachineHost(("node2",), runs=True, uuid=WEB))

    def test_one_that_runs_nowhere_is_where_it_is_defined(self) -> None:
        self.states(p5901=MOVED)
        found = self.result(self.single(self.first).host_of("web"))
        self.assertEqual(found, MachineHost(("node1",), runs=False, uuid=WEB))

    def test_a_host_that_is_away_matters_only_where_no_other_has_it(self) -> None:
        backend = self.backend(self.second, DOWN)
        self.assertEqual(self.result(backend.host_of(DB)).names, ("node2",))
        self.failure(backend.host_of(DB.replace("2a", "3a")), BackendError)
        self.failure(self.single(self.first).host_of("none"), VMNotFound)

    def test_a_number_means_a_machine_of_a_single_host_only(self) -> None:
        self.assertEqual(self.result(self.single(self.first).host_of("1")).uuid, WEB)
        self.failure(self.backend(self.first, self.second).host_of("1"), VMNotFound)

    def test_its_own_hosts(self) -> None:
        backend = self.backend(self.first, self.second)
        self.assertEqual(self.result(backend.own_hosts()), ["node1", "node2"])
        self.failure(self.backend(self.first, DOWN).own_hosts(), BackendError)
