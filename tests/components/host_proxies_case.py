"""Two hosts with a proxy each behind address translation, an issuer, and a guest that moves."""

from __future__ import annotations

import atexit
import re

from twisted.trial.unittest import SynchronousTestCase

from .chromium import Page
from .gateway import Gateway
from .host_proxies import WEB, XVP
from .libvirt_host import KEY_COLOURS, Guest, until
from .nat import Translation
from .two_hosts import NetworkedHost, migrate, two_hosts
from .viewer import Viewer

NOWHERE = "<graphics type='vnc'><listen type='none'/></graphics>"


class HostsWorld:
    """Two hosts behind address translation, and a guest; a subclass adds the proxies.

    Attributes:
        proxies: by the name of their host.
        issuer: a proxy that shows no console itself.
    """

    issuer: Gateway

    def __init__(self) -> None:
        self.hosts = two_hosts()
        self.both = (self.hosts.first, self.hosts.second)
        self.public = Translation(self.hosts)
        atexit.register(self.public.stop)
        self.proxies: dict[str, Gateway] = {}
        self.start_proxies()
        for gateway in (self.issuer, *self.proxies.values()):
            atexit.register(gateway.stop)
        self.guest = Guest(self.hosts.first, "mover", NOWHERE).start()
        until(self.are_ready, "the proxies and what they serve")

    def start_proxies(self) -> None:
        """Start the proxies and the issuer."""
        raise NotImplementedError

    def are_ready(self) -> bool:
        """Return whether the proxies know their hosts."""
        raise NotImplementedError

    def central(self, config: str) -> Gateway:
        """Return an issuer by a configuration of the documentation that names both hosts."""
        uris = f"uris = {[host.uri for host in self.both]}"
        return Gateway(re.sub(r"uris = .*", uris, config))


class HostProxiesCase(SynchronousTestCase):
    """The guest, on whichever host the last test has left it."""

    timeout = 180
    world: HostsWorld

    def setUp(self) -> None:
        self.guest = self.world.guest
        self.vm = f"kvm/{self.guest.uuid}"

    def here(self) -> NetworkedHost:
        """Return the host on which the guest runs."""
        host = self.guest.host
        assert isinstance(host, NetworkedHost)
        return host

    def other(self) -> NetworkedHost:
        """Return the other host."""
        first, second = self.world.both
        return second if self.guest.host is first else first

    def address(self, host: NetworkedHost) -> str:
        """Return the address by which users reach a host."""
        return self.world.public.addresses[host.name]

    def web(self, host: NetworkedHost) -> str:
        """Return where users reach a host's proxy."""
        return f"http://{self.address(host)}:{WEB}/"

    def migrate(self) -> None:
        """Move the guest to the other host while it runs."""
        migrate(self.guest, self.other())

    def connect(self, host: NetworkedHost, token: str) -> Viewer:
        """Return a TCP viewer's connection through a host's proxy."""
        viewer = Viewer.connect(XVP, token, host=self.address(host))
        self.addCleanup(viewer.close)
        return viewer

    def page(self) -> Page:
        """Return the browser."""
        page = Page()
        self.addCleanup(page.leave)
        return page

    def wait_for_screen(self, page: Page, host: NetworkedHost, key: str) -> str:
        """Wait until a page of a host's proxy shows the guest and takes a key; returns its URL."""

        def at() -> str:
            return str(page.driver.execute_script("return location.href"))

        until(lambda: at().startswith(self.web(host)), f"the page at {host.name}")
        page.wait_for_state("connected")
        page.type(key)
        page.wait_for_pixel(*KEY_COLOURS[key])
        return at()
