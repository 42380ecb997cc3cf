"""The shipped HAProxy and nginx examples with real traffic: two proxies, one Redis, one guest."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import ssl
import time
import urllib.error
import urllib.request
from functools import cache

from twisted.trial.unittest import SynchronousTestCase

from tests.components.balancers import Certificate, HAProxy, Nginx
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, Guest, private_libvirtd, until
from tests.components.ports import free_port
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer, read

CLIENT = "127.0.0.1"
PROTOCOL = "return performance.getEntriesByType('navigation')[0].nextHopProtocol"


class World:
    """Everything behind and in front of the balancers, for all tests of this process."""

    def __init__(self) -> None:
        self.redis = RedisServer().start()
        atexit.register(self.redis.remove)
        self.folder = self.redis.folder
        host = private_libvirtd()
        self.guest = Guest(host, "lb").start()
        self.vm = f"kvm/{self.guest.name}"
        self.config = f"""
[tokens]
store = "redis"
[proxy]
workers = 2
[redis]
port = {self.redis.port}
[backends.kvm]
type = "libvirt"
uri = "{host.uri}"
"""
        self.certificate = certificate = Certificate(self.folder)
        self.trust = ssl.create_default_context(cafile=certificate.ca_file)
        self.haproxy = HAProxy(self.folder, certificate)
        self.dropping = free_port()
        self.nginx = Nginx(self.folder, certificate, servers=self._dropping_upgrades(certificate))
        base_url = f"https://localhost:{self.haproxy.web}/console/"
        self.proxies = [self._proxy(base_url) for _ in range(2)]
        self.haproxy.start(self.proxies)
        self.nginx.start(self.proxies)

    def _proxy(self, base_url: str) -> Gateway:
        gateway = Gateway(
            self.config,
            xvp="haproxy:tcp:{port}:interface=127.0.0.1",
            tables={"public": f'trusted_proxies = ["{CLIENT}/32"]'},
            base_url=base_url,
        )
        atexit.register(gateway.stop)
        return gateway.start()

    def _dropping_upgrades(self, certificate: Certificate) -> str:
        """Return a server as nginx has it by default: upstream HTTP/1.0, without Upgrade."""
        return f"""
            server {{
                listen 127.0.0.1:{self.dropping} ssl;
                ssl_certificate {certificate.file};
                ssl_certificate_key {certificate.key};
                access_log off;
                location / {{ proxy_pass http://vncproxy; }}
            }}
        """

    def another_haproxy(self, protocol: str) -> HAProxy:
        """Run HAProxy with a version of the PROXY protocol."""
        folder = self.folder / protocol
        folder.mkdir()
        return HAProxy(folder, self.certificate, PROXY_PROTOCOL=protocol).start(self.proxies)

    def logs(self) -> str:
        """Return all that the balancers have written."""
        return "".join(path.read_text() for path in sorted(self.folder.rglob("*.log")))


world = cache(World)


class LoadBalancerCase(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.world = world()
        self.secret = ""
        self.page = Page()
        self.addCleanup(self.page.leave)

    def tearDown(self) -> None:
        secrets = [cookie["value"] for cookie in self.page.driver.get_cookies()]
        time.sleep(0.2)
        logs = self.world.logs()
        self.assertTrue(self.secret)
        for secret in (self.secret, *secrets):
            self.assertNotIn(secret, logs)

    def issue(self, gateway: Gateway) -> str:
        issued = gateway.issue(self.world.vm)
        self.secret, self.token_id = issued["token"], issued["id"]
        return str(issued["url"])

    def serving_first(self) -> tuple[Gateway, Gateway]:
        """Return both proxies, first the one that has opened the console of the last link."""
        first, second = self.world.proxies

        def serves(proxy: Gateway) -> bool:
            return any(self.token_id.startswith(line["token"]) for line in proxy.audit("open"))

        until(lambda: serves(first) or serves(second), "the audit")
        return (first, second) if serves(first) else (second, first)

    def view(self, port: int) -> Viewer:
        viewer = Viewer.connect(port, self.secret, tls=self.world.trust)
        self.addCleanup(viewer.close)
        return viewer

    def keep_draining(self) -> tuple[Gateway, Gateway]:
        """Drain one of two proxies, where a TCP viewer keeps it from stopping.

        Returns:
            The proxy that drains, and the other one.
        """
        self.issue(self.world.proxies[0])
        self.view(self.world.haproxy.xvp)
        first, second = self.serving_first()
        os.kill(first.pid, signal.SIGTERM)
        self.addCleanup(first.start)
        self.addCleanup(first.terminate)
        until(lambda: "draining: no new sessions" in first.log(), "the drain")
        return first, second

    def check_drain(self, port: int) -> None:
        """Drain a proxy, and check that none of the users at a balancer notices."""
        self.wait_for_both(port)
        draining, other = self.keep_draining()
        before = len(draining.audit("refuse"))

        self.assertEqual([self.open_socket(port) for _ in range(8)], ["101"] * 8)
        self.page.open(self.issue(other))
        self.page.wait_for_state("connected")

        self.assertIs(self.serving_first()[0], other)
        asked_first = [line["reason"] for line in draining.audit("refuse")[before:]]
        self.assertEqual(set(asked_first), {"proxy-stopping"})

    def wait_for_both(self, port: int) -> None:
        """Wait until a balancer asks both proxies: it leaves one alone that was away just now."""
        before = [len(proxy.audit("refuse")) for proxy in self.world.proxies]

        def are_asked() -> bool:
            for _ in range(2):
                self.open_socket(port)
            time.sleep(0.5)  # refusals are limited
            now = [len(proxy.audit("refuse")) for proxy in self.world.proxies]
            return all(more > fewer for more, fewer in zip(now, before, strict=True))

        until(are_asked, "requests at both proxies")

    def open_socket(self, port: int) -> str:
        """Open a web socket by HTTP/1.1 with a link that is not valid; returns the status."""
        request = (
            f"GET /console/websockify?token={'A' * 43} HTTP/1.1",
            f"Host: localhost:{port}",
            f"Origin: https://localhost:{self.world.haproxy.web}",
            "Connection: Upgrade",
            "Upgrade: websocket",
            "Sec-WebSocket-Version: 13",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        )
        with (
            socket.create_connection(("127.0.0.1", port)) as plain,
            self.world.trust.wrap_socket(plain, server_hostname="localhost") as connection,
        ):
            connection.sendall("\r\n".join((*request, "", "")).encode())
            return read(connection, 12).decode().removeprefix("HTTP/1.1 ")


class HAProxyTests(LoadBalancerCase):
    def test_a_browser_whose_link_another_proxy_issued(self) -> None:
        for gateway in self.world.proxies:
            self.page.open(self.issue(gateway))
            self.page.wait_for_state("connected")
            self.page.type("1")
            self.page.wait_for_pixel(*KEY_COLOURS["1"])

            serving, _ = self.serving_first()
            self.assertEqual(serving.audit_of("open", token=self.secret)["client"], CLIENT)

    def test_a_browser_opens_its_web_socket_over_http_2(self) -> None:
        self.page.open(self.issue(self.world.proxies[0]))
        self.page.wait_for_state("connected")

        self.assertEqual(self.page.driver.execute_script(PROTOCOL), "h2")
        self.page.leave()
        until(lambda: "GET /console/websockify HTTP/2.0" in self.world.haproxy.log(), "the log")
        self.assertNotIn("/console/websockify HTTP/1.1", self.world.haproxy.log())

    def test_a_tcp_viewer_is_seen_with_its_own_address(self) -> None:
        for protocol in ("send-proxy", "send-proxy-v2"):
            haproxy = self.world.another_haproxy(protocol)
            self.issue(self.world.proxies[0])

            viewer = self.view(haproxy.xvp)
            viewer.key(ord("4"))

            viewer.wait_for_pixel(KEY_COLOURS["4"])
            serving, _ = self.serving_first()
            self.assertEqual(serving.audit_of("open", token=self.secret)["client"], CLIENT)

    def test_what_a_client_claims_about_its_address_is_dropped(self) -> None:
        self.issue(self.world.proxies[0])
        claims = {"X-Forwarded-For": "192.0.2.66", "Forwarded": "for=192.0.2.67"}

        with self.assertRaises(urllib.error.HTTPError):
            self.get(self.world.haproxy.web, f"/console/websockify?token={self.secret}", claims)

        def warned() -> bool:
            logs = "".join(proxy.log() for proxy in self.world.proxies)
            return "a request of 127.0.0.1 for a web socket" in logs

        until(warned, "the log, with the right address")

    def get(self, port: int, path: str, headers: dict[str, str]) -> None:
        request = urllib.request.Request(f"https://localhost:{port}{path}", headers=headers)
        with urllib.request.urlopen(request, timeout=60, context=self.world.trust):
            pass

    def test_new_users_of_a_proxy_that_drains_are_served_by_the_other_one_at_once(self) -> None:
        self.check_drain(self.world.haproxy.web)

    def test_while_no_proxy_is_ready_consoles_stay_open_and_new_users_are_told_so(self) -> None:
        self.page.open(self.issue(self.world.proxies[0]))
        self.page.wait_for_state("connected")
        url = self.issue(self.world.proxies[0])
        self.world.redis.pause()
        self.addCleanup(self.world.redis.resume)
        until(self.all_are_down, "the checks")

        self.page.type("1")
        self.page.wait_for_pixel(*KEY_COLOURS["1"])
        self.page.open(url)

        self.page.wait_for_reason("The console service is not available at the moment.")

    def all_are_down(self) -> bool:
        return "backend consoles has no server available" in self.world.haproxy.log()


class NginxTests(LoadBalancerCase):
    def issue(self, gateway: Gateway) -> str:
        haproxy, nginx = self.world.haproxy.web, self.world.nginx.port
        return super().issue(gateway).replace(f":{haproxy}/", f":{nginx}/")

    def test_a_browser_below_a_path_prefix(self) -> None:
        self.page.open(self.issue(self.world.proxies[0]))
        self.page.wait_for_state("connected")
        self.page.type("2")
        self.page.wait_for_pixel(*KEY_COLOURS["2"])
        self.page.reload()

        self.page.wait_for_state("connected")
        cookies = {cookie["path"]: cookie["secure"] for cookie in self.page.driver.get_cookies()}
        self.assertIs(cookies.get("/console/"), True)

    def test_a_browser_that_loads_the_page_over_http_2_opens_web_sockets_by_http_1(self) -> None:
        folder = self.world.folder / "http2"
        folder.mkdir()
        nginx = Nginx(folder, self.world.certificate, listen=" http2").start(self.world.proxies)
        url = self.issue(self.world.proxies[0])

        self.page.open(url.replace(f":{self.world.nginx.port}/", f":{nginx.port}/"))

        self.page.wait_for_state("connected")
        self.assertEqual(self.page.driver.execute_script(PROTOCOL), "h2")

    def test_new_users_of_a_proxy_that_drains_are_served_by_the_other_one_at_once(self) -> None:
        self.check_drain(self.world.nginx.port)

    def test_a_reverse_proxy_that_drops_upgrades_is_told_of_in_page_and_log(self) -> None:
        url = self.issue(self.world.proxies[0])

        self.page.open(url.replace(f":{self.world.nginx.port}/", f":{self.world.dropping}/"))

        self.page.wait_for_reason("a proxy or firewall on the way lets no web sockets through")
        said = "for a web socket came from 127.0.0.1 without Upgrade"
        until(lambda: said in self.proxy_logs(), "the log")
        self.assertNotIn(self.secret, self.proxy_logs())

    def proxy_logs(self) -> str:
        return "".join(proxy.log() for proxy in self.world.proxies)
