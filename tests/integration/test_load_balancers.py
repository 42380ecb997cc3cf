"""The shipped HAProxy and nginx examples with real traffic: two proxies, one Redis, one guest."""

from __future__ import annotations

import atexit
import os
import signal
import socket
import ssl
import subprocess
import time
from functools import cache, partial
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.certificates import Authority
from tests.components.chromium import Page
from tests.components.gateway import Gateway
from tests.components.libvirt_host import KEY_COLOURS, Guest, private_libvirtd, until
from tests.components.ports import free_port
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer

ETC = Path(__file__).resolve().parents[2] / "etc"
CLIENT = "127.0.0.1"


class World:
    """Everything behind and in front of the balancers, for all tests of this process."""

    def __init__(self) -> None:
        self.redis = RedisServer().start()
        atexit.register(self.redis.remove)
        self.folder = self.redis.folder
        host = private_libvirtd()
        self.guest = Guest(host, "lb").start()
        self.vm = f"kvm/{self.guest.name}"
        authority = Authority(self.folder)
        self.certificate, self.key = authority.issue("localhost")
        self.trust = ssl.create_default_context(cafile=authority.ca_file)
        self.web, self.xvp, self.nginx = free_port(), free_port(), free_port()
        self.dropping = free_port()
        config = f"""
[proxy]
instances = 2
[tokens]
store = "redis"
[redis]
port = {self.redis.port}
[backends.kvm]
type = "libvirt"
uri = "{host.uri}"
"""
        self.proxies = [self._proxy(config, f"https://localhost:{self.web}/") for _ in range(2)]
        self.prefixed = self._proxy(config, f"https://localhost:{self.nginx}/console/")
        self._run((self.web, self.xvp), "haproxy", "-db", "-f", str(self._haproxy()))
        self._run((self.nginx,), "nginx", "-p", str(self.folder), "-c", str(self._nginx()))

    def _proxy(self, config: str, base_url: str) -> Gateway:
        gateway = Gateway(
            config,
            xvp="haproxy:tcp:{port}:interface=127.0.0.1",
            tables={"public": f'trusted_proxies = ["{CLIENT}/32"]'},
        )
        text = gateway.config.read_text()
        mine = f'base_url = "http://127.0.0.1:{gateway.web_port}/"'
        assert mine in text
        gateway.config.write_text(text.replace(mine, f'base_url = "{base_url}"'))
        atexit.register(gateway.stop)
        return gateway.start()

    def _haproxy(self) -> Path:
        pem = self.folder / "both.pem"
        pem.write_text(Path(self.certificate).read_text() + Path(self.key).read_text())
        first, second = self.proxies
        changes = {
            "/etc/haproxy/console.pem": str(pem),
            "maxconn 20000": "maxconn 500",  # as many as this process may open files
            "bind :443": f"bind 127.0.0.1:{self.web}",
            "bind :6443": f"bind 127.0.0.1:{self.xvp}",
            "192.0.2.11:6080": f"127.0.0.1:{first.web_port}",
            "192.0.2.12:6080": f"127.0.0.1:{second.web_port}",
            "192.0.2.11:6081": f"127.0.0.1:{first.xvp_port}",
            "192.0.2.12:6081": f"127.0.0.1:{second.xvp_port}",
        }
        return self._copy("haproxy.cfg", changes)

    def _nginx(self) -> Path:
        changes = {
            "/etc/nginx/console.pem": self.certificate,
            "/etc/nginx/console.key": self.key,
            "/var/log/nginx/": f"{self.folder}/",
            "    listen [::]:443 ssl;\n": "",
            "listen 443 ssl": f"listen 127.0.0.1:{self.nginx} ssl",
            "127.0.0.1:6080": f"127.0.0.1:{self.prefixed.web_port}",
        }
        example = self._copy("nginx.conf", changes)
        whole = self.folder / "whole.conf"
        # as root, nginx would drop to a user who cannot write here
        whole.write_text(
            f"user root; daemon off; pid {self.folder}/pid; error_log stderr crit;\n"
            f"events {{}}\nhttp {{ include {example};\n{self._dropping_upgrades()} }}\n"
        )
        return whole

    def _dropping_upgrades(self) -> str:
        """Return a server as nginx has it by default: upstream HTTP/1.0, without Upgrade."""
        return f"""
            server {{
                listen 127.0.0.1:{self.dropping} ssl;
                ssl_certificate {self.certificate};
                ssl_certificate_key {self.key};
                access_log off;
                location / {{ proxy_pass http://127.0.0.1:{self.prefixed.web_port}; }}
            }}
        """

    def _copy(self, name: str, changes: dict[str, str]) -> Path:
        text = (ETC / name).read_text()
        for old, new in changes.items():
            assert old in text, old
            text = text.replace(old, new)
        copy = self.folder / name
        copy.write_text(text)
        return copy

    def _run(self, ports: tuple[int, ...], *command: str) -> None:
        with (self.folder / f"{command[0]}.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log)
        atexit.register(process.wait)
        atexit.register(process.terminate)
        for port in ports:
            until(partial(_listens, port), f"{command[0]}: {self.logs()}")

    def logs(self) -> str:
        """Return all that the balancers have written."""
        return "".join(path.read_text() for path in sorted(self.folder.glob("*.log")))


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


world = cache(World)


class LoadBalancerTests(SynchronousTestCase):
    timeout = 120

    def setUp(self) -> None:
        self.world = world()
        self.secret = ""

    def tearDown(self) -> None:
        time.sleep(0.2)
        self.assertTrue(self.secret)
        self.assertNotIn(self.secret, self.world.logs())

    def issue(self, gateway: Gateway) -> str:
        issued = gateway.issue(self.world.vm)
        self.secret, self.token_id = issued["token"], issued["id"]
        return str(issued["url"])

    def serves(self, proxy: Gateway) -> bool:
        """Return whether a proxy has opened the console of the last link."""
        return any(self.token_id.startswith(line["token"]) for line in proxy.audit("open"))

    def test_a_browser_through_haproxy_whose_link_another_proxy_issued(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        for gateway in self.world.proxies:
            page.open(self.issue(gateway))
            page.wait_for_state("connected")
            page.type("1")
            page.wait_for_pixel(*KEY_COLOURS["1"])

        opened = [line for proxy in self.world.proxies for line in proxy.audit("open")]

        self.assertEqual({line["client"] for line in opened}, {CLIENT})

    def test_a_tcp_viewer_through_haproxy_and_tls_is_seen_with_its_own_address(self) -> None:
        self.issue(self.world.proxies[0])

        viewer = Viewer.connect(self.world.xvp, self.secret, tls=self.world.trust)
        self.addCleanup(viewer.close)
        viewer.key(ord("4"))

        viewer.wait_for_pixel(KEY_COLOURS["4"])

    def test_an_open_console_outlives_health_checks_that_are_late(self) -> None:
        first, second = self.world.proxies
        page = Page()
        self.addCleanup(page.leave)
        page.open(self.issue(first))
        page.wait_for_state("connected")
        serving = first if self.serves(first) else second
        ended = len(serving.audit("close"))

        os.kill(serving.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, serving.pid, signal.SIGCONT)
        time.sleep(15)  # three checks fail
        os.kill(serving.pid, signal.SIGCONT)

        page.type("1")
        page.wait_for_pixel(*KEY_COLOURS["1"])
        self.assertEqual(len(serving.audit("close")), ended)

    def test_a_browser_through_nginx_below_a_path_prefix(self) -> None:
        page = Page()
        self.addCleanup(page.leave)

        page.open(self.issue(self.world.prefixed))
        page.wait_for_state("connected")
        page.type("2")
        page.wait_for_pixel(*KEY_COLOURS["2"])
        page.reload()

        page.wait_for_state("connected")
        cookies = {cookie["path"]: cookie["secure"] for cookie in page.driver.get_cookies()}
        self.assertIs(cookies.get("/console/"), True)

    def test_a_reverse_proxy_that_drops_upgrades_is_told_of_in_page_and_log(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        url = self.issue(self.world.prefixed)

        page.open(url.replace(f":{self.world.nginx}/", f":{self.world.dropping}/"))

        page.wait_for_reason("a proxy or firewall on the way lets no web sockets through")
        log = self.world.prefixed.log()
        self.assertEqual(log.count("for a web socket came from 127.0.0.1 without Upgrade"), 1)
        self.assertNotIn(self.secret, log)

    def test_a_proxy_that_stops_gives_its_users_to_the_other_one(self) -> None:
        page = Page()
        self.addCleanup(page.leave)
        first, second = self.world.proxies
        page.open(self.issue(second))
        page.wait_for_state("connected")
        serving, other = (first, second) if self.serves(first) else (second, first)
        self.assertTrue(self.serves(serving))
        before = len(other.audit("open"))

        serving.terminate()
        self.addCleanup(serving.start)

        until(lambda: len(other.audit("open")) > before, "the other proxy")
        page.wait_for_state("connected")
