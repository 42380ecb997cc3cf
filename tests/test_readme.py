"""What the README links to is there, and goes into a source distribution."""

from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent
LINK = re.compile(r"\]\((?!https?:)([^)#]+)")


class LinkTests(SynchronousTestCase):
    def setUp(self) -> None:
        self.links = LINK.findall((ROOT / "README.md").read_text())
        self.assertIn("docs/img/console.png", self.links)

    def test_every_file_is_there(self) -> None:
        self.assertEqual([link for link in self.links if not (ROOT / link).is_file()], [])

    def test_every_file_is_distributed(self) -> None:
        words = (ROOT / "MANIFEST.in").read_text().split()

        self.assertEqual(
            [x for x in self.links if x not in words and x.split("/")[0] not in words], []
        )
