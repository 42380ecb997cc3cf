"""What a check finds out about the members of a pool, over doubles of XAPI's answers."""

from __future__ import annotations

import socket
from types import SimpleNamespace as Thing
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from tests.backends.xen.test_settings import settings
from vncproxy.backends.xen import probe as xen_probe
from vncproxy.backends.xen.probe import probe


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
        self.silent: dict[tuple[str, int], str] = {}
        self.dialled: list[tuple[str, int]] = []
        self.shaken: list[tuple[str, int]] = []
        self.patch(xen_probe, "out_of_reach", self.out_of_reach)
        self.patch(socket, "create_connection", self.create_connection)

    def out_of_reach(
        self, addresses: Any, seconds: float, written: Any
    ) -> dict[tuple[str, int], str]:
        self.dialled = list(addresses)
        self.assertLessEqual(seconds, 2.0)
        return self.silent

    def create_connection(self, address: tuple[str, int], timeout: float) -> None:
        self.shaken.append(address)
        raise ConnectionResetError("reset")

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

    def test_a_member_on_loopback_is_told_and_not_dialled(self) -> None:
        self.hosts["OpaqueRef:2"] = host("xen2", "127.0.0.1")
        self.silent = {("10.0.0.5", 443): "no answer"}
        told = self.problems()
        self.assertIn("consoles of xen2 at 127.0.0.1 cannot be reached: that is this", told[0])
        self.assertEqual(self.dialled, [("10.0.0.5", 443)])

    def test_a_member_that_is_away_hides_no_other(self) -> None:
        self.silent = {("10.0.0.5", 443): "no answer within 2 s"}
        one, two = self.problems()
        self.assertEqual(
            one, "consoles of xen1 at 10.0.0.5:443 cannot be reached: no answer within 2 s"
        )
        self.assertEqual(two, "consoles of xen2 at 10.0.0.6:443 cannot be reached: reset")
        self.assertEqual(self.shaken, [("10.0.0.6", 443)])

    def test_members_are_dialled_where_the_settings_say(self) -> None:
        self.problems(addresses={"10.0.0.6": "xen2.example.com"})
        self.assertEqual(self.dialled, [("10.0.0.5", 443), ("xen2.example.com", 443)])

    def test_the_plain_form_has_a_port_of_its_own_and_no_certificate(self) -> None:
        self.assertEqual(self.problems(plain_console=True, plain_port=8080), ())
        self.assertEqual(self.dialled, [("10.0.0.5", 8080), ("10.0.0.6", 8080)])
        self.assertEqual(self.shaken, [])

    def test_a_member_in_maintenance_is_left_out(self) -> None:
        self.hosts["OpaqueRef:2"]["enabled"] = False
        self.problems()
        self.assertEqual(self.dialled, [("10.0.0.5", 443)])
