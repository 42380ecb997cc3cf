"""A machine of a real libvirt is started, reset and switched off, by the page and the API."""

from __future__ import annotations

import atexit
from functools import cache
from typing import Any

from selenium.webdriver.common.by import By
from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR, Guest, PrivateLibvirtd, until

from .test_cli import vncproxy

ALL = ["start", "shutdown", "reboot", "reset", "off"]
KEY_COLOUR = (0, 255, 64)
REMEMBER_SIZES = """
    window.widths = [];
    setInterval(() => {
        const canvas = document.querySelector("#screen canvas");
        if (canvas && window.widths.at(-1) !== canvas.width) window.widths.push(canvas.width);
    }, 5);
"""
"""The screen has 720 pixels in a row until the machine has booted, and 640 then."""


class World:
    """A hypervisor, a proxy that may act, and one machine, which is off."""

    def __init__(self) -> None:
        self.host = PrivateLibvirtd().start()
        atexit.register(self.host.stop)
        self.gateway = Gateway(f"""
[tokens]
resume = 600
[backends.kvm]
type = "libvirt"
uri = "{self.host.uri}"
timeout = 20
power = true
[backends.looking]
type = "libvirt"
uri = "{self.host.uri}"
timeout = 20
""").start()
        atexit.register(self.gateway.stop)
        self.guest = Guest(self.host, "power", waits=2000).start()
        self.page = Page()


world = cache(World)


class PowerCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.world = world()
        self.gateway, self.page = self.world.gateway, self.world.page
        self.vm = f"kvm/{self.world.guest.uuid}"

    def tearDown(self) -> None:
        self.page.leave()
        self.assertNotIn("Traceback", self.gateway.log())

    def run_machine(self, on: bool) -> None:
        """Switch the machine on or off, where it is not."""
        if self.is_on() is not on:
            (self.world.guest.power_on if on else self.world.guest.power_off)()

    def is_on(self) -> bool:
        return bool(self.world.guest.domain().isActive())

    def link(self, *actions: str, **more: Any) -> dict[str, Any]:
        policy = {"power": list(actions), **more}
        issued: dict[str, Any] = self.gateway.issue(self.vm, policy=policy)
        return issued

    def press(self, name: str) -> None:
        """Click the element with this id, or else selector, once it can be seen."""
        selector = name if name[0] in "[." else f"#{name}"
        found = self.page.driver.find_element(By.CSS_SELECTOR, selector)
        until(found.is_displayed, name)
        found.click()

    def choose(self, action: str) -> None:
        """Choose an action of the menu, and agree to it."""
        self.press("power")
        self.press(f'[data-power="{action}"]')
        self.press("power-do")

    def notice(self) -> str:
        found = self.page.driver.find_elements(By.CSS_SELECTOR, "#notices .text")
        return " ".join(each.text for each in found)


class PageTests(PowerCase):
    def test_a_machine_that_is_off_is_started_reset_and_switched_off(self) -> None:
        self.run_machine(False)
        issued = self.link(*ALL)
        token = issued["token"]

        self.page.open(issued["url"])
        self.page.wait_for_reason("The virtual machine is shut off.")
        self.page.wait_for_state("ended")
        self.assertFalse(self.is_on())

        self.page.driver.execute_script(REMEMBER_SIZES)
        self.press("start")
        self.page.wait_for_pixel(*START_COLOUR)
        self.assertIn(720, self.page.driver.execute_script("return window.widths"))
        line = self.gateway.audit_of("power", token=token, action="start")
        self.assertEqual((line["outcome"], line["user"], line["vm"]), ("done", "alice", self.vm))
        session = self.gateway.audit_of("open", token=token)["session"]
        self.assertEqual(line["session"], session)

        self.page.type("1")
        self.page.wait_for_pixel(*KEY_COLOUR)
        self.choose("reset")
        self.page.wait_for_pixel(*START_COLOUR)
        until(lambda: "was reset." in self.notice(), "the notice")
        line = self.gateway.audit_of("power", token=token, action="reset")
        self.assertEqual((line["outcome"], line["session"]), ("done", session))
        self.page.driver.switch_to.active_element.send_keys("1")
        self.page.wait_for_pixel(*KEY_COLOUR)

        self.choose("shutdown")
        until(lambda: "was asked to shut down." in self.notice(), "the notice")
        self.gateway.audit_of("power", token=token, action="shutdown", outcome="asked")

        self.choose("off")
        self.page.wait_for_state("ended")
        self.page.wait_for_reason("The virtual machine is shut off.")
        self.assertFalse(self.is_on())
        self.gateway.audit_of("power", token=token, action="off", outcome="done")

        click = "document.getElementById('start').click();"
        self.page.driver.execute_script(click + click)
        self.page.wait_for_pixel(*START_COLOUR)
        outcomes = [each["outcome"] for each in self.powered(token, "start")]
        self.assertEqual(outcomes, ["done", "done"])

    def test_the_page_comes_back_after_a_reboot_with_a_new_console(self) -> None:
        self.run_machine(True)
        self.page.open(self.link("reboot", "reset", uses=0)["url"])
        self.page.wait_for_pixel(*START_COLOUR)
        self.page.type("2")
        self.choose("reboot")
        until(lambda: "was asked to reboot." in self.notice(), "the notice")
        self.world.guest.power_off()
        self.page.wait_for_reason("The virtual machine is shut off.")
        self.world.guest.power_on()
        self.page.wait_for_state("connected")
        self.page.wait_for_pixel(*START_COLOUR)

    def test_a_link_without_the_right_starts_nothing(self) -> None:
        self.run_machine(False)
        self.page.open(self.link("reset")["url"])
        self.page.wait_for_reason("The virtual machine is shut off.")
        self.assertFalse(self.page.driver.find_element(By.ID, "start").is_displayed())
        self.assertFalse(self.is_on())

    def powered(self, token: str, action: str = "start") -> list[dict[str, Any]]:
        """Return the audit lines of an action by a link, once there is one."""
        prefix = self.gateway.audit_of("power", token=token, action=action)["token"]
        lines = self.gateway.audit("power")
        return [each for each in lines if each.get("token") == prefix and each["action"] == action]


class ApiTests(PowerCase):
    def test_the_api_and_the_command_start_reset_and_switch_off(self) -> None:
        self.run_machine(False)
        for action in ("start", "reset"):
            body = {"vm": self.vm, "action": action}
            answer = self.gateway.call("POST", "/v1/power", body)
            self.assertEqual(answer, (200, {**body, "done": True}))
            self.assertTrue(self.is_on())
        url = f"http://127.0.0.1:{self.gateway.api_port}"
        key = {"VNCPROXY_API_KEY": self.gateway.key}
        done = vncproxy("power", self.vm, "off", "--api", url, **key)
        self.assertEqual((done.returncode, done.stdout), (0, f"{self.vm} is switched off\n"))
        self.assertFalse(self.is_on())
        done = vncproxy("power", self.vm, "off", "--api", url, **key)
        self.assertEqual(done.returncode, 1)
        self.assertIn("The virtual machine is shut off.", done.stderr)

    def test_a_backend_that_only_looks_does_nothing(self) -> None:
        self.run_machine(True)
        vm = self.vm.replace("kvm/", "looking/")
        status, answer = self.gateway.call("POST", "/v1/power", {"vm": vm, "action": "off"})
        self.assertEqual((status, answer["error"]["code"]), (422, "power-unsupported"))
        self.assertTrue(self.is_on())
