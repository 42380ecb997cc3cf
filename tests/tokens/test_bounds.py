"""Policies and the bounds of their issuers: narrowed, never widened."""

from __future__ import annotations

from ipaddress import ip_network

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.model import Clipboard, Inviting, Mode, Policy, PolicyBounds, Sharing
from vncproxy.tokens.bounds import BeyondBounds, narrowed
from vncproxy.tokens.delegation import narrowed_bounds
from vncproxy.tokens.refusals import IssueRefused

TEN = ip_network("10.0.0.0/8")
OFFICE = ip_network("10.1.0.0/16")


class NarrowedTests(SynchronousTestCase):
    def assert_refused(self, field: str, policy: Policy, bounds: PolicyBounds) -> None:
        error = self.assertRaises(BeyondBounds, narrowed, policy, bounds)
        self.assertEqual((error.status, error.reason), (403, "forbidden"))
        self.assertEqual(error.field, f"policy.{field}")

    def test_without_bounds_every_policy_stays(self) -> None:
        policy = Policy(max_duration=60, uses=0, allowed_origins=("https://a.example.com",))

        self.assertIs(narrowed(policy, PolicyBounds()), policy)

    def test_what_is_not_asked_for_becomes_the_most(self) -> None:
        bounds = PolicyBounds(
            mode=Mode.VIEW_ONLY,
            sharing=Sharing.EXCLUSIVE,
            max_duration=60,
            idle_timeout=30,
            client_networks=(TEN,),
            record=True,
            confirm=True,
        )

        self.assertEqual(
            narrowed(Policy(), bounds),
            Policy(
                mode=Mode.VIEW_ONLY,
                sharing=Sharing.EXCLUSIVE,
                max_duration=60,
                idle_timeout=30,
                client_networks=(TEN,),
                record=True,
                confirm=True,
            ),
        )

    def test_hours_and_bandwidth(self) -> None:
        office = ("mon-fri 08:00-18:00 Europe/Berlin",)
        bounds = PolicyBounds(hours=office, bandwidth=100_000)
        asked = Policy(hours=("mon,tue 09:00-12:00 Europe/Berlin",), bandwidth=50_000)

        self.assertEqual(narrowed(Policy(), bounds), Policy(hours=office, bandwidth=100_000))
        self.assertEqual(narrowed(asked, bounds), asked)
        for window in ("sat 09:00-10:00 Europe/Berlin", "mon 09:00-10:00 UTC"):
            self.assert_refused("hours.1", Policy(hours=(*office, window)), bounds)
        self.assert_refused("bandwidth", Policy(bandwidth=100_001), bounds)
        error = self.assertRaises(IssueRefused, narrowed, Policy(hours=("mon",)), bounds)
        self.assertEqual((error.field, error.status), ("policy.hours.0", 422))

    def test_bounds_of_another_issuer_are_kept_within(self) -> None:
        most = PolicyBounds(hours=("mon-fri 08:00-18:00 UTC",), bandwidth=100_000)

        self.assertEqual(narrowed_bounds(PolicyBounds(), most), most)
        fewer = PolicyBounds(hours=("mon 09:00-10:00 UTC",), bandwidth=5000)
        self.assertEqual(narrowed_bounds(fewer, most), fewer)
        for more in (PolicyBounds(hours=("sat 09:00-10:00 UTC",)), PolicyBounds(bandwidth=200_000)):
            self.assertRaises(BeyondBounds, narrowed_bounds, more, most)

    def test_bounds_have_no_text_that_is_no_window(self) -> None:
        self.assertRaises(ValueError, PolicyBounds, hours=("mon-fri",))

    def test_less_is_kept(self) -> None:
        policy = Policy(max_duration=10, idle_timeout=5, client_networks=(OFFICE,), uses=2)
        bounds = PolicyBounds(max_duration=60, idle_timeout=30, client_networks=(TEN,), uses=3)

        self.assertEqual(narrowed(policy, bounds), policy)

    def test_guests_are_allowed_up_to_the_most(self) -> None:
        for asked, most in (
            (None, Inviting.NONE),
            (None, Inviting.CONTROL),
            (Mode.VIEW_ONLY, Inviting.VIEW_ONLY),
            (Mode.VIEW_ONLY, Inviting.CONTROL),
            (Mode.CONTROL, Inviting.CONTROL),
            (Mode.CONTROL, None),
        ):
            policy = Policy(may_invite=asked)
            self.assertEqual(narrowed(policy, PolicyBounds(may_invite=most)).may_invite, asked)
        for asked, most in (
            (Mode.VIEW_ONLY, Inviting.NONE),
            (Mode.CONTROL, Inviting.NONE),
            (Mode.CONTROL, Inviting.VIEW_ONLY),
        ):
            self.assert_refused(
                "may_invite", Policy(may_invite=asked), PolicyBounds(may_invite=most)
            )

    def test_more_is_refused(self) -> None:
        self.assert_refused("max_duration", Policy(max_duration=61), PolicyBounds(max_duration=60))
        self.assert_refused("idle_timeout", Policy(idle_timeout=61), PolicyBounds(idle_timeout=60))
        self.assert_refused("uses", Policy(uses=4), PolicyBounds(uses=3))
        self.assert_refused("uses", Policy(uses=0), PolicyBounds(uses=3))
        self.assert_refused("confirm", Policy(confirm=False), PolicyBounds(confirm=True))
        taking = Policy(sharing=Sharing.TAKE_OVER)
        self.assert_refused("sharing", taking, PolicyBounds(sharing=Sharing.SHARED))

    def test_a_text_comes_before_that_of_a_policy(self) -> None:
        bounds = PolicyBounds(banner="Of all.")
        for asked, given in (
            ("", "Of all."),
            ("Of this.", "Of all.\n\nOf this."),
            ("Of all. And more.", "Of all. And more."),
        ):
            self.assertEqual(narrowed(Policy(banner=asked), bounds).banner, given)
        self.assert_refused("banner", Policy(banner="x" * 3999), bounds)

    def test_approvals_are_at_least_so_many(self) -> None:
        bounds = PolicyBounds(approval=2)
        for asked, given in ((0, 2), (2, 2), (5, 5)):
            self.assertEqual(narrowed(Policy(approval=asked), bounds).approval, given)
        self.assert_refused("approval", Policy(approval=1), bounds)

    def test_directions_of_the_clipboard(self) -> None:
        bounds = PolicyBounds(clipboard=Clipboard.TO_GUEST)
        for asked, given in (
            (Clipboard.NONE, Clipboard.NONE),
            (Clipboard.TO_GUEST, Clipboard.TO_GUEST),
            (Clipboard.BOTH, Clipboard.TO_GUEST),
        ):
            self.assertIs(narrowed(Policy(clipboard=asked), bounds).clipboard, given)
        self.assert_refused("clipboard", Policy(clipboard=Clipboard.FROM_GUEST), bounds)

    def test_networks_are_within_those_of_the_bounds(self) -> None:
        bounds = PolicyBounds(client_networks=(OFFICE,))

        for wider in (TEN, ip_network("0.0.0.0/0"), ip_network("fd00::/8")):
            policy = Policy(client_networks=(ip_network("10.1.2.0/24"), wider))
            self.assert_refused("client_networks", policy, bounds)

    def test_origins_are_those_of_the_bounds(self) -> None:
        bounds = PolicyBounds(
            allowed_origins=("https://portal.example.com", "https://*.apps.example.com")
        )
        for good in ("https://Portal.example.com", "https://a.apps.example.com:443"):
            policy = Policy(allowed_origins=(good,))
            self.assertEqual(narrowed(policy, bounds), policy)
        for other in ("https://example.com", "https://*.example.com", "http://portal.example.com"):
            policy = Policy(allowed_origins=("https://portal.example.com", other))
            self.assert_refused("allowed_origins.1", policy, bounds)

    def test_no_origins_may_be_allowed(self) -> None:
        policy = Policy(allowed_origins=("https://a.example.com",))

        self.assert_refused("allowed_origins.0", policy, PolicyBounds(allowed_origins=()))
