"""The ironic backend over an SDK that answers as the real one does (test_ironic has that)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any, TypeVar

from twisted.internet.defer import Deferred
from twisted.trial.unittest import SynchronousTestCase
from zope.interface.verify import verifyObject

from vncproxy.backends.ironic.backend import IronicBackend
from vncproxy.backends.ironic.console import endpoint
from vncproxy.backends.ironic.machines import Ironic
from vncproxy.backends.ironic.settings import IronicSettings
from vncproxy.backends.ironic.states import state_text
from vncproxy.errors import (
    BackendError,
    ConsoleUnavailable,
    NoGraphicalConsole,
    UpstreamUntrusted,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.interfaces import (
    IConsoleBackend,
    IConsoleRecovery,
    IHasWarnings,
    IMachineIds,
    IMachineOwners,
    IVMInventory,
)
from vncproxy.model import Ownership, RFBSecurity, VMAddress, VMSummary
from vncproxy.testing import FakeCalls, backend_context

T = TypeVar("T")
E = TypeVar("E", bound=VNCProxyError)
UUID = "64a5ae3f-290b-48e2-81cb-662444dff505"
INFO = {"vnc_host": "192.0.2.7", "vnc_port": 40011, "novnc_secret_token": "******"}


def settings(**changes: Any) -> IronicSettings:
    return IronicSettings.model_validate({"cloud": "metal", **changes})


class Failure(Exception):
    """An error as the SDK raises it."""

    def __init__(self, status: int, text: str = "refused") -> None:
        super().__init__(text)
        self.status_code = status


Failure.__module__ = "openstack.exceptions"


class Api:
    """``connection.baremetal`` with one node.

    Attributes:
        delay: how often it is asked until the console runs.
    """

    def __init__(self) -> None:
        self.node_of = SimpleNamespace(
            id=UUID,
            name="metal-01",
            power_state="power on",
            owner="p1",
            is_console_enabled=False,
            console_interface="redfish-graphical",
            driver_internal_info=INFO,
            last_error=None,
        )
        self.delay = 2
        self.kind = "vnc"
        self.started = 0
        self.failure: Exception | None = None

    def get_node(self, vm: str) -> Any:
        if self.failure:
            raise self.failure
        if vm not in (UUID, "metal-01"):
            raise Failure(404)
        return self.node_of

    def enable_node_console(self, node: Any) -> None:
        if node.console_interface == "no-console":
            raise Failure(400, "Driver redfish does not support console")
        self.started += 1

    def get_node_console(self, node: Any) -> dict[str, Any]:
        if self.started:
            self.delay -= 1
        runs = self.node_of.is_console_enabled or (self.started > 0 and self.delay < 0)
        return {"console_enabled": runs, "console_info": {"type": self.kind} if runs else None}

    def nodes(self, fields: object) -> list[Any]:
        if self.failure:
            raise self.failure
        nameless = SimpleNamespace(id="0", name=None, power_state=None, owner=None)
        return [self.node_of, nameless]


class IronicCase(SynchronousTestCase):
    def setUp(self) -> None:
        self.api = Api()
        self.now = 0.0
        self.backend = IronicBackend(backend_context(settings(), FakeCalls(), "metal"))
        self.ironic = self.made()
        self.patch(self.backend, "_ironic", self.ironic)

    def made(self, **changes: Any) -> Ironic:
        cloud: Any = SimpleNamespace(connection=lambda: SimpleNamespace(baremetal=self.api))
        return Ironic(cloud, settings(**changes), lambda: self.now, self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds

    def result(self, answer: Awaitable[T]) -> T:
        return self.successResultOf(Deferred.fromCoroutine(answer))  # type: ignore[arg-type]

    def failed(self, call: Callable[[], object], kind: type[E]) -> E:
        error: Any = self.assertRaises(kind, call)
        assert isinstance(error, kind)
        return error


class LocateTests(IronicCase):
    def test_a_console_is_started_and_waited_for(self) -> None:
        found = self.ironic.locate("metal-01")

        self.assertEqual((found.host, found.port, found.name), ("192.0.2.7", 40011, "metal-01"))
        self.assertEqual(found.handshakes, (RFBSecurity(),))
        self.assertEqual((self.api.started, round(self.now, 1)), (1, 0.6))

    def test_one_that_runs_is_not_started(self) -> None:
        self.api.node_of.is_console_enabled = True
        self.assertEqual(str(self.ironic.locate(UUID)), "tcp:192.0.2.7:40011")
        self.assertEqual(self.api.started, 0)

    def test_one_that_does_not_start(self) -> None:
        self.api.delay = 1000
        self.api.node_of.last_error = "Error enabling the console: no podman"
        error = self.failed(lambda: self.ironic.locate(UUID), ConsoleUnavailable)
        self.assertEqual(error.sentence(), "The virtual machine is starting its console.")
        self.assertIn("did not start in 8 s", error.detail)
        self.assertIn("no podman", error.detail)

    def test_slow_answers_count_in_the_time_of_the_start(self) -> None:
        """The default limit of a session, 10 s, must not end it without the reason."""
        self.api.delay = 10_000
        asked = self.api.get_node

        def slow(vm: str) -> Any:
            self.now += 1.5
            return asked(vm)

        self.patch(self.api, "get_node", slow)
        self.failed(lambda: self.ironic.locate(UUID), ConsoleUnavailable)
        self.assertLess(self.now, 10)

    def test_consoles_that_are_not_graphical(self) -> None:
        for interface in ("no-console", "ipmitool-socat", "ipmitool-shellinabox"):
            self.api.node_of.console_interface = interface
            self.failed(lambda: self.ironic.locate(UUID), NoGraphicalConsole)
        self.assertEqual(self.api.started, 0)
        self.api.kind, self.api.node_of.is_console_enabled = "socat", True
        self.failed(lambda: self.ironic.locate(UUID), NoGraphicalConsole)

    def test_a_node_that_does_not_exist(self) -> None:
        for vm in ("metal-9", "..", ".", "a/b", "a?b", "a b", "ü", "x" * 256, ""):
            with self.subTest(vm=vm):
                self.failed(lambda vm=vm: self.ironic.locate(vm), VMNotFound)  # type: ignore[misc]

    def test_refusals_say_what_to_do(self) -> None:
        for status, words in (
            (401, "check the account"),
            (403, "baremetal:node:get_console"),
            (406, "too old"),
            (500, "Failure: refused"),
        ):
            self.api.failure = Failure(status)
            error = self.failed(lambda: self.ironic.locate(UUID), BackendError)
            self.assertIn(words, error.detail)
            self.assertIsNone(error.__cause__)


class EndpointTests(SynchronousTestCase):
    def test_a_host_that_is_dialled_elsewhere(self) -> None:
        found = endpoint(INFO, {"192.0.2.7": "10.0.0.7"}, "n")
        self.assertEqual(found.host, "10.0.0.7")

    def test_an_ipv6_address_as_podman_tells_it(self) -> None:
        self.assertEqual(
            endpoint({**INFO, "vnc_host": "[2001:db8::1]"}, {}, "n").host, "2001:db8::1"
        )

    def test_this_machine_itself_is_not_dialled_blindly(self) -> None:
        for host in ("127.0.0.1", "localhost", "0.0.0.0", "::1", "[::]"):
            info = {**INFO, "vnc_host": host}
            error: Any = self.assertRaises(BackendError, endpoint, info, {}, "n")
            self.assertIn("is not dialled blindly", error.detail)
        found = endpoint({**INFO, "vnc_host": "127.0.0.1"}, {"127.0.0.1": "127.0.0.1"}, "n")
        self.assertTrue(found.allow_loopback)

    def test_what_cannot_be_dialled(self) -> None:
        for info in (
            {"vnc_host": 5},
            {**INFO, "vnc_port": "x"},
            {**INFO, "vnc_port": 0},
            {**INFO, "vnc_host": "a b"},
            {**INFO, "vnc_port": True},
        ):
            error: Any = self.assertRaises(BackendError, endpoint, info, {}, "n")
            self.assertIn("that can be dialled", error.detail)

    def test_what_is_not_told(self) -> None:
        for info in (None, {}, {"content": "** Redacted - requires … permission. **"}):
            error: Any = self.assertRaises(BackendError, endpoint, info, {}, "n")
            self.assertIn("baremetal:node:get:driver_internal_info", error.detail)


class BackendTests(IronicCase):
    def test_it_keeps_the_interfaces(self) -> None:
        for interface in (
            IConsoleBackend,
            IConsoleRecovery,
            IHasWarnings,
            IMachineIds,
            IMachineOwners,
            IVMInventory,
        ):
            self.assertTrue(verifyObject(interface, self.backend))

    def test_nodes_are_listed_by_name(self) -> None:
        expected = [
            VMSummary(VMAddress("metal", "0"), "0", "in an unknown power state"),
            VMSummary(VMAddress("metal", UUID), "metal-01", "running"),
        ]
        self.assertEqual(self.result(self.backend.list()), expected)

    def test_owners(self) -> None:
        found = self.result(self.backend.owners([UUID, "0", "9"]))
        self.assertEqual(found, {UUID: Ownership("p1"), "0": Ownership()})

    def test_a_uuid_alone_is_an_id(self) -> None:
        self.assertEqual(self.backend.fixed_part(UUID), UUID)
        self.assertEqual(self.backend.fixed_part("metal-01"), "")

    def test_a_container_that_ended_is_started_again(self) -> None:
        refusal = UpstreamUntrusted("gone")
        self.assertEqual(self.result(self.backend.relocate(UUID, refusal)).port, 40011)
        self.assertIs(self.backend.explain(refusal), refusal)
        self.assertEqual(self.result(self.backend.current_host(UUID)), "")

    def test_a_probe_counts_nodes(self) -> None:
        told = self.result(self.backend.probe())
        self.assertEqual(told, "ironic of cloud metal has 2 nodes")
        self.assertEqual(self.backend.warnings(), [])
        self.result(self.backend.close())

    def test_states_in_words(self) -> None:
        for power, words in (
            ("power on", "running"),
            ("power off", "powered off"),
            ("error", "in an unknown power state"),
            ("soft power off", "in the power state soft power off"),
        ):
            self.assertEqual(state_text(power), words)
