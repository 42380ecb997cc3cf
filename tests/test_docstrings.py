"""Names in single backticks are names of the package: what a docstring points to is there."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

from twisted.trial.unittest import SynchronousTestCase

ROOT = Path(__file__).parents[1]
NAME = re.compile(r"(?<!`)`([A-Za-z_][\w.]*)`(?!`)")
DOCUMENTED = ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef


def trees() -> dict[str, ast.Module]:
    """Return the source of each module by its dotted name."""
    found = {}
    for folder, package in (("vncproxy", "vncproxy"), ("backends", "vncproxy.backends")):
        for path in (ROOT / folder).rglob("*.py"):
            inner = path.relative_to(ROOT / folder).with_suffix("").parts
            if "node_modules" not in inner:
                name = ".".join((package, *inner)).removesuffix(".__init__")
                found[name] = ast.parse(path.read_text())
    return found


class Known:
    """The names of a source: modules, members of classes, and everything else.

    Attributes:
        of_class: methods and attributes by the name of the class.
    """

    def __init__(self, modules: dict[str, ast.Module]) -> None:
        self.modules = modules
        self.of_class: dict[str, set[str]] = {}
        self.names = {part for module in modules for part in module.split(".")}
        for node in (node for tree in modules.values() for node in ast.walk(tree)):
            self.names |= set(_names(node))
            if isinstance(node, ast.ClassDef):
                inner = {name for each in ast.walk(node) for name in _names(each)}
                self.of_class.setdefault(node.name, set()).update(inner)

    def has(self, name: str) -> bool:
        """Whether there is such a name, dotted or not."""
        if name in self.modules or name in self.names:
            return True
        owner, _, member = name.rpartition(".")
        if owner in self.modules:
            names = {n for node in ast.walk(self.modules[owner]) for n in _names(node)}
            return member in names
        return member in self.of_class.get(owner, ())


def _names(node: ast.AST) -> Iterator[str]:
    match node:
        case ast.ClassDef(name=name) | ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
            yield name
        case ast.Name(id=name) | ast.Attribute(attr=name) | ast.arg(arg=name):
            yield name


def dangling(modules: dict[str, ast.Module]) -> list[str]:
    """Return what docstrings name and is nowhere: ``module: name``."""
    known = Known(modules)
    return [
        f"{module}: {name}"
        for module, tree in modules.items()
        for node in ast.walk(tree)
        if isinstance(node, DOCUMENTED)
        for name in NAME.findall(ast.get_docstring(node) or "")
        if not known.has(name)
    ]


class DocstringTests(SynchronousTestCase):
    def test_every_name_in_a_docstring_is_one_of_the_package(self) -> None:
        self.assertEqual(dangling(trees()), [])

    def test_what_is_gone_would_be_seen(self) -> None:
        source = 'class A:\n  """Calls `A.b`, `A.c`, `d`, `m.A`, `m.e`."""\n  def b(self): ...'

        self.assertEqual(dangling({"m": ast.parse(source)}), ["m: A.c", "m: d", "m: m.e"])
