"""The tests that docs/page.md names for the features of the page are there."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).resolve().parent.parent
TESTS = (ast.FunctionDef, ast.AsyncFunctionDef)
NAMED = re.compile(r"\(`([\w/]+\.py)` `(test_\w+)`\)")


def tests_in(file: Path) -> set[str]:
    """Return the names of tests in a module, those that it takes from other modules as well."""
    nodes = [*ast.walk(ast.parse(file.read_text()))]
    names = {each.name for each in nodes if isinstance(each, TESTS)}
    taken = {str(each.value) for each in nodes if isinstance(each, ast.Constant)}
    return {name for name in names | taken if name.startswith("test_")}


class TableTests(SynchronousTestCase):
    def rows(self) -> list[str]:
        """Return the rows of features: those of the first table that are no headings."""
        table = (ROOT / "docs" / "page.md").read_text().split("\n## ")[0]
        lines = [line for line in table.splitlines() if line.startswith("| ")]
        return [line for line in lines[1:] if not line.startswith("| **")]

    def test_each_feature_names_a_test_that_exists(self) -> None:
        rows = self.rows()
        self.assertGreater(len(rows), 40)
        for row in rows:
            found = NAMED.search(row)
            self.assertIsNotNone(found, row)
            assert found is not None
            file, test = found.groups()
            self.assertIn(test, tests_in(ROOT / "tests" / file), file)

    def test_each_feature_has_a_word_for_each_of_the_pages(self) -> None:
        for row in self.rows():
            cells = [cell.strip() for cell in row.strip("|").split("|")]
            self.assertEqual((len(cells), all(cells)), (6, True), row)
