"""Properties of managed objects, over a double of pyvmomi's stub."""

from __future__ import annotations

from typing import Any

from pyVmomi import vim, vmodl
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.vmware.test_settings import settings
from tests.doubles.vsphere import FakeStub, found, vsphere
from vncproxy.backends.vmware.properties import Properties, read, read_all

MACHINE = vim.VirtualMachine("vm-7", None)


class PropertiesTests(SynchronousTestCase):
    def read(self, *objects: Any) -> Properties:
        return read(vsphere(FakeStub(objects), settings()), MACHINE, "name")

    def test_pages_are_read_to_the_last(self) -> None:
        names = {"vm-1": "a", "vm-2": "b", "vm-3": "c"}
        stub = FakeStub(found(vim.VirtualMachine(vm, None), {"name": n}) for vm, n in names.items())
        told = read_all(vsphere(stub, settings()), vim.VirtualMachine, "name")
        self.assertEqual([each.values["name"] for each in told], ["a", "b", "c"])
        self.assertEqual(len(stub.called("DestroyView")), 1)

    def test_an_object_that_is_gone(self) -> None:
        with self.assertRaises(vmodl.fault.ManagedObjectNotFound):
            self.read()

    def test_what_may_not_be_read_is_told_when_it_is_needed(self) -> None:
        fault = vim.fault.NoPermission(object=MACHINE, privilegeId="System.Read")
        told = self.read(found(MACHINE, {}, ("name", fault)))
        with self.assertRaises(vim.fault.NoPermission):
            told.required("name")

    def test_a_login_that_has_ended_is_told_at_once(self) -> None:
        fault = vim.fault.NotAuthenticated(object=MACHINE, privilegeId="System.Read")
        with self.assertRaises(vim.fault.NotAuthenticated):
            self.read(found(MACHINE, {}, ("name", fault)))
