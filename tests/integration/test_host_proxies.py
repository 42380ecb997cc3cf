"""A proxy on each of two hypervisors, behind address translation, and machines that move.

Needs root: each host is a set of namespaces with a libvirtd of its own.
"""

from __future__ import annotations

import atexit
from functools import cache

from twisted.trial.unittest import SynchronousTestCase

from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.host_proxies import WEB, XVP, HostProxy
from tests.components.libvirt_host import KEY_COLOURS, Guest, until
from tests.components.nat import Translation
from tests.components.redis_server import RedisServer
from tests.components.two_hosts import NetworkedHost, migrate, two_hosts
from tests.components.viewer import Refused, Viewer

NOWHERE = "<graphics type='vnc'><listen type='none'/></graphics>"


class World:
    """Two hosts with a proxy each, an issuer that shows no console itself, and a guest."""

    def __init__(self) -> None:
        self.hosts = two_hosts()
        self.both = (self.hosts.first, self.hosts.second)
        self.public = Translation(self.hosts)
        atexit.register(self.public.stop)
        redis = RedisServer()
        redis.options += ["--bind", "0.0.0.0", "--protected-mode", "no"]
        redis.start()
        atexit.register(redis.stop)
        at = f'host = "{self.hosts.own_address}"\nport = {redis.port}'
        shared = f'[tokens]\nstore = "redis"\n[redis]\n{at}\n'
        self.proxies = {
            host.name: HostProxy(host, self.public.addresses[host.name], shared).start()
            for host in self.both
        }
        uris = [host.uri for host in self.both]
        backend = f'[backends.kvm]\ntype = "libvirt"\nuris = {uris}\n'
        serves = '[proxy]\nname = "issuer"\nserves = []\n'
        self.issuer = Gateway(serves + shared + backend).start()
        for gateway in (self.issuer, *self.proxies.values()):
            atexit.register(gateway.stop)
        self.guest = Guest(self.hosts.first, "mover", NOWHERE).start()
        until(self.all_serve, "what the proxies serve")

    def all_serve(self) -> bool:
        """Return whether both proxies have announced their hosts."""
        _, answer = self.issuer.call("GET", "/v1/proxies")
        told = {each["name"]: each["serves"] for each in answer["proxies"]}
        return told == {"issuer": [], **{host.name: [host.name] for host in self.both}}


world = cache(World)


class HostProxiesCase(SynchronousTestCase):
    """The guest, on whichever host the last test has left it."""

    timeout = 180

    def setUp(self) -> None:
        self.world = world()
        self.guest = self.world.guest
        self.vm = f"kvm/{self.guest.uuid}"

    def here(self) -> NetworkedHost:
        host = self.guest.host
        assert isinstance(host, NetworkedHost)
        return host

    def other(self) -> NetworkedHost:
        first, second = self.world.both
        return second if self.guest.host is first else first

    def web(self, host: NetworkedHost) -> str:
        return f"http://{self.world.public.addresses[host.name]}:{WEB}/"

    def migrate(self) -> None:
        migrate(self.guest, self.other())


class IssueTests(HostProxiesCase):
    def test_a_link_leads_to_the_proxy_of_the_machines_host(self) -> None:
        for _ in self.world.both:
            url = self.world.issuer.issue(self.vm)["url"]
            self.assertTrue(url.startswith(f"{self.web(self.here())}?token="), url)
            self.migrate()

    def test_every_proxy_issues_for_machines_of_others(self) -> None:
        url = self.world.proxies[self.other().name].issue(self.vm)["url"]

        self.assertTrue(url.startswith(self.web(self.here())), url)


class ViewerTests(HostProxiesCase):
    def connect(self, host: NetworkedHost, token: str) -> Viewer:
        address = self.world.public.addresses[host.name]
        viewer = Viewer.connect(XVP, token, host=address)
        self.addCleanup(viewer.close)
        return viewer

    def test_a_viewer_is_told_where_the_machine_is_and_its_link_is_good_there(self) -> None:
        token = self.world.issuer.issue(self.vm, type="xvpvnc")["token"]
        left = self.here()
        self.migrate()

        with self.assertRaises(Refused) as refused:
            self.connect(left, token)

        there = f"{self.world.public.addresses[self.here().name]}:{XVP}"
        self.assertEqual(
            str(refused.exception),
            f"421 The virtual machine runs on another host now. Open the same link at {there}.",
        )
        viewer = self.connect(self.here(), token)
        viewer.key(ord("1"))
        viewer.wait_for_pixel(KEY_COLOURS["1"])


class BrowserTests(HostProxiesCase):
    def setUp(self) -> None:
        super().setUp()
        self.page = Page()
        self.addCleanup(self.page.leave)

    def at(self) -> str:
        return str(self.page.driver.execute_script("return location.href"))

    def wait_for_screen(self, host: NetworkedHost, key: str) -> None:
        until(lambda: self.at().startswith(self.web(host)), f"the page at {host.name}")
        self.page.wait_for_state("connected")
        self.page.type(key)
        self.page.wait_for_pixel(*KEY_COLOURS[key])

    def test_the_page_follows_a_machine_that_moved_before_it_was_opened(self) -> None:
        url = self.world.issuer.issue(self.vm)["url"]
        self.migrate()

        self.page.open(f"{url}&title=mine")

        self.wait_for_screen(self.here(), "1")
        self.page.reload()
        self.wait_for_screen(self.here(), "2")
        self.assertIn("title=mine", self.at())

    def test_the_page_follows_a_machine_that_moves_while_it_is_open(self) -> None:
        self.page.open(self.world.issuer.issue(self.vm)["url"])
        self.wait_for_screen(self.here(), "1")

        for key in ("2", "4"):
            self.migrate()

            self.wait_for_screen(self.here(), key)
            self.assertNotIn("reenter", self.at())
        self.page.reload()
        self.wait_for_screen(self.here(), "1")
