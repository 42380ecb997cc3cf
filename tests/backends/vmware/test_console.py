"""Consoles where vSphere is of a version that the simulator does not play."""

from __future__ import annotations

from typing import Any

from pyVmomi import VmomiSupport, vim, vmodl
from twisted.trial.unittest import SynchronousTestCase

from tests.backends.vmware.test_settings import settings
from vncproxy.backends.vmware.console import NoTicket, locate
from vncproxy.errors import ConsoleUnavailable, NoGraphicalConsole, OverLimit
from vncproxy.model import ConsoleEndpoint, Transport

HOST = vim.HostSystem("host-3", None)
OPTIONS: Any = vim.option.OptionValue.Array  # type: ignore[attr-defined]
MACHINES: Any = VmomiSupport.GetVmodlType("vim.VirtualMachine[]")
NO_WEBMKS = vmodl.fault.InvalidArgument(invalidProperty="ticketType")


class _VSphere:
    """A vCenter with one machine that is on; ``vm-7`` on ``host-3``.

    Args:
        fault: what it answers when it is asked for a ticket.
        version: of its host.
    """

    is_single_host = False

    def __init__(self, console: str, fault: Any, version: str = "5.5.0") -> None:
        self.settings = settings(console=console)
        self.content = self.propertyCollector = self
        self.stub = self
        self._fault = fault
        port = vim.option.OptionValue(key="RemoteDisplay.vnc.port", value="5901")
        enabled = vim.option.OptionValue(key="RemoteDisplay.vnc.enabled", value="true")
        self._known: dict[str, Any] = {
            "name": "web",
            "config.template": False,
            "runtime.powerState": "poweredOn",
            "runtime.connectionState": "connected",
            "runtime.host": HOST,
            "config.extraConfig": OPTIONS([enabled, port]),
            "config.product.version": version,
            "vm": MACHINES(),
        }

    def RetrievePropertiesEx(self, specs: Any, _options: Any) -> Any:
        values = {path: self._known[path] for path in specs[0].propSet[0].pathSet}
        values = {**values, "name": "esx3"} if specs[0].objectSet[0].obj == HOST else values
        found = vmodl.query.PropertyCollector.ObjectContent(
            obj=specs[0].objectSet[0].obj,
            propSet=[vmodl.DynamicProperty(name=path, val=val) for path, val in values.items()],
        )
        return vmodl.query.PropertyCollector.RetrieveResult(objects=[found])

    def InvokeMethod(self, _machine: Any, method: Any, _arguments: Any) -> Any:
        assert method.name == "AcquireTicket", method.name
        raise self._fault


class VersionTests(SynchronousTestCase):
    def locate(self, *args: Any) -> ConsoleEndpoint:
        vsphere: Any = _VSphere(*args)
        return locate(vsphere, "vm-7")

    def test_without_tickets_auto_takes_the_vnc_server(self) -> None:
        found = self.locate("auto", NO_WEBMKS)
        self.assertEqual((found.transport, found.host, found.port), (Transport.TCP, "esx3", 5901))

    def test_without_tickets_nothing_but_auto_does(self) -> None:
        with self.assertRaises(NoTicket) as caught:
            self.locate("webmks", NO_WEBMKS)
        self.assertIn('vSphere before 6.0 needs console = "vnc"', str(caught.exception))

    def test_esxi_7_has_no_vnc_server_although_it_is_enabled(self) -> None:
        for version in ("7.0.3", "10.0"):
            with self.assertRaises(NoGraphicalConsole) as caught:
                self.locate("vnc", None, version)
            self.assertIn(f"web runs on ESXi {version}; ESXi 7", str(caught.exception))

    def test_another_machine_that_is_removed_at_that_moment_hides_nothing(self) -> None:
        vsphere: Any = _VSphere("vnc", None)
        other = vim.VirtualMachine("vm-8", None)
        vsphere._known["vm"] = MACHINES([other])
        real = vsphere.RetrievePropertiesEx

        def gone(specs: Any, options: Any) -> Any:
            if specs[0].objectSet[0].obj == other:
                raise vmodl.fault.ManagedObjectNotFound(obj=other)
            return real(specs, options)

        vsphere.RetrievePropertiesEx = gone
        with self.assertRaises(ConsoleUnavailable) as caught:
            locate(vsphere, "vm-7")
        self.assertIn("vm-8 is gone from the host", caught.exception.detail)

    def test_a_machine_between_two_states(self) -> None:
        with self.assertRaises(ConsoleUnavailable) as caught:
            self.locate("auto", vim.fault.InvalidPowerState())
        self.assertEqual(
            caught.exception.sentence(),
            "The virtual machine is changing its state; try again in a moment.",
        )

    def test_the_limit_of_viewers_is_no_state(self) -> None:
        for limit, words in ((1, "Somebody else has"), (3, "allows 3 viewers"), (0, "a few")):
            with self.assertRaises(OverLimit) as caught:
                self.locate("auto", vim.fault.MksConnectionLimitReached(connectionLimit=limit))
            self.assertIn(words, caught.exception.sentence())

    def test_a_refusal_of_rights_is_no_reason_to_take_the_vnc_server(self) -> None:
        with self.assertRaises(vim.fault.NoPermission):
            self.locate("auto", vim.fault.NoPermission(privilegeId="A"))
