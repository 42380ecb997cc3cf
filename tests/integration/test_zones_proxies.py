"""A zone with two proxies over one Redis: requests that come again, and a proxy that drains."""

from __future__ import annotations

import atexit
import json
import re
import time
import urllib.error
import urllib.request
from functools import cache
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests.components.forwarder import Balancer
from tests.components.gateway import Gateway
from tests.components.libvirt_host import START_COLOUR
from tests.components.redis_server import RedisServer
from tests.components.viewer import Viewer
from tests.components.zones import HERE, Zone, Zones
from vncproxy.zones.keys import PrivateKey
from vncproxy.zones.request import Act, new_request, sign

PAGE = Path(__file__).parents[2] / "docs" / "zones.md"
DOCUMENTED_KEY = "zone-public:G4wFRsvJ8vSWzQa3OAb9lDD25Nq-rL--5WqK3PL084s"

SECOND = {"443": "8443", "6443": "7443", "6081": "7081", "6082": "7082"}
"""Ports of the first proxy -> of the second one, at one address."""


def documented(number: int, values: dict[str, str]) -> str:
    """Return what a configuration of docs/zones.md says about zones, with values of this test."""
    text: str = re.findall(r"```toml\n(.*?)```", PAGE.read_text(), re.DOTALL)[number]
    text = text[text.index("[zones.") :]
    for before, after in values.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


class World:
    """Paris, and madrid with two proxies behind balancers of connections, as the page has them."""

    def __init__(self) -> None:
        self.redis = RedisServer().start()
        self.zones = Zones("paris", "madrid")
        self.paris, self.madrid = self.zones.all
        self.key = PrivateKey.new()
        self.first = self.madrid.configure(
            documented(1, {DOCUMENTED_KEY: str(self.key.public)})
            + f'[tokens]\nstore = "redis"\n[redis]\npath = "{self.redis.path}"\n',
            more_proxy='name = "first"',
        )
        self.first.config.chmod(0o644)
        self.second = second(self.first, self.madrid)
        self.api = Balancer(HERE, self.madrid.address, 6443, 7443)
        self.web = Balancer(HERE, self.madrid.address, 443, 8443)
        self.paris.configure(documented(0, self.values()))
        self.madrid.start_guest()
        for gateway in (self.first, self.second, self.paris.gateway):
            gateway.start()

    def values(self) -> dict[str, str]:
        """Return what is different here from the configuration of paris on the page."""
        key = self.zones.folder / "madrid.key"
        key.write_text(self.key.secret_text())
        ca = f'{self.zones.authority.ca_file}", name = "{self.madrid.address}'
        return {
            "https://console.madrid.example.com:6443": f"https://{HERE}:{self.api.port}",
            "https://console.madrid.example.com/": f"https://{HERE}:{self.web.port}/",
            "/etc/vncproxy/madrid.key": str(key),
            "/etc/vncproxy/madrid-ca.pem": ca,
        }

    def stop(self) -> None:
        """End everything."""
        if self.second.started:
            self.second.stop()
        self.zones.stop()
        self.api.close()
        self.web.close()
        self.redis.remove()


def second(first: Gateway, zone: Zone) -> Gateway:
    """Return another proxy with the same configuration, on other ports."""
    gateway = Gateway()
    text = first.config.read_text().replace('name = "first"', 'name = "second"')
    for port, other in SECOND.items():
        text = text.replace(f":{port}:", f":{other}:").replace(f":{port}/", f":{other}/")
    gateway.config.write_text(text)
    gateway.host, gateway.key, gateway.launcher = zone.address, first.key, first.launcher
    gateway.api_port, gateway.web_port, gateway.xvp_port = 7082, 8443, 7081
    return gateway


@cache
def world() -> World:
    """Return the zones that this test run shares."""
    made = World()
    atexit.register(made.stop)
    return made


class ProxiesTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.world = world()
        self.near, self.first = self.world.paris.gateway, self.world.first

    def test_a_request_is_good_once_among_all_proxies_of_a_zone(self) -> None:
        wanted = {"vm": "kvm/web-01", "sub": "alice", "session": "7f3a", "via": ("paris",)}
        asked = new_request(Act.TOKEN, "paris", "madrid", time.time(), **wanted)
        signed = sign(asked, self.world.key)
        status, answer = self.ask(self.first, signed)
        self.assertEqual(status, 201, answer)
        for again in (self.world.second, self.first):
            status, answer = self.ask(again, signed)
            self.assertEqual((status, answer["error"]["code"]), (403, "zone-replayed"))
            self.assertIn("a request of the zone paris came twice", again.log())

    def ask(self, gateway: Gateway, signed: str) -> tuple[int, dict[str, dict[str, str]]]:
        request = urllib.request.Request(
            f"http://{gateway.host}:{gateway.api_port}/v1/zones/tokens",
            method="POST",
            headers={"Authorization": f"Bearer {signed}"},
        )
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as e:
            return e.code, json.load(e)

    def test_where_one_drains_the_one_beside_it_shows_the_console(self) -> None:
        self.addCleanup(self.restart_first)
        self.view("before")
        proxies = self.first.call("GET", "/v1/proxies")[1]["proxies"]
        (proxy,) = [each["id"] for each in proxies if each["name"] == "first"]
        self.assertEqual(self.first.call("POST", f"/v1/proxies/{proxy}/drain")[0], 202)
        for number in range(4):  # whichever of the two a connection comes to
            self.view(f"after-{number}")
            self.assertEqual(
                self.world.second.audit_of("open", user=f"after-{number}")["from_zone"], "paris"
            )
        self.assertIn("zone request refused: zone-draining", self.first.log())
        self.assertEqual({*self.world.web.taken}, {443, 8443})

    def view(self, user: str) -> None:
        token = self.near.issue("madrid/kvm/web-01", type="xvpvnc", user=user)["token"]
        viewer = Viewer.connect(self.near.xvp_port, token, host=self.near.host)
        self.addCleanup(viewer.close)
        viewer.wait_for_pixel(START_COLOUR)

    def restart_first(self) -> None:
        self.first.terminate()
        self.first.start()
