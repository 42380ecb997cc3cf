"""Two proxies behind HAProxy are restarted one after the other, while users type."""

from __future__ import annotations

import atexit
import itertools
import os
import shutil
import signal
import ssl
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

from selenium.webdriver.common.action_chains import ActionChains
from twisted.trial.unittest import SynchronousTestCase

from tests.components.balancers import Certificate, HAProxy
from tests.components.chromium import Page
from tests.components.firefox import firefox
from tests.components.gateway import Gateway
from tests.components.libvirt_host import until
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer
from tests.components.vnc_servers import QemuMachine, typing_sector

STOP_TIMEOUT = 8
"""Seconds for which a TCP viewer stays."""

LONGEST_RETURN = 2.0
"""Seconds for which a browser may be without its console."""

GENEROUS = 3
"""Times as long as it may take on a busy machine."""

NAMES = ["north-1", "north-2"]

LETTERS = "abcdefghijklmnopqrstuvwxyz"

WATCH = """
    window.gaps = [];
    window.cards = 0;
    let left = 0;
    new MutationObserver(() => {
        const { state } = document.body.dataset;
        if (state === "connected") window.gaps.push((performance.now() - left) / 1000);
        else if (state === "moving") left ||= performance.now();
        if (document.querySelector("#overlay").checkVisibility()) window.cards++;
        if (state === "connected") left = 0;
    }).observe(document.body, {attributeFilter: ["data-state"]});
"""


class World:
    """Two proxies, what is behind them and what is in front of them."""

    def __init__(self) -> None:
        folder = Path(tempfile.mkdtemp(prefix="rolling-"))
        atexit.register(shutil.rmtree, folder)
        redis = RedisServer().start()
        atexit.register(redis.remove)
        self.machines = {
            name: QemuMachine(folder, name, sector=typing_sector(), vnc=",share=ignore").start()
            for name in ("typed", "typed_in_firefox", "viewed")
        }
        for machine in self.machines.values():
            atexit.register(machine.stop)
        certificate = Certificate(folder)
        self.trust = ssl.create_default_context(cafile=certificate.ca_file)
        self.haproxy = HAProxy(folder, certificate)
        config = f"""
[proxy]
name = "NAME"
workers = 2
stop_timeout = {STOP_TIMEOUT}
[limits]
sessions_per_vm = 1
[tokens]
store = "redis"
[redis]
port = {redis.port}
[backends.lab]
type = "static"
[backends.lab.consoles]
{self._consoles()}
"""
        self.proxies = [self._proxy(config.replace("NAME", name)) for name in NAMES]
        self.haproxy.start(self.proxies)

    def _consoles(self) -> str:
        lines = [
            f'{name} = {{ address = "127.0.0.1:{machine.port}" }}'
            for name, machine in self.machines.items()
        ]
        return "\n".join(lines)

    def _proxy(self, config: str) -> Gateway:
        gateway = Gateway(
            config,
            xvp="haproxy:tcp:{port}:interface=127.0.0.1",
            tables={"public": 'trusted_proxies = ["127.0.0.1/32"]'},
            base_url=f"https://localhost:{self.haproxy.web}/",
        )
        atexit.register(gateway.stop)
        return gateway.start()


world = cache(World)


class RollingRestartTests(SynchronousTestCase):
    timeout = 300

    def setUp(self) -> None:
        self.world = world()
        self.proxies = self.world.proxies

    def issue(self, name: str) -> dict[str, str]:
        # a page that moves keeps a machine that is not shared
        policy = {"sharing": "exclusive" if name.startswith("typed") else "shared"}
        issued = self.proxies[0].issue(f"lab/{name}", type="novnc", policy=policy)
        return {key: str(issued[key]) for key in ("token", "url", "id")}

    def serving_first(self, token_id: str) -> tuple[Gateway, Gateway]:
        """Return both proxies, first the one that has opened the console of a token."""
        first, second = self.proxies

        def serves(proxy: Gateway) -> bool:
            return any(token_id.startswith(line["token"]) for line in proxy.audit("open"))

        until(lambda: serves(first) or serves(second), "the audit")
        return (first, second) if serves(first) else (second, first)

    def wait_until_quiet(self, machine: QemuMachine) -> None:
        """Wait until a guest has received nothing for a while."""
        before = -1
        while before < (now := len(machine.typed())):
            before = now
            time.sleep(1.5)

    def restart(self, proxy: Gateway) -> float:
        """Restart a proxy; returns how long its stop took."""
        begun = time.monotonic()
        self.assertEqual(proxy.terminate(), -signal.SIGTERM)
        took = time.monotonic() - begun
        proxy.start()
        return took

    @contextmanager
    def typist(self, press: Callable[[str], object]) -> Iterator[list[str]]:
        """Let a user type without a pause; yields what was typed, which grows."""
        typed: list[str] = []
        over = threading.Event()

        def type_on() -> None:
            for letter in itertools.cycle(LETTERS):
                if over.wait(0.08):
                    return
                press(letter)
                typed.append(letter)

        thread = threading.Thread(target=type_on)
        thread.start()
        try:
            yield typed
        finally:
            over.set()
            thread.join()

    def type_through_restarts(
        self, press: Callable[[str], object], machine: QemuMachine, proxies: Sequence[Gateway]
    ) -> list[float]:
        """Restart proxies while a user types; returns how long each took to stop.

        The guest must have received each key, once and in order.
        """
        before = len(machine.typed())
        with self.typist(press) as typed:
            until(lambda: len(typed) > 10, "typing")
            stops = [self.restart(proxy) for proxy in proxies]
            so_far = len(typed)
            until(lambda: len(typed) > so_far + 10, "typing goes on")
        self.wait_until_quiet(machine)
        self.assertEqual(machine.typed()[before:], "".join(typed))
        return stops

    def check_returns(self, script: Callable[[str], Any], count: int) -> None:
        """Check how often and for how long a page had no console, and that it hid it never."""
        gaps = script("return window.gaps")
        print(f"the page was away for {gaps}")
        self.assertEqual(len(gaps), count)
        self.assertLess(max(gaps), LONGEST_RETURN * GENEROUS)
        self.assertEqual(script("return window.cards"), 0)

    def test_a_typing_user_sees_short_returns_and_no_key_is_lost_or_doubled(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        token = self.issue("typed")
        page.open(token["url"])
        page.wait_for_state("connected")
        page.type("")
        page.driver.execute_script(WATCH)

        stops = self.type_through_restarts(
            lambda letter: ActionChains(page.driver).send_keys(letter).perform(),
            self.world.machines["typed"],
            self.serving_first(token["id"]),
        )

        print(f"stops took {stops}")
        # from the first proxy to the second, and back
        self.check_returns(page.driver.execute_script, 2)

    def test_firefox_moves_as_well(self) -> None:
        driver = firefox("localhost")
        self.addCleanup(driver.quit)
        token = self.issue("typed_in_firefox")
        driver.navigate(token["url"])
        script = partial(driver.execute_script, sandbox=None)
        until(lambda: script("return document.body.dataset.state") == "connected", "Firefox")
        script(WATCH)

        def press(letter: str) -> None:
            keyboard = driver.actions.sequence("key", "keyboard")
            keyboard.key_down(letter).key_up(letter).perform()

        self.type_through_restarts(
            press,
            self.world.machines["typed_in_firefox"],
            self.serving_first(token["id"])[:1],
        )

        self.check_returns(script, 1)

    def test_a_proxy_is_drained_by_a_command_to_the_other_one(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        token = self.issue("typed")
        page.open(token["url"])
        page.wait_for_state("connected")
        serving, other = self.serving_first(token["id"])
        name = NAMES[self.proxies.index(serving)]
        page.driver.execute_script(WATCH)
        self.assertEqual(serving.call("GET", "/readyz")[0], 200)

        for _ in range(2):  # a user who presses twice
            self.assertEqual(
                self.vncproxy(other, "drain", name), "draining 2 processes; see vncproxy proxies\n"
            )

        until(lambda: page.driver.execute_script("return window.gaps.length"), "the move")
        self.check_returns(page.driver.execute_script, 1)
        self.assertEqual(serving.call("GET", "/readyz")[1]["parts"]["sessions"], "proxy-stopping")
        states = {each["name"]: each["draining"] for each in self.listed(other)}
        self.assertEqual(states, {each: each == name for each in NAMES})
        self.assertLess(self.restart(serving), 10)
        self.assertEqual(serving.call("GET", "/readyz")[0], 200)

    def listed(self, proxy: Gateway) -> list[dict[str, Any]]:
        proxies: list[dict[str, Any]] = proxy.call("GET", "/v1/proxies")[1]["proxies"]
        return proxies

    def vncproxy(self, proxy: Gateway, *words: str) -> str:
        """Run the command with the API of a proxy; returns what it prints."""
        api = {"VNCPROXY_API": f"http://127.0.0.1:{proxy.api_port}", "VNCPROXY_API_KEY": proxy.key}
        command = [str(Path(sys.executable).with_name("vncproxy")), *words]
        return subprocess.run(
            command, env={**os.environ, **api}, capture_output=True, text=True, check=True
        ).stdout

    def test_a_second_sigterm_ends_a_viewer_at_once(self) -> None:
        token = self.issue("viewed")
        viewer = Viewer.connect(self.world.haproxy.xvp, token["token"], tls=self.world.trust)
        self.addCleanup(viewer.close)
        serving, _ = self.serving_first(token["id"])
        drains = serving.log().count("draining: no new sessions")
        self.addCleanup(serving.start)
        os.kill(serving.pid, signal.SIGTERM)
        until(lambda: serving.log().count("draining: no new sessions") > drains, "the drain")
        begun = time.monotonic()

        os.kill(serving.pid, signal.SIGTERM)
        viewer.wait_for_end()
        took = time.monotonic() - begun
        viewer.close()

        self.assertLess(took, STOP_TIMEOUT - 3)
        self.assertEqual(serving.wait(), -signal.SIGTERM)
        self.assertEqual(serving.audit("close")[-1]["reason"], "proxy-stopping")
        self.assertNotIn("Traceback", serving.log())

    def test_a_tcp_viewer_stays_until_the_end_of_the_drain(self) -> None:
        token = self.issue("viewed")
        viewer = Viewer.connect(self.world.haproxy.xvp, token["token"], tls=self.world.trust)
        self.addCleanup(viewer.close)
        serving, _ = self.serving_first(token["id"])
        begun = time.monotonic()

        os.kill(serving.pid, signal.SIGTERM)
        self.addCleanup(serving.start)
        while time.monotonic() < begun + STOP_TIMEOUT - 2:
            viewer.key(ord("v"))
            viewer.pixel()
            time.sleep(0.2)
        viewer.wait_for_end()

        self.assertGreater(time.monotonic() - begun, STOP_TIMEOUT - 0.5)
        self.assertEqual(serving.terminate(), -signal.SIGTERM)
        self.assertEqual(serving.audit("close")[-1]["reason"], "proxy-stopping")
