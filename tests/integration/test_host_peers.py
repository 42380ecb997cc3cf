"""A proxy on each of two hypervisors, each with tokens in its own memory, and machines that move.

The issuer asks the proxies by their APIs, and so does the proxy of a host that a machine has left.
Needs root: each host is a set of namespaces with a libvirtd of its own.
"""

from __future__ import annotations

import atexit
import re
import tempfile
from functools import cache
from pathlib import Path

from tests.components.certificates import Authority
from tests.components.host_proxies import OF_ISSUER, PEER_API, XVP, SetUpProxy
from tests.components.host_proxies_case import HostProxiesCase, HostsWorld
from tests.components.libvirt_host import KEY_COLOURS, until
from tests.components.pictures import decoded, wait_for_colour
from tests.components.two_hosts import NetworkedHost
from tests.components.viewer import Refused


class WithPeers(HostsWorld):
    """Proxies without a Redis: the issuer knows both, and each knows the issuer."""

    def start_proxies(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="peers-")
        atexit.register(folder.cleanup)
        self.authority = Authority(Path(folder.name))
        own = self.hosts.own_address
        certificate, key = self.authority.issue(own)
        listen = f"ssl:{PEER_API}:interface={own}:privateKey={key}:certKey={certificate}"
        config = re.sub(r"\[tokens\].*\n(?=\[backends)", "", OF_ISSUER, flags=re.DOTALL)
        self.issuer = self.central(config)
        key_file = Path(folder.name) / "issuer.key"
        key_file.write_text(self.issuer.key)
        to_issuer = (
            *("--issuer", f"https://{own}:{PEER_API}"),
            *("--issuer-key", str(key_file)),
            *("--issuer-ca", self.authority.ca_file),
        )
        tables = []
        for host in self.both:
            proxy = SetUpProxy(host, self.public.addresses[host.name], to_issuer)
            tables.append(proxy.table)
            self.proxies[host.name] = proxy
            proxy.start()
        text = "\n".join([self.issuer.config.read_text(), *tables])
        self.issuer.config.write_text(text.replace('api = ["', f'api = ["{listen}", "', 1))
        self.issuer.start()

    def are_ready(self) -> bool:
        return all(
            gateway.call("GET", "/v1/proxies")[1]["proxies"][0]["serves"] == [name]
            for name, gateway in self.proxies.items()
        )


world = cache(WithPeers)


class WithPeersCase(HostProxiesCase):
    def setUp(self) -> None:
        self.world = world()
        super().setUp()

    def sessions(self, host: NetworkedHost) -> int:
        """Return how many sessions a host's proxy has."""
        return len(self.world.proxies[host.name].call("GET", "/v1/sessions")[1]["sessions"])


class SetUpTests(WithPeersCase):
    def test_what_was_edited_is_left_alone(self) -> None:
        proxy = self.world.proxies[self.here().name]
        assert isinstance(proxy, SetUpProxy)
        self.assertIn("ok    backend kvm: libvirt ", proxy.printed)
        written = proxy.config.read_text()
        proxy.config.write_text(f"{written}# edited\n")
        self.addCleanup(proxy.config.write_text, written)

        told = proxy.set_up("--interface", "eth0", status=2)

        self.assertIn("was edited since; nothing is changed", told)
        self.assertEqual(proxy.config.read_text(), f"{written}# edited\n")


class IssueTests(WithPeersCase):
    def test_a_link_is_issued_by_the_proxy_of_the_machines_host(self) -> None:
        for _ in self.world.both:
            issued = self.world.issuer.issue(self.vm, policy={"max_duration": 99.0})
            self.assertTrue(issued["url"].startswith(self.web(self.here())), issued["url"])
            there = self.world.proxies[self.here().name]
            status, shown = there.call("GET", f"/v1/tokens/{issued['id']}")
            self.assertEqual((status, shown["policy"]["max_duration"]), (200, 99.0))
            self.migrate()

    def test_the_proxy_of_another_host_issues_by_the_issuer(self) -> None:
        url = self.world.proxies[self.other().name].issue(self.vm)["url"]

        self.assertTrue(url.startswith(self.web(self.here())), url)

    def test_a_machine_that_no_host_has(self) -> None:
        for gateway in (self.world.issuer, *self.world.proxies.values()):
            status, answer = gateway.call("POST", "/v1/tokens", {"vm": "kvm/none", "user": "x"})
            self.assertEqual((status, answer["error"]["code"]), (422, "vm-not-found"))

    def test_a_host_whose_proxy_is_away_has_none(self) -> None:
        proxy = self.world.proxies[self.here().name]
        proxy.terminate()
        self.addCleanup(until, self.world.are_ready, "the proxy")
        self.addCleanup(proxy.start)

        status, answer = self.world.issuer.call("POST", "/v1/tokens", {"vm": self.vm, "user": "x"})

        self.assertEqual((status, answer["error"]["code"]), (503, "no-proxy"))
        self.assertIn(f"the peer {self.here().name} at https://", answer["error"]["message"])
        self.assertIn("cannot be reached: connection refused", answer["error"]["message"])


class ScreenshotTests(WithPeersCase):
    def test_a_proxy_asks_the_one_that_shows_the_machine(self) -> None:
        issued = self.world.proxies[self.here().name].issue(self.vm, type="xvpvnc")
        self.connect(self.here(), issued["token"]).key(ord("4"))
        wait_for_colour(self.world.issuer, self.vm, KEY_COLOURS["4"])
        asked = self.world.proxies[self.other().name]
        assert isinstance(asked, SetUpProxy)
        status, image = asked.fetch(f"/v1/screenshot?vm={self.vm}&width=8")
        self.assertEqual(status, 200, image)
        self.assertEqual(tuple(decoded(image)[0, 0]), KEY_COLOURS["4"])


class ViewerTests(WithPeersCase):
    def test_a_viewer_is_told_where_the_machine_is(self) -> None:
        token = self.world.issuer.issue(self.vm, type="xvpvnc")["token"]
        left = self.here()
        self.migrate()

        with self.assertRaises(Refused) as refused:
            self.connect(left, token)

        there = f"{self.address(self.here())}:{XVP}"
        words = f"The virtual machine runs at {there} now. Ask for a new console link."
        self.assertEqual(str(refused.exception), f"421 {words}")


class BrowserTests(WithPeersCase):
    def test_the_page_follows_a_machine_that_moves_and_its_token_is_revoked_there(self) -> None:
        issued = self.world.issuer.issue(self.vm)
        first = self.here()
        self.migrate()
        page = self.page()

        page.open(issued["url"])

        self.wait_for_screen(page, self.here(), "1")
        self.migrate()
        self.wait_for_screen(page, self.here(), "2")
        page.reload()
        self.wait_for_screen(page, self.here(), "4")
        self.assertEqual(self.sessions(self.here()), 1)
        self.assertIs(self.here(), first)

        status, _ = self.world.issuer.call("DELETE", f"/v1/tokens/{issued['id']}")

        self.assertEqual(status, 200)
        page.wait_for_reason("An administrator ended this console.")
        self.assertEqual(self.sessions(self.here()), 0)
