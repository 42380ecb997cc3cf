"""Which package may import which, as data, and a checker that reads a module's source."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass

LEAVES = {"text", "addresses", "files", "origins", "metrics"}
VOCABULARY = {"errors", "model", "interfaces", *LEAVES}
PROTOCOL = {"rfb", "handshake"}

ANYTHING = {"tap", "service", "supervisor", "cli", "demo"}
"""Parts that put others together."""

MAY_IMPORT: dict[str, set[str]] = {
    "text": set(),
    "addresses": set(),
    "files": set(),
    "metrics": set(),
    "logs": set(),
    "origins": {"errors"},
    "errors": {"text"},
    "model": {"errors", "text", "addresses"},
    "interfaces": {"errors", "model"},
    "handshake": {"errors", "model"},
    "rfb": {"errors", "model", "handshake"},
    "tls": {"errors", "model", "files"},
    "blocking": {"errors", "interfaces"},
    "pacing": set(),
    "painted": {"rfb"},
    "relay": {"errors", "model", "interfaces", "handshake"},
    "upstream": {"errors", "model", *LEAVES, *PROTOCOL, "tls", "relay"},
    "filters": {"errors", "model", "interfaces", "rfb"},
    "screen": {"errors", "rfb"},
    "recording": {"errors", "model", "interfaces", "rfb", "screen", "blocking"},
    "archive": {"text", "model", "blocking", "recording"},
    "replay": {"errors", "rfb", "screen", "recording"},
    "review": {*VOCABULARY, "redis", "archive", "player", "replay"},
    "consent": {"errors", "model", "rfb", "painted", "relay"},
    "power": VOCABULARY,
    "session": {
        *VOCABULARY,
        *PROTOCOL,
        "power",
        "consent",
        "filters",
        "painted",
        "relay",
        "upstream",
        "pacing",
        "languages.reasons",
    },
    "together": {*VOCABULARY, "session", "redis", "tokens", "cluster.keys"},
    "downstream": {
        *VOCABULARY,
        *PROTOCOL,
        "relay",
        "session",
        "web",
        "languages",
        "config.listeners",
    },
    "keyboard": {"rfb", "model"},
    "watching": {"errors", "model", "relay", "screen", "screenshots"},
    "typist": {*VOCABULARY, "keyboard", "rfb", "handshake", "relay", "filters", "session"},
    "screenshots": {"errors", "model", "rfb", "relay", "screen"},
    "redis": {"errors", *LEAVES, "config.redis", "relay.sending"},
    "zones": {"errors", "model", "text", "interfaces"},
    "openstack": {*VOCABULARY, "config.cloud"},
    "tokens": {
        *VOCABULARY,
        "redis",
        "tls",
        "openstack",
        *(f"config.{name}" for name in ("cloud", "redis", "scope", "secret", "urls")),
    },
    "links": {*VOCABULARY, "handshake", "relay", "tls", "zones"},
    "cluster": {*VOCABULARY, "pacing", "redis", "config.redis"},
    "portals": {"interfaces", "model", "redis"},
    "answers": set(),
    "client": {"answers"},
    "hosts": {*VOCABULARY, "tokens", "tls"},
    "api": {
        *VOCABULARY,
        "portals",
        "power",
        "answers",
        "tokens",
        "zones",
        "config.scope",
        "openstack",
        "screenshots.formats",
        "archive.library",
        "review",
        "player.sending",
        "downstream.headers",
        "downstream.static_files",
        "web",
        "keyboard",
        "watching.wanted",
        "together.links",
    },
    "login": {*VOCABULARY, "redis", "tls"},
    "start": {
        *VOCABULARY,
        "api",
        "config.scope",
        "downstream.headers",
        "downstream.login_cookie",
        "downstream.rate_limit",
        "login",
        "screenshots.formats",
    },
    "web": set(),
    "languages": {"errors"},
    "player": {"errors", "web", "recording", "replay"},
    "config": {"errors", "model", *LEAVES},
    "config.check": {*VOCABULARY, "config", "upstream", "web"},
    "backends": {*VOCABULARY, "tls", "zones", "openstack", "config.cloud", "config.secret"},
    "testing": {"errors", "model", "interfaces", *PROTOCOL},
}
"""The parts of the package, or modules of them, that each part may import besides itself."""

ONLY_IN: dict[str, set[str]] = {
    "autobahn": {"downstream", "upstream"},
    "txredisapi": {"redis"},
    "babel": {"languages"},
    "klein": {"api"},
    "jwt": {"tokens", "zones"},
    "openstack": {"openstack"},
    "keystoneauth1": {"openstack"},
    "click": {"cli"},
    "treq": {"backends", "hosts", "login"},
    "authlib": {"login"},
    "joserfc": {"login"},
    "httpx": {"client"},
    "boto3": {"archive"},
    "botocore": {"archive"},
    "PIL": {"screen", "screenshots", "recording"},
    "av": {"recording"},
    "prometheus_client": {"metrics", "session", "api", "service"},
}
"""Foreign packages that belong to some parts."""

NEVER_TOUCH_TWISTED_INTERNET = {
    *LEAVES - {"metrics"},
    "errors",
    "model",
    "filters",
    "painted",
    "screen",
    *PROTOCOL,
}
MAY_USE_PRIVATE_NAMES = {"relay"}
MAY_USE_THE_REACTOR = {"tap", "service", "supervisor", "cli", "demo"}
OF_NAMED_TUPLES = ("_replace", "_asdict", "_fields", "_make")
PRIVATE_OF = ("twisted", "autobahn")


@dataclass(frozen=True)
class Import:
    """One imported name: ``twisted.internet`` and ``reactor``; no name for ``import x``."""

    module: str
    name: str
    line: int
    at_module_level: bool

    @property
    def full(self) -> str:
        return f"{self.module}.{self.name}" if self.name else self.module


def violations(module: str, source: str, *, is_package: bool = False) -> list[str]:
    """Return what a module imports or touches against the rules, one line each.

    Args:
        module: its full name, ``vncproxy.rfb.security``.
        is_package: whether it is an ``__init__.py``, which relative imports depend on.
    """
    tree = ast.parse(source)
    part = part_of(module)
    found = [*_private_attributes(tree, part)]
    for each in imports(tree, module if is_package else module.rpartition(".")[0]):
        found.extend((each.line, complaint) for complaint in _complaints(each, part))
    return [f"{module}:{line}: {complaint}" for line, complaint in sorted(found)]


def part_of(name: str) -> str:
    """Return the part that a module belongs to, empty for the package itself."""
    below = name.split(".")[1:]
    inner = ".".join(below[:2])
    return inner if inner in MAY_IMPORT else ".".join(below[:1])


def imports(tree: ast.Module, package: str) -> Iterator[Import]:
    for node, inside_function in _walk(tree):
        outside = not inside_function
        if isinstance(node, ast.Import):
            for alias in node.names:
                yield Import(alias.name, "", node.lineno, outside)
        elif isinstance(node, ast.ImportFrom):
            origin = _absolute(node, package)
            for alias in node.names:
                yield Import(origin, alias.name, node.lineno, outside)


def _walk(tree: ast.Module) -> Iterator[tuple[ast.stmt, bool]]:
    """Yield all statements, each with whether it is inside a function."""
    left: list[tuple[ast.AST, bool]] = [(tree, False)]
    while left:
        node, inside = left.pop()
        inside |= isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.stmt):
                yield child, inside
                left.append((child, inside))
            elif isinstance(child, ast.ExceptHandler | ast.match_case):
                left.append((child, inside))


def _absolute(node: ast.ImportFrom, package: str) -> str:
    if not node.level:
        return node.module or ""
    parts = package.split(".")
    above = parts[: len(parts) - node.level + 1]
    return ".".join([*above, *([node.module] if node.module else [])])


def _complaints(each: Import, part: str) -> Iterator[str]:
    top = each.module.split(".")[0]
    if top == "vncproxy":
        yield from _of_ours(each, part)
    if top == "backends":
        yield "backends is imported as vncproxy.backends"
    if top in ONLY_IN and part not in ONLY_IN[top] | ANYTHING:
        yield f"{top} belongs to {', '.join(sorted(ONLY_IN[top]))}"
    if part in NEVER_TOUCH_TWISTED_INTERNET and f"{each.full}.".startswith("twisted.internet."):
        yield f"{part} knows no twisted.internet"
    if top in PRIVATE_OF and part not in MAY_USE_PRIVATE_NAMES and _is_private(each.full):
        yield f"{each.full} is private"
    if f"{each.full}.".startswith("twisted.internet.reactor."):
        if each.at_module_level:
            yield "the reactor is imported at module level"
        elif part not in MAY_USE_THE_REACTOR:
            yield f"the reactor belongs to {', '.join(sorted(MAY_USE_THE_REACTOR))}"


def _of_ours(each: Import, part: str) -> Iterator[str]:
    wanted = part_of(each.full)
    if part in ANYTHING or wanted in ("", part, "__version__"):
        return
    name = each.full.removeprefix("vncproxy.")
    if part not in MAY_IMPORT:
        yield f"no rule says what {part} may import"
    elif not any(f"{name}.".startswith(f"{allowed}.") for allowed in MAY_IMPORT[part]):
        yield f"{part} may not import {name if wanted in _in_pieces(part) else wanted}"


def _in_pieces(part: str) -> set[str]:
    """Return the parts of which another may import some modules only."""
    return {allowed.partition(".")[0] for allowed in MAY_IMPORT[part] if "." in allowed}


def _private_attributes(tree: ast.Module, part: str) -> Iterator[tuple[int, str]]:
    if part in MAY_USE_PRIVATE_NAMES:
        return
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own = {node.attr for node in attributes if _is_of_self(node)}
    for node in attributes:
        if node.attr not in own and _is_private(node.attr):
            yield node.lineno, f"{ast.unparse(node)} is private"


def _is_of_self(node: ast.Attribute) -> bool:
    return isinstance(node.value, ast.Name) and node.value.id in ("self", "cls")


def _is_private(name: str) -> bool:
    return any(
        word.startswith("_") and not word.endswith("__") and word not in OF_NAMED_TUPLES
        for word in name.split(".")
    )
