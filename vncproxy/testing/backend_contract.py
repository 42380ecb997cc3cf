"""The promises of a backend, as tests for third parties."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from twisted.internet.interfaces import IReactorTime
from twisted.internet.task import Clock
from twisted.internet.testing import MemoryReactorClock
from twisted.logger import Logger
from zope.interface.verify import verifyObject

from ..errors import UpstreamClosed, VMNotFound, VNCProxyError
from ..interfaces import (
    BackendContext,
    IBlockingCalls,
    IConsoleBackend,
    IConsoleRecovery,
    IHasWarnings,
    IKnowsConsoles,
    IMachineIds,
    IPower,
    IVMInventory,
    NamesOtherBackends,
)
from ..model import ConsoleElsewhere, ConsoleEndpoint, VMSummary

if TYPE_CHECKING:
    from twisted.trial.unittest import TestCase
else:
    TestCase = object

OPTIONAL = (IConsoleRecovery, IHasWarnings, IKnowsConsoles, IMachineIds, IPower, IVMInventory)
"""What a backend may provide beside `IConsoleBackend`."""


def backend_context(
    settings: Any,
    calls: IBlockingCalls,
    name: str = "tested",
    clock: IReactorTime | None = None,
) -> BackendContext:
    """Return a context for a test, whose clock and resolver are in memory."""
    return BackendContext(
        name=name,
        settings=settings,
        calls=calls,
        clock=clock or Clock(),
        resolver=MemoryReactorClock().nameResolver,
        log=Logger(namespace="vncproxy.testing"),
    )


class BackendContract(TestCase):
    """A mixin for a ``twisted.trial.unittest.TestCase`` that makes a backend of one class.

    Attributes:
        known_vm: the id of a machine that shows a console; empty when the test has none.
        unknown_vm: an id that no machine has.
    """

    known_vm = ""
    unknown_vm = "no-such-machine"

    def make_backend(self) -> Any:
        """Return a new backend, made with a `BackendContext`; the contract closes it."""
        raise NotImplementedError

    def contract_backend(self) -> Any:
        """Return a backend that is closed when the test is over."""
        backend = self.make_backend()
        self.addCleanup(backend.close)
        return backend

    def test_contract_class_has_strict_settings(self) -> None:
        """Unknown keys of a table are refused, and settings cannot be changed."""
        configuration = type(self.contract_backend()).Settings.model_config
        self.assertEqual(configuration.get("extra"), "forbid")
        self.assertTrue(configuration.get("frozen"))

    def test_contract_interfaces_are_provided_whole(self) -> None:
        """Every interface that is declared has all its methods, with the right arguments."""
        backend = self.contract_backend()
        self.assertTrue(verifyObject(IConsoleBackend, backend))
        for interface in OPTIONAL:
            if interface.providedBy(backend):
                self.assertTrue(verifyObject(interface, backend))

    async def test_contract_known_console_is_located(self) -> None:
        """A console has an endpoint, or an address in another backend."""
        if self.known_vm:
            found = await self.contract_backend().locate(self.known_vm)
            self.assertIsInstance(found, ConsoleEndpoint | ConsoleElsewhere)

    async def test_contract_unknown_machine_is_not_found(self) -> None:
        """A machine that does not exist is `VMNotFound`, and nothing else."""
        with self.assertRaises(VMNotFound):
            await self.contract_backend().locate(self.unknown_vm)

    async def test_contract_probe_is_one_line(self) -> None:
        """The probe says in one line what it has found."""
        line = await self.contract_backend().probe()
        self.assertEqual(line.splitlines(), [line])

    async def test_contract_warnings_are_lines(self) -> None:
        """Warnings are lines of text, before the probe and after it."""
        backend: Any = self.contract_backend()
        if IHasWarnings.providedBy(backend):
            warned = IHasWarnings(backend)
            before = warned.warnings()
            await IConsoleBackend(backend).probe()
            for line in (*before, *warned.warnings()):
                self.assertEqual(line.splitlines(), [line])

    async def test_contract_inventory_names_machines_that_can_be_located(self) -> None:
        """Machines are listed under one backend, each id once."""
        backend = self.contract_backend()
        if IVMInventory.providedBy(backend):
            machines = await backend.list()
            for machine in machines:
                self.assertIsInstance(machine, VMSummary)
            self.assertLessEqual(len({machine.vm.backend for machine in machines}), 1)
            self.assertEqual(len({machine.vm for machine in machines}), len(machines))

    async def test_contract_ids_are_told_from_names(self) -> None:
        """Listed machines have ids that no tenant chooses; other texts may have a fixed part."""
        backend: Any = self.contract_backend()
        if IMachineIds.providedBy(backend):
            ids = IMachineIds(backend)
            listed = await backend.list() if IVMInventory.providedBy(backend) else ()
            for machine in listed:
                self.assertEqual(ids.fixed_part(machine.vm.vm), machine.vm.vm)
            for text in ("a-name", "a/b/c", self.known_vm or "x"):
                fixed = ids.fixed_part(text)
                self.assertTrue(text.startswith(fixed))
                self.assertTrue(fixed in ("", text) or fixed.endswith("/"))

    async def test_contract_recovery_never_hides_a_refusal(self) -> None:
        """What a refusal means is one of our errors, and a host is a text."""
        backend = self.contract_backend()
        if IConsoleRecovery.providedBy(backend):
            self.assertIsInstance(backend.explain(UpstreamClosed("closed")), VNCProxyError)
            if self.known_vm:
                self.assertIsInstance(await backend.current_host(self.known_vm), str)

    def test_contract_settings_name_other_backends(self) -> None:
        """Settings that name other backends give texts."""
        settings = type(self.contract_backend()).Settings.model_construct()
        self.assertTrue(
            not hasattr(settings, "other_backends") or isinstance(settings, NamesOtherBackends)
        )

    async def test_contract_close_needs_no_connection(self) -> None:
        """A backend that was never asked anything closes."""
        await self.make_backend().close()
