"""npm's axe-core, which finds what people cannot read or use in a page; see ``axe/``."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path
from typing import Any

from tests.components.npm_packages import install_package

HERE = Path(__file__).with_name("axe")
INSTALLED = Path(sys.prefix) / "axe"
RUN = """
    const [rules, done] = arguments;
    const options = { resultTypes: ["violations"], ...(rules.length && { runOnly: rules }) };
    axe.run(document, options).then(
        ({ violations }) => done(violations.flatMap(({ id, help, nodes }) => nodes.map(
            ({ html, any }) => `${id}: ${help}: ${html.slice(0, 160)} ${any[0]?.message ?? ""}`,
        ))),
        (error) => done([String(error)]),
    );
"""


@cache
def _source() -> str:
    folder = install_package(HERE, INSTALLED)
    return (folder / "node_modules" / "axe-core" / "axe.min.js").read_text()


def findings(driver: Any, *rules: str) -> list[str]:
    """Return what axe finds in the page as it is now, by these rules of its own, or by all."""
    if not driver.execute_script("return Boolean(window.axe)"):
        driver.execute_script(_source())
    found: list[str] = driver.execute_async_script(RUN, rules)
    return found


if __name__ == "__main__":
    install_package(HERE, INSTALLED)
