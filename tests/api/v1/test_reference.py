from __future__ import annotations

import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

from tests import __file__ as tests_file
from vncproxy.api.v1.openapi import document
from vncproxy.api.v1.reference import reference

PAGE = Path(tests_file).parent.parent / "docs" / "api-reference.md"


class ReferenceTests(SynchronousTestCase):
    def test_the_page_is_up_to_date(self) -> None:
        self.assertEqual(PAGE.read_text(), reference(), "run make reference")

    def test_every_link_leads_to_a_heading(self) -> None:
        titles = re.findall(r"^### (\w+)$", reference(), re.MULTILINE)
        links = set(re.findall(r"\]\(#(\w+)\)", reference()))

        self.assertEqual(links - {title.lower() for title in titles}, set())

    def test_every_operation_type_and_code_is_there(self) -> None:
        found, page = document(), reference()

        for path, methods in found["paths"].items():
            for method, operation in methods.items():
                self.assertIn(f"### {method.upper()} {path}\n", page)
                for answer in operation["responses"].values():
                    for code in answer.get("x-codes", ()):
                        self.assertIn(f"`{code}`", page)
        for name in found["components"]["schemas"]:
            self.assertIn(f"### {name}\n", page)
