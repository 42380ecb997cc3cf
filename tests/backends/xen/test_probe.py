"""What a check finds out about the members of a pool, over doubles of XAPI's answers."""

from __future__ import annotations

from types import SimpleNamespace as Thing
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.backends.xen.test_settings import settings
from tests.doubles.network import Network
from vncproxy.backends.xen.probe import probe

XEN1, XEN2 = ("10.0.0.5", 443), ("10.0.0.6", 443)


def host(name: str, address: str, *, enabled: bool = True) -> dict[str, Any]:
    software = {"product_brand": "XCP-ng", "product_version": "8.3.0"}
    return {
        "name_label": name,
        "address": address,
        "enabled": enabled,
        "software_version": software,
    }


class ProbeTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.hosts = {
            "OpaqueRef:1": host("xen1", "10.0.0.5"),
            "OpaqueRef:2": host("xen2", "10.0.0.6"),
        }
        self.network = Network(self)
        for member in (XEN1, XEN2):
            self.network.answers[member] = [None, ConnectionResetError("reset")]

    def problems(self, **table: object) -> tuple[str, ...]:
        tables = Thing(
            host=Thing(get_all_records=lambda: self.hosts),
            pool=Thing(
                get_all_records=lambda: {"p": {"master": "OpaqueRef:1", "name_label": "lab"}}
            ),
            VM=Thing(get_all_records=dict),
        )
        login: Any = Thing(xenapi=tables, url="https://10.0.0.5", transport=Thing(left=lambda: 7.0))
        found = probe(login, settings(**table))
        self.assertIn("XCP-ng 8.3.0 at https://10.0.0.5, pool 'lab' of 2", found.line)
        return found.problems

    def reached(self) -> set[tuple[str, int]]:
        return {*self.network.dialled}

    def test_a_member_on_loopback_is_told_and_not_dialled(self) -> None:
        self.hosts["OpaqueRef:2"] = host("xen2", "127.0.0.1")
        told = self.problems()
        self.assertIn("consoles of xen2 at 127.0.0.1 cannot be reached: that is this", told[0])
        self.assertEqual(self.reached(), {XEN1})

    def test_a_member_that_is_away_hides_no_other(self) -> None:
        self.network.answers[XEN1] = [TimeoutError()]
        one, two = self.problems()
        self.assertEqual(
            one, "consoles of xen1 at 10.0.0.5:443 cannot be reached: no answer within 2 s"
        )
        self.assertEqual(two, "consoles of xen2 at 10.0.0.6:443 cannot be reached: reset")
        self.assertEqual(sorted(self.network.dialled), [XEN1, XEN2, XEN2])

    def test_members_are_dialled_where_the_settings_say(self) -> None:
        there = ("xen2.example.com", 443)
        self.network.answers[there] = [None, ConnectionResetError("reset")]
        self.problems(addresses={"10.0.0.6": "xen2.example.com"})
        self.assertEqual(self.reached(), {XEN1, there})

    def test_the_plain_form_has_a_port_of_its_own_and_no_certificate(self) -> None:
        self.assertEqual(self.problems(plain_console=True, plain_port=8080), ())
        self.assertEqual(sorted(self.network.dialled), [("10.0.0.5", 8080), ("10.0.0.6", 8080)])

    def test_a_member_in_maintenance_is_left_out(self) -> None:
        self.hosts["OpaqueRef:2"]["enabled"] = False
        self.problems()
        self.assertEqual(self.reached(), {XEN1})
