"""A policy's members as words of a command line."""

from __future__ import annotations

import click
from twisted.trial.unittest import SynchronousTestCase

from vncproxy.cli.policy_options import parse_policy


class PolicyOptionsTests(SynchronousTestCase):
    def test_lists(self) -> None:
        pairs = ["client_networks=10.0.0.0/8, fd00::/8", "power=start,reset"]
        self.assertEqual(
            parse_policy(pairs, None),
            {"client_networks": ["10.0.0.0/8", "fd00::/8"], "power": ["start", "reset"]},
        )

    def test_windows_have_commas_between_days_and_semicolons_between_each_other(self) -> None:
        text = "hours=mon,wed 08:00-18:00 Europe/Berlin; sat 22:00-06:00 UTC"
        self.assertEqual(
            parse_policy([text], None),
            {"hours": ["mon,wed 08:00-18:00 Europe/Berlin", "sat 22:00-06:00 UTC"]},
        )

    def test_moments(self) -> None:
        pairs = ["not_before=1800000000", "not_after=2027-01-15T09:00:00+01:00"]
        self.assertEqual(
            parse_policy(pairs, None), {"not_before": 1_800_000_000, "not_after": 1_800_000_000.0}
        )
        zulu = parse_policy(["not_after=2027-01-15T08:00:00Z"], None)
        self.assertEqual(zulu, {"not_after": 1_800_000_000.0})

    def test_a_moment_without_a_time_zone_is_none(self) -> None:
        for text in ("2027-01-15T08:00:00", "tomorrow", ""):
            error = self.assertRaises(
                click.BadParameter, parse_policy, [f"not_before={text}"], None
            )
            self.assertIn("time zone", error.message)
