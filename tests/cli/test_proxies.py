from __future__ import annotations

import json

from tests.doubles.cli import CommandTestCase
from tests.doubles.proxies import announced
from vncproxy.model import Unconfirmed


class ProxiesTests(CommandTestCase):
    def setUp(self) -> None:
        super().setUp()
        north = announced(
            "north", version="0.1.0", base_url="https://n/", sessions=2, most_sessions=1000
        )
        self.proxies.found = [north]
        self.north = north.identity.proxy_id

    def test_proxies_are_an_aligned_table(self) -> None:
        self.assertEqual(
            self.output("proxies").splitlines(),
            [
                "NAME   ID                ZONE  VERSION  WORKERS  SESSIONS  OF    STATE    URL",
                f"north  {self.north}  -     0.1.0    1        2         1000  serving  https://n/",
            ],
        )

    def test_hosts_are_shown_where_any_proxy_serves_some_only(self) -> None:
        self.proxies.found.append(announced("node1", serves=("node1", "node1.example.com")))
        self.proxies.found.append(announced("issuer", serves=()))

        shown = self.output("proxies").splitlines()

        ends = [line.rpartition("  ")[2] for line in shown]
        self.assertEqual(ends, ["SERVES", "all hosts", "node1, node1.example.com", "none"])

    def test_differences_are_told(self) -> None:
        self.proxies.found.append(announced("north", proxy_id="e" * 16))

        result = self.run_command("proxies")

        self.assertEqual(result.exit_code, 0)
        self.assertIn("warning: several proxies have the name north", result.stderr)

    def test_json_is_the_answer(self) -> None:
        shown = json.loads(self.output("proxies", "--json"))

        self.assertEqual([p["name"] for p in shown["proxies"]], ["north"])

    def test_a_proxy_is_drained(self) -> None:
        self.assertEqual(
            self.output("drain", "north"), "draining 1 process; see vncproxy proxies\n"
        )
        self.assertEqual(self.proxies.drained, [("north", "key 'root'")])

    def test_the_only_one_needs_no_name(self) -> None:
        self.output("drain")

        self.assertEqual(self.proxies.drained, [(self.north, "key 'root'")])

    def test_one_of_several_has_to_be_named(self) -> None:
        self.proxies.found.append(announced("south"))

        self.assertFails(self.run_command("drain"), 2, "2 proxies", "north, south")
        self.assertEqual(self.proxies.drained, [])

    def test_a_process_that_does_not_confirm_is_named(self) -> None:
        self.proxies.silent = (Unconfirmed("p", "north", "w"),)

        result = self.run_command("drain", "north")

        self.assertEqual(result.exit_code, 0)
        self.assertIn("proxy north (process w) has not confirmed yet", result.stderr)
