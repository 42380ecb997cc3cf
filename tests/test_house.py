"""The house shows itself: maps that are whole, no circles, rooms that are not crowded."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from statistics import median

from twisted.trial.unittest import SynchronousTestCase

from tests.import_rules import imports

ROOT = Path(__file__).resolve().parent.parent
LONGEST, MEDIAN = 350, 150
"""Lines of a module: one that is longer usually holds two ideas."""


def modules() -> Iterator[tuple[str, Path]]:
    """Yield every module of the package by its full name, a package by its ``__init__``."""
    for folder, package in (("vncproxy", "vncproxy"), ("backends", "vncproxy.backends")):
        for path in sorted((ROOT / folder).rglob("*.py")):
            inner = path.relative_to(ROOT / folder).with_suffix("").parts
            if "node_modules" not in inner and not path.is_symlink():
                yield ".".join((package, *inner)).removesuffix(".__init__"), path


MODULES = dict(modules())


def children(package: str) -> set[str]:
    """Return the names of the modules and packages directly in a package."""
    return {name.rpartition(".")[2] for name in MODULES if name.rpartition(".")[0] == package}


class MapTests(SynchronousTestCase):
    def test_every_package_lists_its_modules(self) -> None:
        for package, path in MODULES.items():
            if path.name != "__init__.py":
                continue
            text = ast.get_docstring(ast.parse(path.read_text())) or ""
            listed = re.findall(r"^- ((?:`[\w.]+`(?:, )?)+):", text, re.MULTILINE)
            names = [name for row in listed for name in re.findall(r"`([\w.]+)`", row)]
            with self.subTest(package=package):
                self.assertEqual(sorted(names), sorted(children(package)))


class CircleTests(SynchronousTestCase):
    def test_no_modules_import_each_other_in_a_circle(self) -> None:
        graph = {name: _imported(name, path) for name, path in MODULES.items()}
        self.assertEqual(_circle(graph), [])


def _imported(name: str, path: Path) -> set[str]:
    """Return the modules of ours that one imports, inside functions and for type checkers too."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for each in imports(ast.parse(path.read_text()), package):
        found |= {part for part in (each.full, each.module) if part in MODULES}
        if each.full in MODULES:
            found.discard(each.module)
    return found - {name}


def _circle(graph: Mapping[str, set[str]]) -> list[str]:
    """Return the modules that lie on circles: what is left when leaves are taken away."""
    left = {name: set(wanted) for name, wanted in graph.items()}
    while leaves := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted for name, wanted in left.items() if name not in leaves}
    while roots := left.keys() - {each for wanted in left.values() for each in wanted}:
        left = {name: wanted for name, wanted in left.items() if name not in roots}
    return sorted(left)


class SizeTests(SynchronousTestCase):
    def test_no_module_is_crowded(self) -> None:
        sizes = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
        self.assertEqual({n: size for n, size in sizes.items() if size > LONGEST}, {})
        self.assertLessEqual(median(sizes.values()), MEDIAN)


class QuestionTests(SynchronousTestCase):
    """``Where do I change …`` in CONTRIBUTING.md: each answer names what exists."""

    ROW = re.compile(
        r"^\| (.+\?) \| `([\w/.]+\.(?:py|js))`: ((?:`\w[\w.]*`(?:, )?)+) \|$", re.MULTILINE
    )

    def test_every_answer_names_what_exists(self) -> None:
        rows = self.ROW.findall((ROOT / "CONTRIBUTING.md").read_text())
        self.assertGreaterEqual(len(rows), 20)
        for question, file, names in rows:
            text = (ROOT / file).read_text()
            for name in re.findall(r"`([\w.]+)`", names):
                with self.subTest(question=question, file=file, name=name):
                    self.assertTrue(_defines(text, name.rpartition(".")[2]))


def _defines(text: str, name: str) -> bool:
    patterns = (rf"\b(?:def|class|function) {name}\b", rf"^{name}\b.*=", rf"^    {name}: ")
    return any(re.search(pattern, text, re.MULTILINE) for pattern in patterns)
