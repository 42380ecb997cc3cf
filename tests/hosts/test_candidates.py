from __future__ import annotations

from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.doubles.proxies import announced
from vncproxy.hosts.candidates import Candidate, candidates, nearest, why_none
from vncproxy.model import Announcement, ConsoleType, Identity, MachineHost

NODE1 = MachineHost(("Node1.example.com.", "10.1.0.2"), runs=True)
ME = Identity("0" * 16, "1" * 16, "me", zone="here")


def proxy(name: str, **changes: Any) -> Announcement:
    """Return what the proxy of node1 announces."""
    fields: dict[str, Any] = {
        "base_url": f"https://{name}.example.com:6080/",
        "xvp_url": f"http://{name}.example.com:6081/console",
        "serves": ("node1.example.com",),
        "backends": {"kvm": "1"},
        "most_sessions": 10,
    }
    return announced(name, **{**fields, **changes})


class NearestTests(SynchronousTestCase):
    def names(self, *found: Announcement, host: MachineHost | None = NODE1) -> str:
        chosen = nearest(candidates(found), "kvm", host, ME)
        return chosen.identity.name if chosen else ""

    def test_one_that_serves_the_host_by_any_of_its_names_in_any_case(self) -> None:
        other = proxy("other", serves=("node2",))
        for serves in (("NODE1.example.com",), ("10.1.0.2",), ("x", "node1.example.com.")):
            with self.subTest(serves=serves):
                self.assertEqual(self.names(other, proxy("a", serves=serves)), "a")

    def test_a_name_is_not_the_beginning_of_another(self) -> None:
        self.assertEqual(self.names(proxy("a", serves=("node1",))), "")

    def test_the_one_with_the_fewest_sessions(self) -> None:
        self.assertEqual(self.names(proxy("a", sessions=3), proxy("b", sessions=2)), "b")

    def test_before_that_one_of_the_same_zone_and_before_that_itself(self) -> None:
        far = proxy("far")
        near = Announcement(Identity("2" * 16, "3" * 16, "near", "here"), sessions=5)
        own = Announcement(ME, sessions=9)
        found = [
            Candidate(each.identity, {}, ("10.1.0.2",), frozenset({"kvm"}), each.sessions)
            for each in (far, near, own)
        ]

        for expected in ("me", "near", "far"):
            chosen = nearest(found, "kvm", NODE1, ME)
            assert chosen is not None
            self.assertEqual(chosen.identity.name, expected)
            found.remove(chosen)

    def test_none_that_drains_is_full_or_lacks_the_backend(self) -> None:
        for unfit in ({"draining": True}, {"sessions": 10}, {"backends": {"vc": "1"}}):
            with self.subTest(unfit=unfit):
                self.assertEqual(self.names(proxy("a", **unfit), proxy("b", sessions=9)), "b")

    def test_a_proxy_takes_sessions_as_long_as_one_of_its_workers_does(self) -> None:
        one, other = proxy("a", worker=1, draining=True), proxy("a", worker=2)
        self.assertEqual(self.names(one, other), "a")

    def test_else_one_that_serves_every_host(self) -> None:
        whole = proxy("all", serves=None)
        self.assertEqual(self.names(proxy("a", draining=True), whole), "all")
        self.assertEqual(self.names(proxy("a"), whole, host=None), "all")
        self.assertEqual(self.names(proxy("a"), proxy("none", serves=()), host=None), "")

    def test_one_whose_url_no_browser_should_be_sent_to_is_none(self) -> None:
        for url in ("javascript:alert(1)", "https://user@node1/", "//node1/", "", "https://[/"):
            with self.subTest(url=url):
                self.assertEqual(candidates([proxy("a", base_url=url)]), [])

    def test_urls_are_those_of_the_newest_generation(self) -> None:
        old = proxy("a", generation=1, base_url="https://old.example.com/")
        (found,) = candidates([old, proxy("a", generation=2)])
        self.assertEqual(found.urls[ConsoleType.NOVNC], "https://a.example.com:6080/")


class WhyNoneTests(SynchronousTestCase):
    def why(self, *found: Announcement, host: MachineHost | None = NODE1) -> str:
        return why_none(candidates(found), "kvm", host)

    def test_the_host_has_a_proxy_that_takes_none(self) -> None:
        told = self.why(proxy("a", draining=True), proxy("b", backends={}))
        self.assertEqual(
            told,
            "the host Node1.example.com. has no proxy that takes consoles: the proxy a drains, the "
            "proxy b has no backend kvm",
        )

    def test_it_has_none(self) -> None:
        self.assertEqual(
            self.why(proxy("a", serves=("node2",))),
            "no proxy serves the host Node1.example.com., and none serves every host",
        )

    def test_the_host_is_not_known(self) -> None:
        for host in (None, MachineHost((), runs=False)):
            self.assertIn("the host of the machine in kvm is not known", self.why(host=host))
