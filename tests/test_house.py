"""The maps of the tree name all of it, no modules import each other, no module is too long."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Mapping, Set
from functools import cache
from pathlib import Path
from statistics import median

from twisted.trial.unittest import SynchronousTestCase

from tests.import_rules import MAY_IMPORT, PROTOCOL, VOCABULARY, imports, part_of

ROOT = Path(__file__).resolve().parent.parent
LONGEST, MEDIAN = 350, 150
"""Lines of a module; a longer one usually holds two ideas."""


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
    maxDiff = None

    def test_every_package_lists_its_modules(self) -> None:
        wrong = {}
        for package, path in MODULES.items():
            listed = _listed(path) if path.name == "__init__.py" else children(package)
            if listed != children(package):
                wrong[package] = sorted(listed ^ children(package))
        self.assertEqual(wrong, {})

    def test_contributing_names_every_part_and_nothing_that_is_gone(self) -> None:
        listed = set(re.findall(r"`([\w./]+/|[\w./]+\.py)`", _section("The map of the house")))
        self.assertEqual({each for each in listed if not (ROOT / each).exists()}, set())
        self.assertEqual(_parts() - listed, set())

    def test_documents_name_files_that_exist(self) -> None:
        path = re.compile(r"(?<![\w/-])(?:vncproxy|backends|tests|bench)/[\w./-]+\.(?:py|js)\b")
        documents = [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]
        gone = {
            f"{document.name}: {name}"
            for document in documents
            for name in path.findall(document.read_text())
            if not (ROOT / name).exists()
        }
        self.assertEqual(gone, set())


def _listed(package: Path) -> set[str]:
    text = ast.get_docstring(ast.parse(package.read_text())) or ""
    rows = re.findall(r"^- ((?:`[\w.]+`(?:, )?)+):", text, re.MULTILINE)
    return {name for row in rows for name in re.findall(r"`([\w.]+)`", row)}


def _section(title: str) -> str:
    text = (ROOT / "CONTRIBUTING.md").read_text()
    return text.partition(f"## {title}\n")[2].partition("\n## ")[0]


def _parts() -> set[str]:
    """Return the parts that a map names: folders with a slash, modules with their suffix."""
    parts = {"backends/", "tests/", "bench/", "etc/", "docs/"}
    for name in children("vncproxy") - {"backends"}:
        folder = (ROOT / "vncproxy" / name).is_dir()
        parts.add(f"vncproxy/{name}/" if folder else f"vncproxy/{name}.py")
    return parts


class RuleTests(SynchronousTestCase):
    def test_no_rule_allows_what_no_module_imports(self) -> None:
        imported = {
            (part_of(name), wanted.removeprefix("vncproxy."))
            for name, path in MODULES.items()
            for wanted in _imported(name, path)
        }
        unused = {
            f"{part} imports no {allowed}"
            for part, may in MAY_IMPORT.items()
            for allowed in may - VOCABULARY - PROTOCOL
            if not any(p == part and f"{m}.".startswith(f"{allowed}.") for p, m in imported)
        }
        self.assertEqual(unused, set())


class CircleTests(SynchronousTestCase):
    def test_no_modules_import_each_other_in_a_circle(self) -> None:
        graph = {name: _imported(name, path) for name, path in MODULES.items()}
        self.assertEqual(_circle(graph), [])


@cache
def _imported(name: str, path: Path) -> frozenset[str]:
    """Return the modules of ours that one imports, inside functions and for type checkers too."""
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    found = set()
    for each in imports(ast.parse(path.read_text()), package):
        found |= {part for part in (each.full, each.module) if part in MODULES}
        if each.full in MODULES:
            found.discard(each.module)
    return frozenset(found - {name})


def _circle(graph: Mapping[str, Set[str]]) -> list[str]:
    """Return the modules that lie on circles: what is left when leaves are taken away."""
    left = {name: set(wanted) for name, wanted in graph.items()}
    while leaves := {name for name, wanted in left.items() if not wanted & left.keys()}:
        left = {name: wanted for name, wanted in left.items() if name not in leaves}
    while roots := left.keys() - {each for wanted in left.values() for each in wanted}:
        left = {name: wanted for name, wanted in left.items() if name not in roots}
    return sorted(left)


class SizeTests(SynchronousTestCase):
    def test_no_module_is_too_long(self) -> None:
        sizes = {name: len(path.read_text().splitlines()) for name, path in MODULES.items()}
        self.assertEqual({n: size for n, size in sizes.items() if size > LONGEST}, {})
        self.assertLessEqual(median(sizes.values()), MEDIAN)


class PropertyTests(SynchronousTestCase):
    def test_hypothesis_has_the_settings_of_the_suite(self) -> None:
        text = re.compile(r"^\s*(?:from|import) hypothesis\b", re.MULTILINE)
        own = ROOT / "tests" / "properties.py"
        with_others = [
            str(path.relative_to(ROOT))
            for path in sorted((ROOT / "tests").rglob("*.py"))
            if path != own and text.search(path.read_text())
        ]
        self.assertEqual(with_others, [], "they import hypothesis from tests.properties")


class HeaderTests(SynchronousTestCase):
    def test_headers_are_read_as_bytes_or_by_what_takes_any_bytes(self) -> None:
        """Twisted raises on headers that are not UTF-8, where they are named by a text."""
        raising = re.compile(r"get(?:Raw)?Headers?\(\"")
        found = [name for name, path in MODULES.items() if raising.search(path.read_text())]
        self.assertEqual(found, [])


class QuestionTests(SynchronousTestCase):
    """``Where do I change …`` in CONTRIBUTING.md: each answer names what exists."""

    ROW = re.compile(
        r"^\| .+\? \| `([\w/.-]+\.(?:py|js))`: ((?:`\w[\w.]*`(?:, )?)+) \|$", re.MULTILINE
    )

    def test_every_answer_names_what_exists(self) -> None:
        section = _section("Where do I change …")
        rows = self.ROW.findall(section)
        self.assertGreaterEqual(len(rows), 20)
        self.assertEqual(len(rows), section.count("? |"), "a row is not of the form")
        wanted = {(file, name) for file, row in rows for name in re.findall(r"`([\w.]+)`", row)}
        gone = [(file, name) for file, name in wanted if name not in _defined(ROOT / file)]
        self.assertEqual(sorted(gone), [])


def _defined(path: Path) -> set[str]:
    """Return the functions, classes, ``Class.method`` and names that a file defines."""
    if not path.exists():
        return set()
    if path.suffix == ".js":
        return set(re.findall(r"\b(?:function|class|const) (\w+)", path.read_text()))
    found = set()
    for node in ast.parse(path.read_text()).body:
        owner = set(_names(node))
        inner = node.body if isinstance(node, ast.ClassDef) else []
        found |= owner | {f"{name}.{each}" for name in owner for n in inner for each in _names(n)}
    return found


def _names(node: ast.stmt) -> Iterator[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.AnnAssign(target=ast.Name(id=name)):
            yield name
        case ast.Assign(targets=targets):
            yield from (each.id for each in targets if isinstance(each, ast.Name))
