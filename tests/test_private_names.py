"""Our classes use no private name of foreign classes that they extend, outside the relay.

Such a name looks like one of our own, ``self._x``; so the names of the foreign classes are read
from their source.
"""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from pkgutil import walk_packages
from types import ModuleType
from xmlrpc.client import Transport

from twisted.trial.unittest import SynchronousTestCase
from twisted.web.http import HTTPChannel

import vncproxy

ALLOWED = "vncproxy.relay."
OURS = ("vncproxy.", __name__)


def modules() -> Iterator[ModuleType]:
    for found in walk_packages(vncproxy.__path__, "vncproxy."):
        yield importlib.import_module(found.name)


def borrowed(ours: type) -> set[str]:
    """Return the private names of foreign classes that a class uses or overrides."""
    foreign = [base for base in ours.__mro__ if not base.__module__.startswith(OURS)]
    return {name for base in foreign for name in private_names(base)} & private_names(ours)


@cache
def private_names(of: type) -> frozenset[str]:
    """Return the private methods and attributes that a class has or uses of itself."""
    tree = _classes(of.__module__).get(of.__qualname__)
    # what has no source is written in C, or made by a call
    return frozenset(filter(is_private, vars(of) if tree is None else _names(tree)))


@cache
def _classes(module: str) -> Mapping[str, ast.ClassDef]:
    """Return the classes of a module by their qualified names; none where it is written in C."""
    try:
        tree = ast.parse(inspect.getsource(sys.modules[module]))
    except (OSError, TypeError, KeyError):
        return {}
    found: dict[str, ast.ClassDef] = {}
    _collect(tree, "", found)
    return found


def _collect(parent: ast.AST, prefix: str, found: dict[str, ast.ClassDef]) -> None:
    for node in ast.iter_child_nodes(parent):
        match node:
            case ast.ClassDef(name=name):
                found.setdefault(prefix + name, node)
                _collect(node, f"{prefix}{name}.", found)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                _collect(node, f"{prefix}{name}.<locals>.", found)
            case ast.stmt():
                _collect(node, prefix, found)


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.endswith("__")


def _names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name):
                yield name
            case ast.ClassDef(body=body):
                for statement in body:
                    match statement:
                        case ast.Assign(targets=[ast.Name(id=name)]):
                            yield name
                        case ast.AnnAssign(target=ast.Name(id=name)):
                            yield name


class TreeTests(SynchronousTestCase):
    def test_no_class_uses_what_its_foreign_base_keeps_for_itself(self) -> None:
        found = {
            f"{module.__name__}.{name}": sorted(names)
            for module in modules()
            if not module.__name__.startswith(ALLOWED)
            for name, thing in vars(module).items()
            if inspect.isclass(thing) and thing.__module__ == module.__name__
            if (names := borrowed(thing))
        }

        self.assertEqual(found, {})


class CheckerTests(SynchronousTestCase):
    def test_what_is_used_is_seen(self) -> None:
        class Channel(HTTPChannel):
            def used(self) -> object:
                return self._handlingRequest

        self.assertEqual(borrowed(Channel), {"_handlingRequest"})

    def test_what_is_written_is_seen(self) -> None:
        class Channel(HTTPChannel):
            def written(self) -> None:
                self._dataBuffer = []

        class Caller(Transport):
            def written(self) -> None:
                self._connection = (None, None)

        self.assertEqual(borrowed(Channel), {"_dataBuffer"})
        self.assertEqual(borrowed(Caller), {"_connection"})

    def test_what_is_our_own_is_not(self) -> None:
        class Channel(HTTPChannel):
            def __init__(self) -> None:
                super().__init__()
                self._ours = 1

        self.assertEqual(borrowed(Channel), set())
