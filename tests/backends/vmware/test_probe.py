"""What a check finds in the way of vSphere's consoles, over doubles of its objects."""

from __future__ import annotations

from types import SimpleNamespace as Thing
from typing import Any

from pyVmomi import vim, vmodl
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.vmware.test_settings import settings
from vncproxy.backends.vmware import probe as vmware_probe
from vncproxy.backends.vmware.probe import PRIVILEGE, probe
from vncproxy.backends.vmware.properties import Properties

WEB, DB = "vim.VirtualMachine:vm-1", "vim.VirtualMachine:vm-2"


class Authorization:
    """Tells what the account may do; ``refused`` are the machines whose consoles it may not."""

    def __init__(self, *refused: str) -> None:
        self.refused = refused
        self.asked: list[Any] = []

    def HasPrivilegeOnEntities(self, entities: list[str], session: str, ids: list[str]) -> Any:
        self.asked.append((entities, session, ids))
        if "fault" in self.refused:
            raise vmodl.fault.NotSupported
        return [
            Thing(entity=each, privAvailability=[Thing(isGranted=each not in self.refused)])
            for each in entities
        ]


class ProbeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.machines = {WEB: "web%2f01", DB: "db"}
        self.hosts = {"esx1": "connected", "esx2": "connected"}
        self.authorization = Authorization()
        self.closed: dict[tuple[str, int], str] = {}
        self.dialled: list[tuple[str, int]] = []
        self.patch(vmware_probe, "describe", lambda _vsphere: "VMware vCenter Server 8.0.3")
        self.patch(vmware_probe, "read_all", self.read_all)
        self.patch(vmware_probe, "out_of_reach", self.out_of_reach)

    def read_all(self, _vsphere: Any, kind: type, *_paths: str) -> list[Properties]:
        if kind is vim.VirtualMachine:
            return [Properties(vm, {"name": name}, {}) for vm, name in self.machines.items()]
        return [
            Properties(name, {"name": name, "runtime.connectionState": state}, {})
            for name, state in self.hosts.items()
        ]

    def out_of_reach(
        self, addresses: Any, seconds: float, written: Any
    ) -> dict[tuple[str, int], str]:
        self.dialled = list(addresses)
        self.assertLessEqual(seconds, 2.0)
        return self.closed

    def problems(self, *, single: bool = False, **table: object) -> tuple[str, ...]:
        session = Thing(currentSession=Thing(key="52-session"))
        content = Thing(sessionManager=session, authorizationManager=self.authorization)
        vsphere: Any = Thing(settings=settings(**table), content=content, is_single_host=single)
        return probe(vsphere).problems

    def test_nothing_is_in_the_way(self) -> None:
        self.assertEqual(self.problems(), ())
        self.assertEqual(self.dialled, [("esx1", 443), ("esx2", 443)])
        self.assertEqual(self.authorization.asked, [([WEB, DB], "52-session", [PRIVILEGE])])

    def test_a_host_that_cannot_be_dialled(self) -> None:
        self.closed = {("10.0.0.32", 443): "Connection refused"}
        (told,) = self.problems(addresses={"esx2": "10.0.0.32"})
        self.assertEqual(self.dialled, [("esx1", 443), ("10.0.0.32", 443)])
        self.assertIn("host esx2 at 10.0.0.32, port 443, cannot be reached: Connection ref", told)

    def test_a_host_that_is_called_localhost_is_told_and_not_dialled(self) -> None:
        self.hosts = {"localhost": "connected", "esx2": "connected"}
        (told,) = self.problems()
        self.assertIn("'localhost', which is this machine itself", told)
        self.assertEqual(self.dialled, [("esx2", 443)])

    def test_a_host_without_vcenters_connection_is_not_dialled(self) -> None:
        self.hosts["esx1"] = "disconnected"
        self.problems()
        self.assertEqual(self.dialled, [("esx2", 443)])

    def test_a_single_host_is_dialled_as_its_api(self) -> None:
        self.hosts = {"localhost.localdomain": "connected"}
        self.problems(single=True, host="esx1.example.com")
        self.assertEqual(self.dialled, [("esx1.example.com", 443)])

    def test_vnc_servers_have_no_port_in_common(self) -> None:
        self.problems(console="vnc")
        self.assertEqual(self.dialled, [])

    def test_machines_whose_consoles_the_account_may_not_open(self) -> None:
        self.authorization = Authorization(WEB)
        (told,) = self.problems()
        self.assertIn(f"may not {PRIVILEGE} on 1 of 2 machines, such as 'web/01'", told)
        self.assertNotIn("52-session", told)

    def test_a_server_that_does_not_tell_what_the_account_may_do(self) -> None:
        self.authorization = Authorization("fault")
        self.assertEqual(self.problems(), ())

    def test_without_machines_it_is_not_asked(self) -> None:
        self.machines.clear()
        self.problems()
        self.assertEqual(self.authorization.asked, [])
