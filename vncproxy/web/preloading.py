"""Names in a page the modules that its script imports, so that browsers load all at once.

Without that, a browser learns of a module only when it has read the one that imports it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

_SCRIPT = re.compile(r'<script type="module" src="((?:\.\./)*static/)([\w./-]+)"></script>')
_COMMENT = re.compile(r"/\*.*?\*/|^\s*//[^\n]*$", re.S | re.M)
_STATIC = re.compile(
    r"""^\s*(?:import|export)\b[^"';]*?\bfrom\s*["']([^"']+)["']|^\s*import\s*["']([^"']+)["']""",
    re.M,
)
_DYNAMIC = re.compile(r"""\bimport\(\s*["'](\.[^"']+)["']\s*\)""")


def with_preloads(html: str, folder: Path) -> str:
    """Return a page with a link for each module that its script needs in order to start.

    Args:
        html: a page with at most one module script, whose address ends with its path in `folder`.
        folder: where files of the page are that it finds below ``static/``.
    """
    script = _SCRIPT.search(html)
    if script is None:
        return html
    prefix, entry = script.groups()
    links = "".join(
        f'<link rel="modulepreload" href="{prefix}{module}">\n'
        for module in imported(folder, entry)
    )
    return html[: script.start()] + links + html[script.start() :]


def imported(folder: Path, entry: str) -> list[str]:
    """Return the paths in `folder` of all modules that an entry imports, itself not among them.

    What the entry imports by a call of ``import()`` belongs to them; later ones load on demand.
    """
    found = [entry]
    for name in found:
        patterns = [_STATIC, _DYNAMIC] if name == entry else [_STATIC]
        for module in _imports(folder / name, patterns):
            path = module.relative_to(folder.resolve()).as_posix()
            if path not in found:
                found.append(path)
    return found[1:]


def _imports(module: Path, patterns: list[re.Pattern[str]]) -> Iterator[Path]:
    source = _COMMENT.sub("", module.read_text())
    for pattern in patterns:
        for match in pattern.finditer(source):
            address = next(filter(None, match.groups()))
            path = (module.parent / address).resolve()
            if path.is_file():
                yield path
