"""A proxy on each of two hypervisors, behind address translation, and machines that move.

They have one Redis. Needs root: each host is a set of namespaces with a libvirtd of its own.
"""

from __future__ import annotations

import atexit
from functools import cache

from tests.components.host_proxies import OF_HOST, OF_ISSUER, XVP, HostProxy, with_redis
from tests.components.host_proxies_case import HostProxiesCase, HostsWorld
from tests.components.libvirt_host import KEY_COLOURS, until
from tests.components.portal import Portal, example
from tests.components.redis_server import RedisServer
from tests.components.viewer import Refused


class WithRedis(HostsWorld):
    """Proxies that share a Redis."""

    def start_proxies(self) -> None:
        redis = RedisServer()
        redis.options += ["--bind", "0.0.0.0", "--protected-mode", "no"]
        redis.start()
        atexit.register(redis.stop)
        at = self.hosts.own_address, redis.port
        for host in self.both:
            public = self.public.addresses[host.name]
            self.proxies[host.name] = HostProxy(host, public, with_redis(OF_HOST, *at))
            self.proxies[host.name].start()
        self.issuer = self.central(with_redis(OF_ISSUER, *at)).start()

    def are_ready(self) -> bool:
        _, answer = self.issuer.call("GET", "/v1/proxies")
        told = sorted(each["serves"] for each in answer["proxies"])
        return told == sorted([[], *([host.name] for host in self.both)])


world = cache(WithRedis)


class WithRedisCase(HostProxiesCase):
    def setUp(self) -> None:
        self.world = world()
        super().setUp()


class IssueTests(WithRedisCase):
    def test_a_link_leads_to_the_proxy_of_the_machines_host(self) -> None:
        for _ in self.world.both:
            url = self.world.issuer.issue(self.vm, check=True)["url"]
            self.assertTrue(url.startswith(f"{self.web(self.here())}?token="), url)
            self.migrate()

    def test_every_proxy_issues_for_machines_of_others(self) -> None:
        url = self.world.proxies[self.other().name].issue(self.vm, check=True)["url"]

        self.assertTrue(url.startswith(self.web(self.here())), url)

    def test_a_machine_that_no_host_has(self) -> None:
        for gateway in (self.world.issuer, *self.world.proxies.values()):
            status, answer = gateway.call("POST", "/v1/tokens", {"vm": "kvm/none", "user": "x"})
            self.assertEqual((status, answer["error"]["code"]), (422, "vm-not-found"))


class DrainTests(WithRedisCase):
    def test_a_host_whose_proxy_drains_has_none(self) -> None:
        self.addCleanup(self.start_again, self.here().name)
        self.world.issuer.call("POST", f"/v1/proxies/{self.here().name}/drain")

        status, answer = self.world.issuer.call("POST", "/v1/tokens", {"vm": self.vm, "user": "x"})

        self.assertEqual((status, answer["error"]["code"]), (503, "no-proxy"))
        name = self.here().name
        words = f"the host {name} has no proxy that takes consoles: the proxy {name} drains"
        self.assertEqual(answer["error"]["message"], words)

    def start_again(self, name: str) -> None:
        proxy = self.world.proxies[name]
        proxy.terminate()
        proxy.start()
        until(self.world.are_ready, "the proxy that was started again")


class ViewerTests(WithRedisCase):
    def test_a_viewer_is_told_where_the_machine_is_and_its_link_is_good_there(self) -> None:
        token = self.world.issuer.issue(self.vm, type="xvpvnc")["token"]
        left = self.here()
        self.migrate()

        with self.assertRaises(Refused) as refused:
            self.connect(left, token)

        there = f"{self.address(self.here())}:{XVP}"
        words = f"The virtual machine runs on another host now. Open the same link at {there}."
        self.assertEqual(str(refused.exception), f"421 {words}")
        viewer = self.connect(self.here(), token)
        viewer.key(ord("1"))
        viewer.wait_for_pixel(KEY_COLOURS["1"])


class BrowserTests(WithRedisCase):
    def test_the_page_follows_a_machine_that_moved_before_it_was_opened(self) -> None:
        url = self.world.issuer.issue(self.vm)["url"]
        self.migrate()
        page = self.page()

        page.open(f"{url}&title=mine")

        self.wait_for_screen(page, self.here(), "1")
        page.reload()
        at = self.wait_for_screen(page, self.here(), "2")
        self.assertIn("title=mine", at)

    def test_a_page_in_the_frame_of_a_portal_follows_too(self) -> None:
        portal = Portal()
        self.addCleanup(portal.stop)
        origin = f"http://127.0.0.1:{portal.port}"
        policy = {"allowed_origins": [origin]}
        portal.page = example(self.world.issuer.issue(self.vm, policy=policy)["url"])
        self.migrate()
        page = self.page()

        page.open(origin)
        self.addCleanup(page.driver.switch_to.default_content)
        page.driver.switch_to.frame(0)

        self.wait_for_screen(page, self.here(), "1")

    def test_the_page_follows_a_machine_that_moves_while_it_is_open(self) -> None:
        page = self.page()
        page.open(self.world.issuer.issue(self.vm)["url"])
        self.wait_for_screen(page, self.here(), "1")

        for key in ("2", "4"):
            self.migrate()

            at = self.wait_for_screen(page, self.here(), key)
            self.assertNotIn("reenter", at)
        page.reload()
        self.wait_for_screen(page, self.here(), "1")
