"""Tasks of XAPI and vSphere start, stop and reset machines: XenAPI and pyvmomi are real."""

from __future__ import annotations

from typing import Any

from twisted.internet.defer import Deferred

from tests.components.vsphere_case import NAME, BackendCase
from tests.components.xen_pool_case import PASSWORD, USER, PoolTestCase, world
from vncproxy.backends.xen.backend import XenBackend
from vncproxy.backends.xen.settings import XenSettings
from vncproxy.errors import (
    PowerDenied,
    PowerStateUnfit,
    PowerUnsupported,
    VMNotFound,
    VNCProxyError,
)
from vncproxy.interfaces import IPower
from vncproxy.model import PowerAction
from vncproxy.testing import FakeCalls, backend_context

START, SHUTDOWN, REBOOT, RESET, OFF = PowerAction


class XenTests(PoolTestCase):
    def setUp(self) -> None:
        super().setUp()
        self.backend = self.backend_as(USER)

    def backend_as(self, user: str) -> XenBackend:
        table = {
            "url": self.url(),
            "username": user,
            "password": PASSWORD,
            "tls": {"ca_file": world().ca_file},
            "power": True,
        }
        settings = XenSettings.model_validate(table)
        return XenBackend(backend_context(settings, FakeCalls(), "pool"))

    def act(self, action: PowerAction, vm: str = "") -> bool:
        acting = Deferred.fromCoroutine(self.backend.power(vm or self.vm.uuid, action))
        return bool(self.successResultOf(acting))

    def refused(self, kind: type[VNCProxyError], action: PowerAction, vm: str = "") -> Any:
        acting = Deferred.fromCoroutine(self.backend.power(vm or self.vm.uuid, action))
        return self.failureResultOf(acting, kind).value

    def test_each_action_is_one_task(self) -> None:
        self.assertTrue(IPower.providedBy(self.backend))
        self.assertEqual([self.act(each) for each in (REBOOT, RESET, OFF)], [False, True, True])
        self.assertEqual(self.vm.power_state, "Halted")
        self.assertTrue(self.act(START))
        self.assertFalse(self.act(SHUTDOWN))
        asked = [what for what, _ in self.pool.acts]
        words = ["clean_reboot", "hard_reboot", "hard_shutdown", "start", "clean_shutdown"]
        self.assertEqual(asked, words)
        self.assertEqual(self.pool.tasks, {})

    def test_a_state_that_does_not_fit_is_told_and_nothing_asked(self) -> None:
        error = self.refused(PowerStateUnfit, START)
        self.assertEqual(error.sentence(), "The virtual machine is running.")
        self.vm.power_state = "Suspended"
        self.refused(PowerStateUnfit, START)
        self.assertEqual(self.pool.acts, [])

    def test_a_suspended_one_can_be_switched_off_and_not_reset(self) -> None:
        self.vm.power_state = "Suspended"
        error = self.refused(PowerStateUnfit, RESET)
        self.assertEqual(error.sentence(), "The virtual machine is suspended.")
        self.assertTrue(self.act(OFF))
        self.assertEqual(self.vm.power_state, "Halted")

    def test_a_guest_that_does_not_react_is_switched_off(self) -> None:
        self.act(RESET)
        self.pool.slow.add("clean_shutdown")
        self.pool._begin(next(iter(self.pool.sessions)), "clean_shutdown", self.vm.ref)
        self.refused(PowerStateUnfit, REBOOT)
        self.assertTrue(self.act(OFF))
        self.assertEqual(self.vm.power_state, "Halted")

    def test_one_that_was_started_meanwhile_is_told(self) -> None:
        self.vm.power_state = "Halted"
        begin = self.pool._begin

        def late(*arguments: Any) -> str:
            self.vm.power_state = "Running"
            return begin(*arguments)

        self.patch(self.pool, "_begin", late)
        error = self.refused(PowerStateUnfit, START)
        self.assertEqual(error.sentence(), "The virtual machine is running.")

    def test_a_guest_without_tools_cannot_be_asked(self) -> None:
        self.vm.has_tools = False
        error = self.refused(PowerUnsupported, SHUTDOWN)
        self.assertIn("has no Xen tools", error.sentence())

    def test_the_hosts_own_domain_is_no_machine(self) -> None:
        dom0 = self.pool.add("Control domain", kind="is_control_domain")
        for vm in (dom0.uuid, "Control domain"):
            self.refused(VMNotFound, OFF, vm)
        self.assertEqual((self.pool.acts, dom0.power_state), ([], "Running"))

    def test_an_account_that_may_only_look_is_told(self) -> None:
        self.pool.accounts["viewer"] = PASSWORD
        self.pool.viewers_only.add("viewer")
        self.backend = self.backend_as("viewer")
        self.refused(PowerDenied, OFF)
        self.assertEqual((self.pool.acts, self.vm.power_state), ([], "Running"))

    def test_a_lost_login_repeats_the_question_and_no_action(self) -> None:
        self.act(RESET)
        self.pool.expire()
        self.assertTrue(self.act(RESET))
        self.assertEqual(len(self.pool.acts), 2)

    def test_it_is_off_when_it_is_halted(self) -> None:
        found = []
        for state in ("Running", "Halted"):
            self.vm.power_state = state
            asked = Deferred.fromCoroutine(self.backend.is_off(self.vm.uuid))
            found.append(self.successResultOf(asked))
        self.assertEqual(found, [False, True])


class VSphereTests(BackendCase):
    def setUp(self) -> None:
        super().setUp()
        self.backend = self.backend_of(power=True)
        self.addCleanup(self.switch_on)

    def switch_on(self) -> None:
        if not self.is_on():
            self.vsphere.set_power(NAME, True)

    async def refused(self, kind: type[VNCProxyError], action: PowerAction) -> Any:
        return await self.failure(self.backend.power(NAME, action), kind)

    def is_on(self) -> bool:
        with self.vsphere.machine(NAME) as machine:
            return bool(machine.runtime.powerState == "poweredOn")

    async def test_it_is_switched_off_and_on_once(self) -> None:
        self.assertTrue(await self.backend.power(NAME, OFF))
        self.assertEqual((self.is_on(), await self.backend.is_off(NAME)), (False, True))
        error = await self.refused(PowerStateUnfit, OFF)
        self.assertEqual(error.sentence(), "The virtual machine is powered off.")
        self.assertTrue(await self.backend.power(NAME, START))
        self.assertEqual((self.is_on(), await self.backend.is_off(NAME)), (True, False))
        error = await self.refused(PowerStateUnfit, START)
        self.assertEqual(error.sentence(), "The virtual machine is running.")

    async def test_it_is_reset(self) -> None:
        self.assertTrue(await self.backend.power(NAME, RESET))
        self.assertTrue(self.is_on())

    async def test_its_guest_is_asked_by_the_tools(self) -> None:
        # the simulator has no RebootGuest, as servers before its time
        await self.refused(PowerUnsupported, REBOOT)
        self.assertTrue(self.is_on())
        self.assertFalse(await self.backend.power(NAME, SHUTDOWN))
        self.assertFalse(self.is_on())
