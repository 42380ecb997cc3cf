"""What a policy asks of a user, and of another zone."""

from __future__ import annotations

from dataclasses import replace

from twisted.trial.unittest import SynchronousTestCase

from vncproxy.model import Clipboard, Mode, Policy
from vncproxy.session.conditions import without_own


class ElsewhereTests(SynchronousTestCase):
    def test_another_zone_is_not_asked_for_what_this_one_enforces(self) -> None:
        kept = Policy(mode=Mode.VIEW_ONLY, clipboard=Clipboard.NONE, max_duration=60, uses=3)
        asked = replace(
            kept,
            may_invite=Mode.CONTROL,
            not_before=1.0,
            not_after=2.0,
            hours=("mon 08:00-18:00 UTC",),
            bandwidth=5000,
        )

        self.assertEqual(without_own(asked), kept)
